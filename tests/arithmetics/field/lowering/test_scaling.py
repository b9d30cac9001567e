"""Multipliers and shifts: as exact as they say, and never wider than 62 bits."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.arithmetics.field.lowering.scaling import MOST_TOTAL, scaling_of
from tacit.arithmetics.field.lowering.values import Sum, Term
from tacit.arithmetics.field.ops import Rescale
from tacit.arithmetics.field.widths import Reach
from tacit.errors import WidthExceeded
from tacit.grids import Grid

UNBOUNDED = 2**40
STEPS = Grid(1.0, 0, -UNBOUNDED, UNBOUNDED)
FACTORS = st.floats(2.0**-40, 4.0) | st.floats(-4.0, -(2.0**-40))
POWERS = st.integers(-20, 2).map(lambda exponent: 2.0**exponent)
SIZES = st.integers(0, 2**24)
SHIFTS = st.floats(-1000.0, 1000.0)


def total(factors: list[list[float]], shifts: list[float], size: int) -> Sum:
    """Values of so many channels, all up to a size."""
    count = len(shifts)
    reach = Reach(np.full(count, -size), np.full(count, size))
    terms = tuple(Term(f"v{k}", np.array(each), reach) for k, each in enumerate(factors))
    return Sum(terms, np.array(shifts), (count,), -1)


def rescaled(value: Sum, integers: int) -> list[int]:
    """What a rescaling makes of the same integer everywhere."""
    found = scaling_of(value, STEPS, "layer")
    word = Rescale(found.multipliers, found.offset, found.shift, STEPS.low, STEPS.high, -1)
    x = np.full((1, len(value.shift)), float(integers))
    return [int(each) for each in word.run(*(x for _ in value.terms))[0]]


def meant(value: Sum, integers: int) -> list[Fraction]:
    columns = zip(*(term.factor.tolist() for term in value.terms), strict=True)
    shifts = map(Fraction, value.shift.tolist())
    return [
        sum((Fraction(each) * integers for each in column), shift)
        for column, shift in zip(columns, shifts, strict=True)
    ]


@given(FACTORS, FACTORS, SHIFTS, SIZES, st.data())
def test_a_rescaling_is_off_by_half_a_step_and_its_multipliers_bits(
    first: float, second: float, shift: float, size: int, data: st.DataObject
) -> None:
    value = total([[first], [second]], [shift], size)
    integers = data.draw(st.integers(-size, size))

    (found,), (wanted,) = rescaled(value, integers), meant(value, integers)

    # Factors of up to 4 leave multipliers 28 bits behind the point, rounded by half of the last.
    assert abs(found - wanted) <= Fraction(1, 2) + 2 * size * Fraction(1, 2**29) + Fraction(
        1, 2**27
    )


@given(POWERS, POWERS, st.integers(-(2**20), 2**20), SIZES, st.data())
def test_powers_of_two_are_rounded_exactly_halves_upwards(
    first: float, second: float, shift: int, size: int, data: st.DataObject
) -> None:
    value = total([[first], [second]], [shift / 1024], size)
    integers = data.draw(st.integers(-size, size))

    (found,), (wanted,) = rescaled(value, integers), meant(value, integers)

    assert found == math.floor(wanted + Fraction(1, 2))


@given(st.lists(POWERS, min_size=1, max_size=5))
def test_powers_of_two_stay_powers_of_two(factors: list[float]) -> None:
    found = scaling_of(total([factors], [0.0] * len(factors), 255), STEPS, "layer")

    assert np.all(found.multipliers & (found.multipliers - 1) == 0)
    assert found.shift == 0 or found.multipliers.min() == 1


@given(
    st.lists(FACTORS, min_size=1, max_size=4),
    st.floats(-(2.0**30), 2.0**30),
    st.integers(0, 2**31 - 1),
)
def test_no_total_is_wider_than_62_bits(factors: list[float], shift: float, size: int) -> None:
    value = total([[each] for each in factors], [shift], size)

    found = scaling_of(value, STEPS, "layer")

    multipliers = [int(each) for each in found.multipliers[:, 0]]
    assert sum(abs(each) * size for each in multipliers) + abs(int(found.offset[0])) <= MOST_TOTAL
    assert max(map(abs, multipliers)) < 2**31


def test_a_channel_that_is_always_zero_costs_the_others_no_bits() -> None:
    dead = Term("v", np.array([1e12, 0.3]), Reach(np.array([0, -9]), np.array([0, 9])))

    found = scaling_of(Sum((dead,), np.zeros(2), (2,), -1), STEPS, "layer")

    assert found.multipliers[0, 0] == 0
    assert found.multipliers[0, 1] > 2**29


def test_factors_that_fit_no_multiplier_are_refused() -> None:
    with pytest.raises(WidthExceeded, match=r"layer: a factor of 1e\+12"):
        scaling_of(total([[1e12]], [0.0], 255), STEPS, "layer")
