"""PAF layers: a function by polynomials whose coefficients learn (SmartPAF, arXiv 2404.03216)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn

from tacit.approx import Composite, Custom, Fit, Form, Paf, Polynomial, fit, paf
from tacit.approx.composites.forms import HALF_MAGNITUDE, form_of, target_of
from tacit.approx.polynomial import Parity
from tacit.errors import NotCalibrated, ReadError, TypeMismatch
from tacit.ir.functions import FUNCTIONS, Function
from tacit.read.torch.approximation import approximation
from tacit.tune.scaling import Scale, Scaling
from tacit.tune.series import Chain, Stage, evaluate

# A composite sign by name or by value; or one polynomial, by its degree or by value.
Approximant = str | Paf | Composite | Fit | int
Target = Function | Custom
# f(s x) = s f(x) for s > 0: one polynomial on [-1, 1] serves every scale.
HOMOGENEOUS = ("relu", "leaky_relu", "abs", "max")
# How far beyond its scale a layer is kept tame, relative to it.
REACH = 1.05
# What a single polynomial makes of its own value.
VALUE = Form("value", step=1.0)
# What is made of a function that has a name, as factor and offset; they cost nothing encrypted.
MADE_OF: Mapping[str, tuple[Function, float, float]] = MappingProxyType(
    {"max": (Function("abs"), 0.5, 0.0), "comparison": (Function("sign"), 0.5, 0.5)}
)


class Exact(nn.Module):
    """A function that is not replaced yet, of which the inputs can be seen already."""

    def __init__(self, function: Target, scale: Scale, call: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function
        self.scale = scale
        self.call = call

    def forward(self, x: Tensor, counted: Tensor | None = None) -> Tensor:
        """The function's values."""
        if self.scale.observing:
            self.scale.observe(x if counted is None else x[counted])
        return self.call(x)


