"""What `tacit approximate` is asked for, and the approximation that answers it."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path

import flint
import numpy as np

from tacit.approx import (
    METHODS,
    Composite,
    Custom,
    Fit,
    Histogram,
    LeastSquares,
    Method,
    Minimax,
    composite,
    error_of,
    fit,
    fit_composite,
    paf,
)
from tacit.approx.composites.composite import bound_of, gap_of, outside
from tacit.approx.composites.forms import COMPARISON, form_of, target_of
from tacit.approx.domain import Intervals, checked_intervals
from tacit.approx.fits import MAX_DEGREE
from tacit.cli import arguments, circuits
from tacit.errors import TacitError
from tacit.ir.balls import Branch
from tacit.ir.functions import FUNCTIONS, FloatArray, Function

CALL = re.compile(r"^(\w+)\((.*)\)$")
NAMES = sorted({*FUNCTIONS, "comparison", "max"})
WHOLE: Intervals = ((-1.0, 1.0),)
# What jumps at 0, which no polynomial follows.
JUMPS = (Function("sign"), COMPARISON)
# The bits of a comparison whose gap nobody said: seven, as SmartPAF's forms have.
USUAL_ALPHA = 7.0


class Objective(StrEnum):
    """What a composite has least of."""

    DEPTH = "depth"
    PRODUCTS = "products"
    TIME = "time"


class Least(StrEnum):
    """What is least where an error is given."""

    DEGREE = "degree"
    DEPTH = "depth"


@dataclass(frozen=True)
class Wish:
    """What is asked for, as it stands on the command line."""

    function: str
    on: Intervals = ()
    degree: int | None = None
    depth: int | None = None
    error: float | None = None
    least: Least = Least.DEGREE
    method: str = Minimax.name
    precision: int | None = None
    relative: bool = False
    samples: Path | None = None
    alpha: float | None = None
    gap: float | None = None
    degrees: str | None = None
    objective: Objective = Objective.DEPTH
    paf: str | None = None

    def __post_init__(self) -> None:
        """Refuse bits of a comparison that mean nothing."""
        if self.alpha is not None and not 0.0 < self.alpha < math.inf:
            raise TacitError(f"--alpha is {self.alpha:g}", hint="some bits, such as 8")

    @property
    def target(self) -> Function | Custom:
        """The function."""
        return named(self.function)

    @property
    def whole(self) -> Intervals:
        """The intervals that are said, with any jump in them; [-1, 1] where none is."""
        return checked_intervals(self.on) if self.on else WHOLE

    @property
    def intervals(self) -> Intervals:
        """The intervals without the gap around a jump."""
        gap = self.usual_gap
        return self.whole if gap is None else outside(self.whole, gap)

    @property
    def usual_gap(self) -> float | None:
        """The gap around a jump: said, meant by alpha, or the usual one; none where none is due."""
        if self.target not in JUMPS:
            if self.gap is not None:
                raise TacitError(
                    f"{self.function} does not jump, so --gap does nothing",
                    hint="it goes with sign and comparison",
                )
            return None
        bound = bound_of(self.whole)
        if self.gap is None:
            bits = self.alpha or USUAL_ALPHA
            return None if gap_of(self.whole) > 0.0 else 2.0**-bits * bound
        if not 0.0 < self.gap < bound:
            raise TacitError(
                f"--gap {self.gap:g} leaves nothing of |x| <= {bound:g}",
                hint=f"above 0 and below {bound:g}",
            )
        return self.gap

    @property
    def histogram(self) -> Histogram | None:
        """The distribution of the samples, if there are any."""
        if self.samples is None:
            return None
        return Histogram.of(np.ravel(arguments.load_data(self.samples).x))


def named(text: str) -> Function | Custom:
    """The function that a text means: a name, or a call with parameters as `repr` writes them.

    >>> named("leaky_relu(slope=0.1)"), named("elu(scale=2)"), named("relu")
    (leaky_relu(slope=0.1), elu(alpha=1, scale=2), relu)
    """
    call = CALL.match(text.strip())
    name, inside = call.groups() if call else (text.strip(), "")
    if name not in NAMES:
        raise _unknown(name)
    if call is None:
        return target_of(name)
    if name not in FUNCTIONS:
        raise TacitError(f"{name} takes no parameters", hint=f"say {name}")
    return Function(name, _parameters(name, [*filter(None, inside.split(","))]))


def _unknown(name: str) -> TacitError:
    near = get_close_matches(name, NAMES, n=1)
    hint = f"did you mean {near[0]}?" if near else "tacit approximate --help lists them"
    return TacitError(f"no function is called {name!r}", hint=hint)


def _parameters(name: str, parts: list[str]) -> tuple[float, ...]:
    """The values of all parameters: of those that are named, and of the first ones that are not."""
    known = {each.name: each.default for each in FUNCTIONS[name].parameters}
    usual = ", ".join(f"{each}={value:g}" for each, value in known.items())
    hint = f"it takes {usual}" if known else f"say {name}"
    if len(parts) > len(known):
        raise TacitError(f"{name} was given {len(parts)} parameters", hint=hint)
    for place, part in enumerate(parts):
        label, _, number = part.rpartition("=")
        key = label.strip() or list(known)[place]
        try:
            value = float(number)
        except ValueError as wrong:
            raise TacitError(f"{part.strip()!r} is no parameter of {name}", hint=hint) from wrong
        if key not in known or not math.isfinite(value):
            raise TacitError(f"{part.strip()!r} is no parameter of {name}", hint=hint)
        known[key] = value
    return tuple(known.values())


def found(wish: Wish) -> tuple[Fit | Composite, float]:
    """The approximation that is asked for, and the seconds that finding it took."""
    begin = time.perf_counter()
    approximation = _found(wish)
    return approximation, time.perf_counter() - begin


def _found(wish: Wish) -> Fit | Composite:
    if wish.paf is not None:
        return paf(wish.paf).composite(wish.target, wish.whole)
    if wish.degrees is not None:
        return _of_degrees(wish, _whole_numbers(wish.degrees))
    if wish.alpha is not None:
        return fit_composite(
            wish.target,
            wish.whole,
            error=error_of(wish.target, wish.alpha),
            gap=wish.usual_gap,
            objective=wish.objective.value,
        )
    return _fit(wish)


def _fit(wish: Wish) -> Fit:
    if wish.degree is wish.depth is wish.error is None:
        if wish.function in circuits.NAMES:
            hint = "say --degree 15, --depth 4 or --error 0.01, or --circuit with an error"
        else:
            hint = "say --degree 15, --depth 4 or --error 0.01"
        raise TacitError(f"how good an approximation of {wish.function} is not said", hint=hint)
    return fit(
        wish.target,
        wish.intervals,
        degree=wish.degree,
        depth=wish.depth,
        error=wish.error,
        least=wish.least.value,
        method=_method(wish),
        weight=relative(wish.target) if wish.relative else None,
    )


def relative(function: Function | Custom) -> Custom:
    """The weight that makes an error relative to the function's values."""

    def one_over(x: FloatArray) -> FloatArray:
        return np.asarray(1.0 / np.abs(function.exact(x)))

    branches = function.branches
    known = None if branches is None else tuple(map(_one_over, branches))
    return Custom(f"1/|{function.name}|", one_over, function.kinks, known)


