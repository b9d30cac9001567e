from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from tacit.approx.circuits import Softmax, softmax
from tacit.approx.circuits.softmax import sum_bounds
from tacit.errors import OutOfRange, TypeMismatch
from tacit.ir.functions import FloatArray

TEN = softmax(10, (-4.0, 4.0), error=0.01)
TWO = softmax(2, (0.0, 3.0), error=1e-3)
MANY = softmax(300, (-1.0, 5.0), error=0.02)
every_softmax = pytest.mark.parametrize("found", [TEN, TWO, MANY], ids=["ten", "two", "many"])


def drawn(found: Softmax, seed: int) -> FloatArray:
    """Logits in the box, of shape (points, count): anywhere, and pushed towards its corners."""
    generator = np.random.default_rng(seed)
    anywhere = generator.uniform(0.0, 1.0, (1500, found.count))
    corners = generator.uniform(0.0, 1.0, (1500, found.count)) < generator.uniform(
        0.0, 1.0, (1500, 1)
    )
    low, high = found.on
    return np.asarray(low + (high - low) * np.concatenate([anywhere, corners]))


@every_softmax
def test_the_error_holds_for_all_logits(found: Softmax) -> None:
    logits = drawn(found, 7)

    values = found(logits)

    assert np.abs(values - special.softmax(logits, axis=-1)).max() <= found.error


@every_softmax
def test_what_is_measured_is_below_the_bound(found: Softmax) -> None:
    assert 0.0 < found.measured_error <= found.error


@pytest.mark.parametrize("found", [TEN, TWO], ids=["ten", "two"])
def test_the_bound_is_no_gross_exaggeration_for_few_logits(found: Softmax) -> None:
    # Of many logits the errors hardly ever all have the sign that the bound supposes.
    assert found.measured_error > found.error / 2.0


@every_softmax
def test_the_depth_is_that_of_the_pieces_and_a_product(found: Softmax) -> None:
    assert found.depth == found.exponential.plan.depth + found.inverse.plan.depth + 1
    assert found.products == found.exponential.plan.products + found.inverse.plan.products + 1


@every_softmax
def test_sums_stay_in_the_domain_of_the_inverse(found: Softmax) -> None:
    logits = drawn(found, 8)

    # An OutOfRange would say that a sum is outside; further out nothing is refused.
    assert np.isfinite(found(logits)).all()
    assert np.isfinite(found(logits + 0.1, extrapolate=True)).all()


@given(st.integers(2, 40), st.floats(0.1, 10.0), st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_the_bounds_of_the_centred_sum_hold(count: int, width: float, seed: int) -> None:
    logits = np.random.default_rng(seed).uniform(0.0, width, (50, count))
    top = width * (count - 1) / count

    least, most = sum_bounds(count, (0.0, width), is_centred=True)

    sums = np.exp(logits - logits.mean(axis=1, keepdims=True) - top).sum(axis=1)
    # One rounding for each term of a sum.
    assert sums.min() >= least * (1.0 - 1e-14 * count)
    assert sums.max() <= most * (1.0 + 1e-14 * count)


def test_centring_makes_the_domain_of_the_inverse_narrower() -> None:
    centred = sum_bounds(10, (-4.0, 4.0), is_centred=True)
    plain = sum_bounds(10, (-4.0, 4.0), is_centred=False)

    assert TEN.is_centred
    assert plain[1] / plain[0] == pytest.approx(math.exp(8.0))
    assert centred[1] / centred[0] < 0.1 * math.exp(8.0)


def test_a_box_that_is_moved_gives_the_same_circuit() -> None:
    moved = softmax(2, (100.0, 103.0), error=1e-3)
    logits = drawn(TWO, 9)

    np.testing.assert_allclose(moved(logits + 100.0), TWO(logits), atol=1e-11)
    assert (moved.depth, moved.products) == (TWO.depth, TWO.products)


@every_softmax
def test_the_plans_alone_compute_the_whole(found: Softmax) -> None:
    logits = drawn(found, 10)
    width = -found.exponential.on[0]
    shift = found.on[1] + np.zeros((len(logits), 1))
    centred = logits.mean(axis=1, keepdims=True) + width / 2.0
    power, inverse = found.exponential.scaled, found.inverse.scaled
    inside = power.scale * (logits - (centred if found.is_centred else shift)) + power.offset

    powers = found.exponential.plan(inside)
    total = math.copysign(1.0, inverse.scale) * powers.sum(axis=1, keepdims=True) + inverse.offset
    values = found.factor * powers * found.inverse.plan(total)

    np.testing.assert_allclose(values, found(logits), atol=1e-9)


def test_wrong_logits_are_refused() -> None:
    with pytest.raises(OutOfRange, match="softmax lie outside"):
        TWO(np.array([0.0, 3.5]))
    with pytest.raises(TypeMismatch, match=r"\(\.\.\., 2\) was expected"):
        TWO(np.array([0.0, 1.0, 2.0]))
    with pytest.raises(TypeMismatch, match="softmax of 1"):
        softmax(1, (0.0, 1.0), error=0.1)
