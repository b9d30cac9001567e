"""Plans for polynomials in the Chebyshev basis, as Paterson and Stockmeyer's but for the splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Protocol

from tacit.approx.plans.plan import Plan, Step
from tacit.approx.plans.powers import Powers
from tacit.approx.plans.splits import Shape, Split, best_shape, pattern_of


class ChebyshevSum(Protocol):
    """A sum of coefficients[k] T_k(t); `tacit.approx.Polynomial` is one."""

    @property
    def coefficients(self) -> tuple[float, ...]:
        """The coefficients, lowest first; the last is not 0 unless it is the only one."""


def plan_of(polynomial: ChebyshevSum, *, depth: int | None = None) -> Plan:
    """The plan with fewest products for a polynomial of t in [-1, 1].

    Its depth is the least, ceil(log2(degree + 1)), or `depth`, which may save products. Constants
    are the coefficients' exact sums, rounded once. Raises DepthExceeded where `depth` is too small.

    >>> from tacit.approx import Polynomial
    >>> plan = plan_of(Polynomial((0.0, 0.5, 0.0, 0.25)))
    >>> plan.depth, plan.products
    (2, 2)
    """
    coefficients = polynomial.coefficients
    shape, draft = shape_of(coefficients, depth), Draft()
    Writing(draft, shape.powers, 0).polynomial(exact(coefficients), shape.split, "p")
    return draft.plan()


def shape_of(coefficients: Sequence[float | Fraction], depth: int | None = None) -> Shape:
    """How a polynomial with these Chebyshev coefficients is best split, and what it costs."""
    least = (len(coefficients) - 1).bit_length()
    return best_shape(pattern_in(coefficients), least if depth is None else depth)


def pattern_in(coefficients: Sequence[float | Fraction]) -> int:
    """Which of these coefficients there are, as a search takes it."""
    # A constant costs nothing, so whether there is one makes no difference.
    return 1 | pattern_of(k for k, each in enumerate(coefficients) if each != 0)


def exact(coefficients: Sequence[float]) -> list[Fraction]:
    """The coefficients, to calculate with and to round only at the end."""
    return [Fraction(each) for each in coefficients]


@cache  # A search that always gives the same: a memory of a pure function is no state.
def products_of_odd(degree: int, depth: int | None = None) -> int:
    """The products of two ciphertexts that an odd polynomial without zeros in between takes.

    >>> [products_of_odd(degree) for degree in (3, 7, 15, 27, 31, 63)]
    [2, 5, 8, 10, 12, 17]
    """
    return shape_of((0.0, 1.0) * ((degree + 1) // 2), depth).cost.products


@dataclass
class Draft:
    """A plan of one input while its steps are written."""

    steps: list[Step] = field(default_factory=list)
    names: list[str] = field(default_factory=lambda: ["t"])

    def add(self, step: Step, name: str) -> int:
        """The number of the value that a further step makes."""
        self.steps.append(step)
        self.names.append(name)
        return len(self.steps)

    def plan(self) -> Plan:
        """The plan that has been written."""
        return Plan(tuple(self.steps), names=tuple(self.names))


@dataclass
class Sum:
    """What one step sums, while it is collected."""

    products: list[tuple[int, int, int]] = field(default_factory=list)
    terms: list[tuple[int, float]] = field(default_factory=list)
    constant: float = 0.0

    def step(self) -> Step:
        """The step that makes the sum."""
        return Step(tuple(self.products), tuple(self.terms), self.constant)


def divide(coefficients: Sequence[Fraction], giant: int) -> tuple[list[Fraction], list[Fraction]]:
    """q and r with p = q T_giant + r, exactly, for a giant of at least half of the degree."""
    upper = coefficients[giant + 1 : 2 * giant + 1]
    quotient = [coefficients[giant], *(2 * each for each in upper)]
    rest = list(coefficients[:giant])
    for j, each in enumerate(upper, start=1):
        # T_(g+j) = 2 T_g T_j - T_(g-j)
        rest[giant - j] -= each
    return quotient, rest


@dataclass
class Writing:
    """The steps of a polynomial of `variable` while they are written; powers when first needed."""

    draft: Draft
    powers: Powers
    variable: int
    made: dict[int, int] = field(default_factory=dict)

    def polynomial(self, coefficients: list[Fraction], split: Split | None, name: str) -> int:
        """The value of a polynomial that is a step of its own."""
        return self.draft.add(self.raw(coefficients, split, name).step(), name)

    def raw(self, coefficients: list[Fraction], split: Split | None, name: str) -> Sum:
        """What has to be summed for a polynomial."""
        found = Sum()
        while split is not None:
            quotient, coefficients = divide(coefficients, split.giant)
            giant = self.power(split.giant)
            if any(quotient[1:]):
                inner = self.polynomial(quotient, split.quotient, within(name, split.giant))
                found.products.append((inner, giant, 1))
            elif quotient[0]:
                found.terms.append((giant, float(quotient[0])))
            split = split.rest
        for k, each in enumerate(coefficients[1:], start=1):
            if each:
                found.terms.append((self.power(k), float(each)))
        found.constant = float(coefficients[0])
        return found

    def power(self, index: int) -> int:
        """The value of T_index."""
        if index == 1:
            return self.variable
        if index not in self.made:
            larger, smaller = self.powers.ways[index]
            first, second = self.power(larger), self.power(smaller)
            if larger == smaller:
                step = Step(((first, second, 2),), constant=-1.0)
            else:
                step = Step(((first, second, 2),), ((self.power(larger - smaller), -1.0),))
            self.made[index] = self.draft.add(step, self.name(index))
        return self.made[index]

    def name(self, index: int) -> str:
        """What T_index is called."""
        return f"T{index}" if self.variable == 0 else f"T{index}({self.draft.names[self.variable]})"


def within(name: str, giant: int) -> str:
    """The name of the quotient of a value by T_giant: p[8], and p[8,4] for the quotient of that."""
    return f"{name[:-1]},{giant}]" if name.endswith("]") else f"{name}[{giant}]"
