"""The Taylor polynomial about a point."""

from __future__ import annotations

from dataclasses import dataclass

import flint

from tacit.approx.bases import chebyshev_of_powers
from tacit.approx.problem import Method, Problem, Solution
from tacit.approx.target import branches_of
from tacit.errors import TypeMismatch
from tacit.ir.balls import Branch, expansion

# What the Chebyshev coefficients are known to, in bits of the largest: more than a double has.
KNOWN_BITS = 64
# Degree 255 about the end of an interval needs some thousand.
MOST_BITS = 2**14


@dataclass(frozen=True)
class Taylor(Method):
    """The Taylor polynomial about `centre`, by default the middle of the interval."""

    centre: float | None = None

    name = "taylor"

    def solve(self, problem: Problem) -> Solution:
        """The polynomial; raises where the function has no derivatives that are known.

        That is on several intervals, with a weight, about a kink, and for plain callables.
        """
        centre = (problem.low + problem.high) / 2.0 if self.centre is None else self.centre
        branch = _branch_at(problem, centre)
        bits = 2 * KNOWN_BITS
        while bits <= MOST_BITS:
            with flint.ctx.workprec(bits):
                coefficients = _coefficients(problem, branch, centre)
            if coefficients is not None:
                return Solution(coefficients)
            bits *= 2
        raise TypeMismatch(
            f"{problem.function.name} has no Taylor polynomial of degree {problem.degree} "
            f"about {centre:g}",
            hint="choose a centre where the function is analytic",
        )


def _branch_at(problem: Problem, centre: float) -> Branch:
    """The analytic branch around the centre; raises where there is none."""
    name = problem.function.name
    branches = branches_of(problem.function)
    if len(problem.intervals) > 1:
        raise TypeMismatch(
            f"the Taylor polynomial of {name} is for one interval, not {len(problem.intervals)}",
            hint='use method="minimax"',
        )
    if problem.weight is not None:
        raise TypeMismatch(
            f"the Taylor polynomial of {name} knows no weight", hint='use method="minimax"'
        )
    if branches is None:
        raise TypeMismatch(
            f"the derivatives of {name} are not known",
            hint='give Custom(...) its branches, or use method="chebyshev"',
        )
    if not problem.low <= centre <= problem.high:
        raise TypeMismatch(
            f"the centre {centre:g} is outside of [{problem.low:g}, {problem.high:g}]",
            hint="choose a centre on the interval",
        )
    if centre in problem.function.kinks:
        raise TypeMismatch(
            f"{name} has a kink at {centre:g} and no Taylor polynomial there",
            hint="choose another centre=, or an interval whose middle is no kink",
        )
    return branches[sum(kink < centre for kink in problem.function.kinks)]


def _coefficients(problem: Problem, branch: Branch, centre: float) -> tuple[float, ...] | None:
    """The Chebyshev coefficients on the interval; None if more bits are needed to know them."""
    half = (flint.arb(problem.high) - problem.low) / 2
    middle = (flint.arb(problem.high) + problem.low) / 2
    about_centre = expansion(branch, flint.arb(centre), problem.degree + 1)
    powers = flint.arb_poly(about_centre.coeffs())(flint.arb_poly([middle - centre, half]))
    # A power is a mean of Chebyshev polynomials, so all coefficients together are as unsure.
    doubt = sum((each.rad() for each in powers.coeffs()), flint.arb(0))
    found = chebyshev_of_powers(powers)
    largest = max(abs(each) for each in found)
    if not doubt <= largest * flint.arb(2) ** -KNOWN_BITS:
        return None
    # What is 0 by symmetry must not cost a product.
    return tuple(float(each) if abs(each) > doubt else 0.0 for each in found)