def _one_over(branch: Branch) -> Branch:
    """A branch of 1 / |f|; nothing is known where f may be 0."""

    def inverse(x: flint.arb_series) -> flint.arb_series:
        values = branch(x)
        return 1 / values if values[0] > 0 else -1 / values

    return inverse


def _method(wish: Wish) -> Method:
    if wish.method not in METHODS:
        raise TacitError(
            f"no method is called {wish.method!r}", hint=f"known are {', '.join(METHODS)}"
        )
    for option, value, name in (
        ("--precision", wish.precision, Minimax.name),
        ("--samples", wish.samples, LeastSquares.name),
    ):
        if value is not None and wish.method != name:
            raise TacitError(
                f"{option} does not go with the method {wish.method}", hint=f"--method {name}"
            )
    if wish.precision is not None:
        return Minimax(bits=wish.precision)
    return LeastSquares(wish.histogram) if wish.samples else METHODS[wish.method]()


def _of_degrees(wish: Wish, degrees: tuple[int, ...]) -> Composite:
    """The composite of these degrees, which must be as good as alpha asks for, if it does."""
    target = wish.target
    gap = wish.gap if form_of(target).bend else wish.usual_gap
    answer = composite(target, degrees, wish.whole, gap=gap)
    if wish.alpha is not None and answer.error > error_of(target, wish.alpha):
        raise TacitError(
            f"degrees {wish.degrees} have error {answer.error:.3g}; --alpha {wish.alpha:g} asks "
            f"for {error_of(target, wish.alpha):.3g}",
            hint="leave out --alpha, or --degrees to find them",
        )
    return answer


def _whole_numbers(text: str) -> tuple[int, ...]:
    try:
        degrees = tuple(int(part) for part in text.split(","))
    except ValueError as wrong:
        raise TacitError(f"--degrees {text!r} is no list of numbers", hint="7,15,15") from wrong
    if max(degrees) > MAX_DEGREE:
        raise TacitError(f"--degrees {text} are not all up to {MAX_DEGREE}", hint="7,15,15")
    return degrees
