"""Fits with whole coefficients: what BGV and BFV evaluate exactly, without any rounding between."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from tacit.approx.domain import Intervals
from tacit.approx.fits import Domain, fit, intervals_of
from tacit.approx.fixed.exchange import Search, searched
from tacit.approx.fixed.inputs import Inputs
from tacit.approx.fixed.modular import Integers, as_integers, centred
from tacit.approx.fixed.ranges import Range, range_of, ranges_of
from tacit.approx.fixed.whole import (
    as_reals,
    evaluated,
    homogenised,
    largest_error_on,
)
from tacit.approx.plans.monomials import plan_of_powers
from tacit.approx.plans.plan import Plan
from tacit.approx.target import Approximable, ScalarFunction
from tacit.errors import OutOfRange, TypeMismatch, WidthExceeded
from tacit.ir.functions import FloatArray

# More bits than this after the binary point of a coefficient do not show in doubles.
MOST_COEFFICIENT_BITS = 128
# Powers need ever more bits; above this degree doubles no longer tell their lattice apart.
MOST_DEGREE = 24
# Nodes of HiGHS' search; all but contrived problems take a few.
NODES = 20_000


@dataclass(frozen=True)
class FixedFit:
    """A polynomial Σ a_i x**i / 2**coefficient_bits with whole a_i, and its exact evaluation.

    An input x is encoded as X = round(x · 2**input_bits). The scheme computes the whole number
    P(X) = Σ a_i 2**(input_bits (degree - i)) X**i, which is the result times 2**scale, modulo
    `modulus`. P(X) lies in (-modulus/2, modulus/2] for every input (`result` is its exact range),
    so its residue tells it. Residues add and multiply as integers do: it is of no matter whether
    an intermediate value leaves that range.

    `error` is the largest |function - result| at the reals that inputs stand for; rounding x to
    them comes on top. No choice of whole coefficients has an error below `lower_bound`, up to the
    tolerance of the solver. `minimax_error` is that of the best real coefficients on the whole
    intervals, and `rounded_error` that of these rounded one by one.
    """

    coefficients: tuple[int, ...]
    function: ScalarFunction
    inputs: Inputs
    coefficient_bits: int
    modulus: int
    error: float
    lower_bound: float
    minimax_error: float
    rounded_error: float

    def __post_init__(self) -> None:
        """Refuse results that wrap around."""
        if not self.result.fits(self.modulus):
            raise _wraps(self)

    @property
    def intervals(self) -> Intervals:
        """The intervals of the inputs."""
        return self.inputs.intervals

    @property
    def input_bits(self) -> int:
        """The bits of an input after its binary point."""
        return self.inputs.bits

    @property
    def degree(self) -> int:
        """The index of the last coefficient."""
        return len(self.coefficients) - 1

    @property
    def scale(self) -> int:
        """The bits of a result after its binary point: degree · input_bits + coefficient_bits."""
        return self.degree * self.input_bits + self.coefficient_bits

    @property
    def constants(self) -> tuple[int, ...]:
        """The coefficients of the powers of a whole input X."""
        return homogenised(self.coefficients, self.input_bits)

    @cached_property
    def result(self) -> Range:
        """The exact range of the whole results, over all inputs."""
        return range_of(self.constants, self.inputs.runs)

    @cached_property
    def ranges(self) -> tuple[Range, ...]:
        """The exact range of every value of the plan as an integer, the input first."""
        return ranges_of(self.plan, self.inputs.runs)

    @property
    def gap(self) -> float:
        """How much of the error a better choice might save: 1 - lower_bound / error."""
        return 0.0 if self.error == 0.0 else 1.0 - self.lower_bound / self.error

    @cached_property
    def plan(self) -> Plan:
        """The plan that computes the same integers from whole inputs, at the least depth."""
        return plan_of_powers(self.constants)

    def encode(self, x: ArrayLike) -> Integers:
        """The whole inputs for reals in the intervals, int64; raises OutOfRange outside."""
        return self.inputs.encode(x)

    def evaluate(self, whole: Integers) -> Integers:
        """The exact whole results of whole inputs; raises OutOfRange where nothing is proven."""
        whole = as_integers(whole)
        if not self.inputs.contain(whole):
            raise OutOfRange(
                f"some inputs are in none of the ranges {self.inputs.runs}",
                hint="encode reals with `encode`",
            )
        return evaluated(self.constants, whole, self.inputs.reach)

    def decode(self, whole: ArrayLike) -> FloatArray:
        """The reals that results stand for, given as integers or as residues modulo t."""
        return as_reals(centred(whole, self.modulus), self.scale)

    def __call__(self, x: ArrayLike) -> FloatArray:
        """The results for reals in the intervals."""
        return self.decode(self.evaluate(self.encode(x)))


def fixed_fit(  # noqa: PLR0913 - what, where, and the four sizes of the arithmetic
    function: Approximable,
    on: Domain,
    *,
    degree: int | None = None,
    input_bits: int,
    modulus: int,
    coefficient_bits: int | None = None,
) -> FixedFit:
    """The whole coefficients of least largest error, over all inputs with `input_bits` bits.

    The coefficients have `coefficient_bits` bits after the binary point, or as many as keep every
    result in (-modulus/2, modulus/2]. Every degree takes bits from them, so without a `degree` the
    one of least error is found. The modulus is any number: what one prime does not hold, a product
    of primes may, each computed with by itself. Raises WidthExceeded where results would wrap.

    >>> found = fixed_fit("sigmoid", (0, 4), degree=3, input_bits=4, modulus=2**22)
    >>> found.coefficients, found.coefficient_bits, found.plan.products
    ((256, 141, -24, 1), 9, 2)
    >>> round(found.error, 5), round(found.lower_bound, 5), round(found.rounded_error, 5)
    (0.00545, 0.00545, 0.04061)
    """
    if modulus < 2:
        raise TypeMismatch(f"{modulus} is no modulus", hint="choose a prime of many bits")
    intervals = intervals_of(on)
    inputs = Inputs(intervals, input_bits)
    if degree is None:
        _refuse_bits_without_degree(coefficient_bits)
        return _of_any_degree(function, inputs, modulus)
    if not 0 <= degree <= MOST_DEGREE:
        raise TypeMismatch(
            f"degree {degree} is not between 0 and {MOST_DEGREE}", hint="leave it out for the best"
        )
    search = _search(function, inputs, degree)
    if coefficient_bits is None:
        return _widest(search, modulus)
    if not 0 <= coefficient_bits <= MOST_COEFFICIENT_BITS:
        raise TypeMismatch(
            f"coefficient_bits are {coefficient_bits}, not between 0 and {MOST_COEFFICIENT_BITS}"
        )
    return _fitted(search, coefficient_bits, modulus)


def _refuse_bits_without_degree(coefficient_bits: int | None) -> None:
    if coefficient_bits is not None:
        raise TypeMismatch(
            f"coefficient_bits={coefficient_bits} needs a degree",
            hint="give a degree too, or leave both to the search",
        )


def _search(function: Approximable, inputs: Inputs, degree: int) -> Search:
    if degree >= inputs.count:
        raise TypeMismatch(
            f"degree {degree} is not determined by {inputs.count} inputs",
            hint="lower the degree or raise input_bits",
        )
    return Search(fit(function, inputs.intervals, degree=degree), degree, inputs, NODES)


def _of_any_degree(function: Approximable, inputs: Inputs, modulus: int) -> FixedFit:
    """The fit whose degree makes its error least."""
    best = _widest(_search(function, inputs, 0), modulus)
    for degree in range(1, min(MOST_DEGREE, inputs.count - 1) + 1):
        search = _search(function, inputs, degree)
        if _room(search, modulus) < 0.0:
            break
        # Whole coefficients hardly do better than real ones: the rest is not worth a search.
        if search.reals.lower_bound < best.error:
            best = min(best, _widest(search, modulus), key=lambda each: each.error)
    return best


def _widest(search: Search, modulus: int) -> FixedFit:
    """The fit with the most bits of coefficients whose results fit; raises if there is none."""
    room = _room(search, modulus)
    if room < 0.0:
        raise _no_room(search, modulus)
    # A polynomial can lie below its function: begin two bits above what the function's size allows.
    for bits in range(min(math.floor(room) + 2, MOST_COEFFICIENT_BITS), 0, -1):
        constants = homogenised(searched(search, bits).coefficients, search.inputs.bits)
        if range_of(constants, search.inputs.runs).fits(modulus):
            return _fitted(search, bits, modulus)
    return _fitted(search, 0, modulus)


def _room(search: Search, modulus: int) -> float:
    """Bits of the modulus that are left for coefficients, as the function's size has it."""
    return math.log2(modulus) - _taken(search)


