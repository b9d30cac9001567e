"""The bench: a network whose layers are replaced, one alone or all one after the other."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import fx, nn

from tacit.data import Images
from tacit.tune.coefficients import Tuning, tune_coefficients
from tacit.tune.measure import Score, predicting, score
from tacit.tune.paf import Approximant
from tacit.tune.pooling import Maximum
from tacit.tune.replace import replace_one
from tacit.tune.samples import Samples
from tacit.tune.scaling import Scaling, forget, freeze, observing, recount, scales, use
from tacit.tune.search.network import Layer, Step, layers_of, steps_of
from tacit.tune.sites import prepared


@dataclass(frozen=True)
class Settings:
    """How layers are settled: on how many images, which are drawn by `seed`, and how.

    Static scales are `margin` times the largest input that was seen.
    """

    observed: int = 1000
    margin: float = 1.05
    seed: int = 0
    tuning: Tuning = field(default_factory=Tuning)


@dataclass(frozen=True, eq=False)
class Bench:
    """A prepared network whose layers have seen the images `seen`."""

    exact: fx.GraphModule
    layers: tuple[Layer, ...]
    samples: Samples
    seen: Images
    settings: Settings

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """All that takes levels."""
        return steps_of(self.exact, self.samples.example.to(_device(self.exact)))

    @property
    def text(self) -> str:
        """The network's own code and the settings, in words."""
        modules = self.exact.named_modules()
        maxima = {name: each.entrants for name, each in modules if isinstance(each, Maximum)}
        return f"{self.exact}\n{self.layers}\n{maxima}\n{self.settings}"

    def scored(self, model: nn.Module) -> Score:
        """How well the network does on the held-out images."""
        return score(model, self.samples.held_out, normalisation=self.samples.normalisation)

    def alone(self, name: str, form: Approximant) -> nn.Module:
        """The network with one layer replaced and settled."""
        made = _graph(replace_one(self.exact, name, form))
        self._settle(made, name)
        return made

    def together(self, forms: Mapping[str, Approximant]) -> nn.Module:
        """The network with these layers replaced and settled, in the order of inference.

        Each one's coefficients are tuned for what the layers replaced before it give.
        """
        made = copy.deepcopy(self.exact)
        for name in (each.name for each in self.layers if each.name in forms):
            self._watch(made, name)
            made = _graph(replace_one(made, name, forms[name]))
            self._settle(made, name)
        recount(made)
        return made

    def _watch(self, model: fx.GraphModule, name: str) -> None:
        """Have the layer see its inputs afresh, and nothing else run."""
        layer, part = model.get_submodule(name), _until(model, name)
        forget(layer)
        device = _device(model)
        with predicting(part), observing(layer):
            for batch in self.samples.batches(self.seen):
                part(batch.to(device))

    def _settle(self, model: fx.GraphModule, name: str) -> None:
        """Freeze a new layer's scale, and tune its coefficients."""
        layer = model.get_submodule(name)
        # A polynomial with an interval of its own has a scale of its own, which has seen nothing.
        if not all(int(each.counts.sum()) for each in scales(layer)):
            self._watch(model, name)
        freeze(layer, margin=self.settings.margin)
        tune_coefficients(layer, self.settings.tuning)
        use(layer, Scaling.STATIC)


def bench(model: nn.Module, samples: Samples, settings: Settings) -> Bench:
    """The bench of a trained network, which is left as it is."""
    device = _device(model)
    exact = _graph(prepared(model, samples.example.to(device)))
    seen = samples.seen(settings.observed, settings.seed)
    forget(exact)
    with predicting(exact), observing(exact):
        for batch in samples.batches(seen):
            exact(batch.to(device))
    return Bench(exact, layers_of(exact), samples, seen, settings)


def _device(model: nn.Module) -> torch.device:
    return next((each.device for each in model.parameters()), torch.device("cpu"))


def _graph(model: nn.Module) -> fx.GraphModule:
    assert isinstance(model, fx.GraphModule), "what is prepared is a graph, and so are its copies"
    return model


def _until(model: fx.GraphModule, name: str) -> fx.GraphModule:
    """The part of the model that computes the layer of that name; it shares the model's layers."""
    graph = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    for node in model.graph.nodes:
        copies[node] = graph.node_copy(node, lambda each: copies[each])
        if node.op == "call_module" and node.target == name:
            graph.output(copies[node])
            break
    part = fx.GraphModule(model, graph)
    part.graph.eliminate_dead_code()
    part.recompile()
    return part
