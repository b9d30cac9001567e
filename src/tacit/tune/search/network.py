"""What a network is made of, seen from its levels: layers to replace, and products.

Everything else must be affine, which is found by trying: a call is a polynomial of a degree below
k where every k-th difference of it vanishes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx
from torch.utils import _pytree as pytree

from tacit.approx import Custom
from tacit.approx.composites.forms import HALF_MAGNITUDE
from tacit.errors import LoweringError
from tacit.ir.functions import Function
from tacit.tune.measure import predicting
from tacit.tune.paf import PAF, Exact
from tacit.tune.pooling import Maximum
from tacit.tune.sites import plain_name

# What a difference may leave of float32 values, relative to the largest of them.
SAME = 1e-3
# A client computes them, and what follows, on what it has opened.
AT_CLIENT = frozenset({"softmax", "log_softmax", "argmax"})
# The linear map that brings both factors to their scale, and the product itself.
PRODUCT_LEVELS = 2
# The linear map that ends a network is not rescaled, and yet needs a level to be on.
LAST_LEVELS = 1


@dataclass(frozen=True)
class Layer:
    """A layer to replace: its function, and how many times in a row it is computed."""

    name: str
    function: Function | Custom
    times: int = 1


@dataclass(frozen=True)
class Step:
    """What takes levels: a layer, by its place, or something else that takes `levels` of them.

    `before` are the steps of which it reads affine functions.
    """

    before: tuple[int, ...]
    layer: int | None = None
    levels: int = 0


def layers_of(model: fx.GraphModule) -> tuple[Layer, ...]:
    """The layers of a prepared model in the order in which they are computed."""
    modules = dict(model.named_modules())
    found = []
    for name in (str(node.target) for node in model.graph.nodes if node.op == "call_module"):
        match modules[name]:
            case Maximum() as layer:
                found.append(Layer(name, HALF_MAGNITUDE, len(layer.matches)))
            case Exact() | PAF() as layer:
                found.append(Layer(name, layer.function))
            case _:
                pass
    return tuple(found)


def steps_of(model: fx.GraphModule, example: Tensor) -> tuple[Step, ...]:
    """All that takes levels in a prepared model, in the order in which it is computed.

    LoweringError where something that is no layer to replace is neither affine nor a product.
    """
    walk = _Walk(model, [each.name for each in layers_of(model)])
    with predicting(model):
        walk.run(example)
    return tuple(walk.steps)


@dataclass(frozen=True)
class _Value:
    """The steps that a value is an affine function of; or, if `bare`, their very results."""

    steps: frozenset[int] = frozenset()
    bare: bool = False


# A call as a function of the inputs that depend on the network's; all results that are tensors.
_Call = Callable[[Sequence[Any]], list[Tensor]]


class _Walk(fx.Interpreter):
    """Runs a model once, on an example, and tries what every call does."""

    def __init__(self, model: fx.GraphModule, layers: Sequence[str]) -> None:
        super().__init__(model, garbage_collect_values=False)
        self.places = {name: place for place, name in enumerate(layers)}
        self.steps: list[Step] = []
        self.values: dict[fx.Node, _Value] = {}
        self.random = torch.Generator().manual_seed(0)

    def run_node(self, n: fx.Node) -> Any:
        """The node's result on the example."""
        inputs = [each for each in n.all_input_nodes if each in self.values]
        result = super().run_node(n)
        if n.op == "placeholder":
            self.values[n] = _Value()
        elif inputs and _tensors(result):
            found = self._value(n, inputs)
            self.values |= {} if found is None else {n: found}
        return result

    def _value(self, node: fx.Node, inputs: Sequence[fx.Node]) -> _Value | None:
        """What the node's result is; None for what a client has opened."""
        known = [self.values[each] for each in inputs]
        before = tuple(sorted(frozenset().union(*(each.steps for each in known))))
        is_bare = all(each.bare for each in known)
        if node.op == "call_module" and str(node.target) in self.places:
            # A maximum adds its rivals to what its last match gives.
            bare = isinstance(self.fetch_attr(str(node.target)), Exact | PAF)
            return self._step(Step(before, self.places[str(node.target)]), bare=bare)
        if node.op == "output" or plain_name(node) in AT_CLIENT:
            self._step(Step(before, levels=0 if is_bare else LAST_LEVELS))
            return None
        call = self._call(node, inputs)
        if self._vanishes(call, inputs, 2):
            return _Value(frozenset(before), is_bare and self._moves_nothing(call, inputs))
        if self._vanishes(call, inputs, 3):
            return self._step(Step(before, levels=PRODUCT_LEVELS))
        raise LoweringError(
            f"{node.name} is neither affine nor a product, and no layer to replace",
            hint="how many levels it takes depends on its inputs: search by seconds",
        )

    def _step(self, step: Step, *, bare: bool = False) -> _Value:
        self.steps.append(step)
        return _Value(frozenset({len(self.steps) - 1}), bare)

    def _call(self, node: fx.Node, inputs: Sequence[fx.Node]) -> _Call:
        def called(given: Sequence[Any]) -> list[Tensor]:
            known = dict(zip(inputs, given, strict=True))
            args, kwargs = fx.map_arg(
                (node.args, node.kwargs),
                lambda each: known[each] if each in known else self.env[each],
            )
            return _tensors(getattr(self, node.op)(node.target, args, kwargs))

        return called

    def _vanishes(self, call: _Call, inputs: Sequence[fx.Node], order: int) -> bool:
        """Whether the difference of that order is nothing but rounding, at a random place."""
        base, *steps = ([self._random(self.env[each]) for each in inputs] for _ in range(order + 1))
        total: list[Tensor] = []
        largest = 0.0
        for taken in itertools.product((False, True), repeat=order):
            parts = [base, *itertools.compress(steps, taken)]
            given = [_sum(each) for each in zip(*parts, strict=True)]
            results = [each.double() for each in call(given)]
            largest = max([largest, *(float(each.abs().max()) for each in results)])
            signed = [-each if sum(taken) % 2 else each for each in results]
            total = [a + b for a, b in zip(total, signed, strict=True)] if total else signed
        return all(bool((each.abs() <= SAME * largest).all()) for each in total)

    def _moves_nothing(self, call: _Call, inputs: Sequence[fx.Node]) -> bool:
        """Whether the result has the entries of the only input, in their order."""
        if len(inputs) != 1:
            return False
        given = self._random(self.env[inputs[0]])
        pairs = zip(_tensors(given), call([given]), strict=False)
        return all(torch.equal(a.flatten(), b.flatten()) for a, b in pairs)

    def _random(self, value: Any) -> Any:
        """The value with random numbers instead of those that it holds."""

        def drawn(each: Tensor) -> Tensor:
            return (
                torch.randn(each.shape, generator=self.random).to(each)
                if each.is_floating_point()
                else each.clone()
            )

        return pytree.tree_map_only(Tensor, drawn, value)


def _sum(values: Sequence[Any]) -> Any:
    """The sum of tensors, or of tuples of such, one by one."""
    return pytree.tree_map(lambda *each: sum(each[1:], each[0]), *values)


def _tensors(value: Any) -> list[Tensor]:
    return [each for each in pytree.tree_leaves(value) if isinstance(each, Tensor)]
