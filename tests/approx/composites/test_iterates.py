from __future__ import annotations

import math

import numpy as np
import pytest

from tacit.approx import fewest_iterates, flat_iterate, iterated, of_stages, steep_iterate
from tacit.errors import DepthExceeded, TypeMismatch


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_flat_iterates_touch_one_with_vanishing_derivatives(n: int) -> None:
    iterate = flat_iterate(n)
    step = 1e-2

    missing = 1.0 - iterate(np.array([1.0, 1.0 - step]))

    assert iterate.degree == 2 * n + 1
    # The first error term is C(2n + 1, n) / 2**n (1 - x)**(n + 1), up to O(step).
    leading = math.comb(2 * n + 1, n) / 2.0**n * step ** (n + 1)
    np.testing.assert_allclose(missing, [0.0, leading], atol=0.05 * leading + 1e-14)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_steep_iterates_keep_what_is_near_one_and_are_steep_at_zero(n: int) -> None:
    iterate = steep_iterate(n)
    kept = iterate(np.linspace(0.75, 1.0, 101))
    slope = float(iterate(np.array(1e-6))) / 1e-6

    assert np.abs(kept - 1.0).max() <= 0.26
    assert slope > 1.3 * float(flat_iterate(n)(np.array(1e-6))) / 1e-6


def test_iterates_make_a_composite_with_a_measured_error() -> None:
    found = of_stages([steep_iterate(2), flat_iterate(2), flat_iterate(2)], 0.2)
    x = np.linspace(0.2, 1.0, 9001)

    assert np.abs(found(x) - 1.0).max() <= found.error < 0.1
    assert found.depth == 9


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("alpha", [5, 12])
def test_the_fewest_iterates_reach_the_error_and_one_less_does_not(n: int, alpha: int) -> None:
    steep, flat = fewest_iterates(n, error=2.0 ** (1 - alpha), gap=2.0**-alpha)

    found = of_stages(iterated(flat=(n, flat), steep=(n, steep)), 2.0**-alpha)
    fewer = [
        of_stages(iterated(flat=(n, steep + flat - 1 - each), steep=(n, each)), 2.0**-alpha).error
        for each in range(steep + flat)
    ]

    # The count is decided on 4001 points; the error here is measured between them, too.
    assert found.error <= 2.0 ** (1 - alpha) * (1.0 + 1e-3)
    assert min(fewer) > 2.0 ** (1 - alpha)


def test_iterates_are_applied_steep_ones_first() -> None:
    stages = iterated(flat=(1, 2), steep=(3, 1))

    assert stages == (steep_iterate(3), flat_iterate(1), flat_iterate(1))


@pytest.mark.parametrize("counts", [(0, 0), (-1, 2)])
def test_no_iterates_are_no_composite(counts: tuple[int, int]) -> None:
    with pytest.raises(TypeMismatch, match="no composite"):
        iterated(flat=(1, counts[0]), steep=(1, counts[1]))


def test_a_gap_beyond_double_precision_is_refused() -> None:
    with pytest.raises(DepthExceeded, match="80 iterates of degree 3"):
        fewest_iterates(1, error=0.1, gap=1e-40)


@pytest.mark.parametrize(("error", "gap"), [(0.0, 0.1), (0.1, 0.0), (0.1, 1.0)])
def test_counts_for_nothing_are_refused(error: float, gap: float) -> None:
    with pytest.raises(TypeMismatch, match="ask for nothing"):
        fewest_iterates(2, error=error, gap=gap)
