"""Replacement: a model's activations and maxima become PAF layers, all at once or one by one."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from tacit.errors import TypeMismatch
from tacit.tune.paf import PAF, Approximant, Exact
from tacit.tune.pooling import Maximum
from tacit.tune.sites import prepared

# One for all layers, or one for each that is named; the others stay exact.
Forms = Approximant | Mapping[str, Approximant]


@dataclass(frozen=True)
class Site:
    """A layer to replace or replaced: what it computes, and by which degrees in each level.

    `degrees` is empty as long as the layer is exact.
    """

    name: str
    function: str
    degrees: tuple[tuple[int, ...], ...] = ()


def replace(model: nn.Module, forms: Forms, example: Tensor | tuple[Tensor, ...]) -> nn.Module:
    """A copy of the model with PAF layers for its activations and maxima.

    The example is a batch of inputs: it shows shapes, and how large the inputs are of functions
    that need a polynomial of their own. Scales are dynamic until `use` says otherwise.
    """
    return swapped(prepared(model, example), forms)


def swapped(model: nn.Module, forms: Forms) -> nn.Module:
    """A copy of a prepared or replaced model with PAF layers of these forms.

    What the layers observed shows how large the inputs are.
    """
    made = copy.deepcopy(model)
    known = [each.name for each in sites(made)]
    named = forms if isinstance(forms, Mapping) else dict.fromkeys(known, forms)
    for name, approximant in named.items():
        _swap(made, name, approximant)
    return made


def replace_one(model: nn.Module, name: str, form: Approximant) -> nn.Module:
    """A copy of a prepared or replaced model in which one more layer is a PAF.

    A layer that was a PAF already gets fresh coefficients and keeps its scale.
    """
    made = copy.deepcopy(model)
    _swap(made, name, form)
    return made


def sites(model: nn.Module) -> tuple[Site, ...]:
    """The layers of a prepared or replaced model in inference order."""
    found = []
    inside: set[str] = set()
    for name, each in model.named_modules():
        if any(name.startswith(f"{outer}.") for outer in inside):
            continue
        match each:
            case Maximum():
                inside.add(name)
                levels = tuple(k.degrees for k in each.levels if isinstance(k, PAF))
                place = min(k.place for k in each.scales)
                found.append((place, Site(name, "max", levels)))
            case Exact():
                found.append((each.scale.place, Site(name, repr(each.function))))
            case PAF():
                site = Site(name, repr(each.function), (each.degrees,))
                found.append((each.scale.place, site))
            case _:
                pass
    return tuple(site for _, site in sorted(found, key=lambda pair: pair[0]))


def _swap(model: nn.Module, name: str, approximant: Approximant) -> None:
    """Put a PAF in the place of the layer of that name."""
    layer = dict(model.named_modules()).get(name)
    match layer:
        case Maximum():
            layer.replace(approximant)
        case Exact() | PAF():
            made = PAF(layer.function, approximant, layer.scale, layer.call)
            made.train(layer.training)
            model.set_submodule(name, made.to(layer.scale.value.device))
        case _:
            known = ", ".join(each.name for each in sites(model))
            raise TypeMismatch(f"no layer {name!r} can be replaced", hint=f"known are {known}")
