"""What may stand for a layer: forms by name, which layers they fit, and what they take."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from tacit.approx import Composite, Custom, Fit, Paf, Polynomial, paf
from tacit.approx.composites.forms import form_of
from tacit.errors import TypeMismatch
from tacit.ir.functions import Function
from tacit.tune.back import approximation
from tacit.tune.paf import Approximant, stand_in
from tacit.tune.search.network import Layer

# Enough to tell a handful of forms apart.
DIGITS = 6


def name_of(form: Approximant) -> str:
    """What a form is called, in files and pictures: the same for the same coefficients only.

    >>> name_of("f1²∘g1²"), name_of(7)
    ('f1f1g1g1', 'degree 7')
    """
    match form:
        case str():
            return paf(form).name
        case int():
            return f"degree {form}"
        case Paf():
            return f"{form.name} {_mark([list(each) for each in form.trainable])}"
        case Composite():
            degrees = "-".join(map(str, form.degrees))
            return f"composite {degrees} {_mark([_numbers(each) for each in form.stages])}"
        case Fit():
            own = [repr(form.function), _numbers(form.polynomial)]
            return f"{form.method} {form.degree} {_mark(own)}"


def named(forms: Iterable[Approximant]) -> dict[str, Approximant]:
    """The forms by name; TypeMismatch for none, an unknown PAF, or a degree below 1."""
    found = {name_of(each): each for each in forms}
    if not found:
        raise TypeMismatch("no form to choose from", hint='give some, such as forms=("alpha7", 7)')
    for each in found.values():
        if isinstance(each, int) and each < 1:
            raise TypeMismatch(f"a polynomial of degree {each} is a constant")
    return found


def options_of(layer: Layer, forms: Mapping[str, Approximant]) -> dict[str, Approximant]:
    """Those of the forms that may stand for the layer; TypeMismatch if there are none."""
    found = {name: each for name, each in forms.items() if fits(layer.function, each)}
    if not found:
        raise TypeMismatch(
            f"{layer.name} computes {layer.function!r}; none of {', '.join(forms)} stands for it",
            hint="composites are for relu, leaky_relu, abs and max; add a degree, such as 7",
        )
    return found


def fits(function: Function | Custom, form: Approximant) -> bool:
    """Whether the form may stand for the function."""
    match form:
        case int():
            return True
        case Fit():
            return repr(form.function) == repr(function)
        case str() | Paf() | Composite():
            return is_made_of_a_sign(function)


def is_made_of_a_sign(function: Function | Custom) -> bool:
    """Whether composites exist for it."""
    try:
        form_of(function)
    except TypeMismatch:
        return False
    return True


@dataclass(frozen=True)
class Work:
    """The levels of one evaluation and of the linear map before it, and the products."""

    levels: int
    products: int


@cache
def work_of(function: Function | Custom, form: Approximant) -> Work:
    """What it takes to evaluate a form: nothing where it is a line."""
    # Trained coefficients are never zero, so the scale and the values make no difference.
    found = approximation(stand_in(function, form, on=1.0))
    if isinstance(found, Fit) and found.degree < 2:
        return Work(0, 0)
    return Work(1 + found.depth, found.products)


def evenly(
    layers: Sequence[Layer], options: Sequence[Mapping[str, Approximant]], name: str
) -> dict[str, Approximant]:
    """The form of that name for all layers that can take it, and the shallowest for the others."""
    found = {}
    for layer, forms in zip(layers, options, strict=True):
        least = min(forms.values(), key=lambda each: work_of(layer.function, each).levels)
        found[layer.name] = forms.get(name, least)
    return found


def _numbers(polynomial: Polynomial) -> list[float]:
    return [polynomial.low, polynomial.high, *polynomial.coefficients]


def _mark(content: object) -> str:
    """A few digits that depend on all of the content."""
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:DIGITS]
