from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.errors import TypeMismatch
from tacit.grids import (
    MOST_BITS,
    Grid,
    lattice,
    least_squares,
    next_power,
    symmetric,
    uniform,
)
from tacit.ir.functions import FloatArray

ends = st.floats(-1e3, 1e3)
widths = st.integers(1, MOST_BITS)
seeds = st.integers(0, 1 << 16)


def reals(seed: int, size: int = 64) -> FloatArray:
    """Random reals."""
    return np.random.default_rng(seed).normal(size=size)


@given(ends, st.floats(1e-3, 1e3), widths)
def test_an_affine_grid_has_the_scale_and_zero_point_of_the_formula(
    low: float, width: float, bits: int
) -> None:
    high = low + width

    found = uniform(low, high, bits)

    assert found.scale == (high - low) / (2**bits - 1)
    assert found.zero_point == np.rint(-low / found.scale)
    assert (found.low, found.high) == (0, 2**bits - 1)


@given(ends, st.floats(1e-3, 1e3), widths, st.floats(0.0, 1.0))
def test_what_is_inside_is_moved_by_half_a_step_and_what_the_zero_point_was_rounded_by(
    low: float, width: float, bits: int, share: float
) -> None:
    found, x = uniform(low, low + width, bits), np.array([low + share * width])

    away = np.abs(found.reals(found.integers(x)) - x)

    # One half for the value, one for the zero point where the ends are clipped.
    assert away[0] <= found.scale * (1.0 + 1e-9)


@given(st.floats(1e-3, 1e3), widths)
def test_a_symmetric_grid_has_zero_point_zero_and_one_integer_less_below(
    magnitude: float, bits: int
) -> None:
    found = symmetric(magnitude, bits)
    most = max(2 ** (bits - 1) - 1, 1)

    assert found == Grid(magnitude / most, 0, -most, most)


@given(ends, st.floats(1e-3, 1e3), widths)
def test_a_power_of_two_is_the_next_that_holds_the_interval(
    low: float, width: float, bits: int
) -> None:
    exact = uniform(low, low + width, bits)

    found = uniform(low, low + width, bits, power_of_two=True)

    mantissa, _ = np.frexp(found.scale)
    assert mantissa == 0.5
    assert exact.scale * (1.0 - 1e-11) <= found.scale < 2.0 * exact.scale


def test_powers_of_two_stay_what_they_are() -> None:
    assert next_power(0.25) == 0.25
    assert next_power(np.array([0.25, 0.3])).tolist() == [0.25, 0.5]


def test_halves_go_to_the_even_integer() -> None:
    found = Grid(1.0, 0, -4, 4)

    assert found.integers(np.array([0.5, 1.5, 2.5, -0.5, -1.5])).tolist() == [0, 2, 2, 0, -2]


def test_what_is_outside_goes_to_the_border() -> None:
    found = uniform(-1.0, 2.0, 2)

    assert found.integers(np.array([-9.0, 9.0])).tolist() == [0, 3]


@pytest.mark.parametrize(("constant", "scale"), [(5.0, 5.0), (-0.5, 0.5), (0.0, 1.0)])
def test_a_range_of_one_number_is_stood_for_by_it(constant: float, scale: float) -> None:
    found = uniform(constant, constant, 4)

    assert found.scale == scale
    assert found.reals(found.integers(np.array([constant]))).tolist() == [constant]


@given(seed=seeds, bits=widths, power_of_two=st.booleans())
def test_least_squares_are_never_worse_than_the_least_and_the_largest(
    seed: int, bits: int, *, power_of_two: bool
) -> None:
    values = reals(seed)
    plain = symmetric(float(np.abs(values).max()), bits, power_of_two=power_of_two)

    found = least_squares(values, bits, power_of_two=power_of_two)

    assert found.error(values) <= plain.error(values)


def test_an_outlier_is_cut_off_for_the_sake_of_the_others() -> None:
    values = np.concatenate([reals(1, 1000), [6.0]])

    assert least_squares(values, 3).scale < symmetric(6.0, 3).scale


@given(seeds, st.floats(1e-3, 1e3), st.integers(1, 200))
def test_multiples_in_single_precision_show_their_step(seed: int, step: float, most: int) -> None:
    random = np.random.default_rng(seed)
    whole = np.concatenate([[1, most], random.integers(-most, most + 1, size=40)])

    found = lattice((np.float32(step) * whole.astype(np.float32)).astype(np.float64))

    assert found is not None
    assert abs(found / step - 1.0) < 1e-6


def test_a_step_that_no_value_has_itself_is_found() -> None:
    assert lattice(np.array([0.6, -1.0, 0.0])) == pytest.approx(0.2)


def test_what_is_left_of_numbers_that_cancel_hides_no_step() -> None:
    assert lattice(np.array([0.25, 1e-17, -0.75])) == pytest.approx(0.25)


@given(seeds)
def test_random_reals_are_on_no_lattice(seed: int) -> None:
    assert lattice(reals(seed)) is None


def test_nothing_but_zeros_is_on_every_lattice() -> None:
    assert lattice(np.zeros(3)) == 1.0


@pytest.mark.parametrize("bits", [0, MOST_BITS + 1])
def test_widths_that_no_engine_has_are_refused(bits: int) -> None:
    with pytest.raises(TypeMismatch, match=f"{bits} bits"):
        uniform(0.0, 1.0, bits)
    with pytest.raises(TypeMismatch, match=f"{bits} bits"):
        symmetric(1.0, bits)


@pytest.mark.parametrize("scale", [0.0, -1.0, np.inf, np.nan])
def test_a_grid_without_a_positive_scale_is_refused(scale: float) -> None:
    with pytest.raises(TypeMismatch, match="no grid"):
        Grid(scale, 0, 0, 1)