def _taken(search: Search) -> float:
    """Bits that results of the function's size have, without any from the coefficients."""
    size = float(np.abs(search.values).max())
    sign_and_size = 1.0 + (math.log2(size) if size > 0.0 else 0.0)
    return search.degree * search.inputs.bits + sign_and_size


def _no_room(search: Search, modulus: int) -> WidthExceeded:
    return WidthExceeded(
        f"{search.function.name} at degree {search.degree} with {search.inputs.bits} bits of input "
        f"takes {_taken(search):.1f} bits before any of the coefficients; the modulus {modulus} "
        f"holds {math.log2(modulus):.1f}",
        hint="raise the modulus, or lower input_bits or the degree",
    )


def _fitted(search: Search, coefficient_bits: int, modulus: int) -> FixedFit:
    """The fit with so many bits of coefficients, its error measured; raises if results wrap."""
    found = searched(search, coefficient_bits)
    function, inputs = search.function, search.inputs
    error = largest_error_on(function, inputs, found.coefficients, coefficient_bits)
    rounded = tuple(round(each * 2**coefficient_bits) for each in search.powers)
    return FixedFit(
        found.coefficients,
        function,
        inputs,
        coefficient_bits,
        modulus,
        error,
        # Both are true up to rounding, and a bound above the error would be nonsense.
        min(found.bound, error),
        search.reals.error,
        largest_error_on(function, inputs, rounded, coefficient_bits),
    )


def _wraps(found: FixedFit) -> WidthExceeded:
    needed = found.result.needed
    return WidthExceeded(
        f"{found.function.name} at degree {found.degree} with {found.input_bits} bits of input and "
        f"{found.coefficient_bits} of coefficients gives whole results from {found.result.least} "
        f"to {found.result.largest}: a modulus of at least {needed} ({needed.bit_length()} bits); "
        f"{found.modulus} is too small",
        hint="raise the modulus, or lower input_bits, coefficient_bits or the degree",
    )