class PAF(nn.Module):
    """A function as a chain of polynomials whose Chebyshev coefficients are parameters.

    For a composite sign s, relu is (x + x s(x / scale)) / 2: the scale divides the argument of s
    only. One polynomial p of a function with f(a x) = a f(x) gives scale p(x / scale); of another
    function it has an interval of its own, which is the scale for ever. As long as it is not
    `active` it is the function itself, by `call`.
    """

    centre: Tensor

    def __init__(
        self,
        function: Target,
        approximant: Approximant,
        scale: Scale,
        call: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.call = call
        self.active = True
        shape = shaped(function, approximant, float(scale.largest))
        self.function = function
        self.chain = shape.chain
        self.coefficients = nn.ParameterList(
            nn.Parameter(torch.tensor(each)) for each in shape.coefficients
        )
        self.is_scaled = shape.chain.form is VALUE and shape.interval is None
        low, high = shape.interval or (0.0, 0.0)
        self.register_buffer("centre", torch.tensor((low + high) / 2.0))
        if shape.interval is not None:
            scale = Scale(scale.name, scale.place, pinned=(high - low) / 2.0)
        self.scale = scale

    def forward(self, x: Tensor, counted: Tensor | None = None) -> Tensor:
        """The approximated values; `counted` are the entries that count for the scale, or all."""
        if not self.active and self.call is not None:
            if self.scale.observing:
                self.scale.observe(self._moved(x) if counted is None else self._moved(x)[counted])
            return self.call(x)
        if torch.compiler.is_exporting():
            return self._named(x)
        moved = self._moved(x)
        scale = self.scale(moved, counted).to(self.coefficients[0].dtype)
        # Where a composite explodes one input would end a training; at rest nothing is moved.
        limit = REACH if self.training else math.inf
        value = evaluate(self.chain, moved, 1.0 / scale, tuple(self.coefficients), limit)
        return value * scale.to(value.dtype) if self.is_scaled else value

    def _moved(self, x: Tensor) -> Tensor:
        return x - self.centre if self.scale.is_pinned else x

    def _named(self, x: Tensor) -> Tensor:
        """The same values by one op, which a program keeps and which tells what it stands for."""
        if self.scale.scaling is not Scaling.STATIC and not self.scale.is_pinned:
            raise NotCalibrated(
                f"{self.scale.name} has a dynamic scale, which depends on the whole batch",
                hint="freeze(model), then use(model, Scaling.STATIC), before it is read",
            )
        known, factor, offset = _made_of(self.function, self.scale.name)
        form = self.chain.form
        value: Tensor = approximation(
            x,
            self.centre,
            self.scale.value,
            list(self.coefficients),
            [stage.width for stage in self.chain.stages],
            [stage.is_odd for stage in self.chain.stages],
            known.name,
            list(known.values),
            [each / factor for each in (form.constant - offset, form.step, form.slope, form.bend)],
            self.is_scaled,
        )
        value = value if factor == 1.0 else factor * value
        return value + offset if offset else value

    def extra_repr(self) -> str:
        """What it stands for, and the degrees of its stages."""
        return f"{self.function!r} by degrees {self.degrees}"

    @property
    def degrees(self) -> tuple[int, ...]:
        """The stages' degrees, innermost first."""
        pairs = zip(self.chain.stages, self.coefficients, strict=True)
        return tuple(2 * len(c) - 1 if stage.is_odd else len(c) - 1 for stage, c in pairs)


@dataclass(frozen=True)
class Shape:
    """A chain, its first coefficients, and the interval of a polynomial that does not scale."""

    chain: Chain
    coefficients: tuple[tuple[float, ...], ...]
    interval: tuple[float, float] | None = None


def shaped(function: Target, approximant: Approximant, reach: float) -> Shape:
    """What an approximant means for a function whose inputs have been seen up to `reach`."""
    match approximant:
        case str():
            return _composite(function, paf(approximant).stages)
        case Paf():
            return _composite(function, approximant.stages)
        case Composite():
            first, *others = approximant.stages
            return _composite(function, (first.moved(-1.0, 1.0), *others))
        case Fit():
            return _single(function, approximant)
        case int():
            return _single(function, _fitted(function, approximant, reach))


def _composite(function: Target, stages: Sequence[Polynomial]) -> Shape:
    # Refuses what is not made of a sign, and says what is.
    form = form_of(function)
    kinds = tuple(Stage(each.high) for each in stages)
    return Shape(Chain(kinds, form), tuple(each.coefficients[1::2] for each in stages))


def _fitted(function: Target, degree: int, reach: float) -> Fit:
    if function.name in HOMOGENEOUS:
        return fit(function, (-1.0, 1.0), degree=degree)
    if not reach > 0.0:
        raise NotCalibrated(
            f"a polynomial of {function!r} needs an interval, and no input was seen",
            hint="give a Fit, or call observe(model, batches) first",
        )
    bound = REACH * reach
    return fit(function, (-bound, bound), degree=degree)


def _single(function: Target, found: Fit) -> Shape:
    if repr(found.function) != repr(function):
        raise TypeMismatch(
            f"a fit of {found.function!r} cannot stand for {function!r}",
            hint=f"fit {function!r}, or give a degree",
        )
    polynomial = found.polynomial
    is_odd = polynomial.parity is Parity.ODD
    coefficients = polynomial.coefficients[1::2] if is_odd else polynomial.coefficients
    low, high = polynomial.low, polynomial.high
    chain = Chain((Stage(1.0, is_odd),), VALUE)
    if function.name in HOMOGENEOUS and low == -high:
        return Shape(chain, (tuple(each / high for each in coefficients),))
    return Shape(chain, (coefficients,), (low, high))


def _made_of(function: Target, where: str) -> tuple[Function, float, float]:
    match function:
        case Function():
            return function, 1.0, 0.0
        case Custom(name=name) if name in MADE_OF:
            return MADE_OF[name]
        case _:
            raise ReadError(
                f"{where} stands for {function!r}, which has no name in a file",
                hint=f"functions with names are {', '.join(sorted(FUNCTIONS))}",
            )


def pafs(model: nn.Module) -> dict[str, PAF]:
    """Every PAF of a model by its path, in inference order."""
    found = [(name, each) for name, each in model.named_modules() if isinstance(each, PAF)]
    return dict(sorted(found, key=lambda pair: pair[1].scale.place))


def activate(model: nn.Module, names: Iterable[str] | None = None) -> None:
    """Make the named PAFs, or all for None, polynomials, and the others what they stand for."""
    chosen = None if names is None else set(names)
    for name, layer in pafs(model).items():
        layer.active = chosen is None or name in chosen


def coefficients(model: nn.Module) -> list[nn.Parameter]:
    """The coefficients of every PAF of a model: what a group of an optimiser is made of."""
    return [each for layer in pafs(model).values() for each in layer.coefficients]


def stand_in(
    function: str | Target, approximant: Approximant, *, name: str = "", on: float | None = None
) -> PAF:
    """A PAF by itself, with the static scale `on` if there is one.

    >>> relu = stand_in("relu", "f1f1g1g1", on=4.0)
    >>> relu.degrees
    (3, 3, 3, 3)
    """
    scale = Scale(name or "PAF")
    target = target_of(function)
    if on is not None:
        scale.value.fill_(on)
        scale.largest.fill_(on)
    return PAF(HALF_MAGNITUDE if target.name == "max" else target, approximant, scale)
