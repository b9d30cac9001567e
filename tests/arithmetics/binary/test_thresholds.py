from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tacit.arithmetics.binary.ops import ALWAYS, NEVER, TruthArray
from tacit.arithmetics.binary.thresholds import of_doubles, of_integers
from tacit.ir.functions import FloatArray

numbers = st.floats(-1e3, 1e3) | st.sampled_from((0.0, -0.0, 1.0, 0.1, 1e-300))


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=5), st.integers(0, 200))
def test_integers_pass_a_threshold_where_the_doubles_do(
    lines: list[tuple[float, float]], reach: int
) -> None:
    scale, offset = np.array(lines).T
    low, high = np.full(len(lines), -reach), np.full(len(lines), reach)

    def is_met(x: FloatArray) -> TruthArray:
        return np.asarray(x * scale + offset >= 0.0)

    threshold, flip = of_integers(low, high, is_met)

    places = np.arange(-reach, reach + 1)[:, None]
    np.testing.assert_array_equal((places >= threshold) != flip, is_met(places.astype(float)))


def test_what_is_met_always_or_never_has_thresholds_beyond_all_integers() -> None:
    constant = np.array([True, False])

    threshold, flip = of_integers(np.array([-3, -3]), np.array([3, 3]), lambda _: constant)

    assert threshold.tolist() == [ALWAYS, NEVER]
    assert not flip.any()


@given(numbers, numbers, st.lists(numbers, max_size=5))
def test_doubles_pass_a_threshold_exactly(scale: float, offset: float, near: list[float]) -> None:
    def is_met(x: FloatArray) -> TruthArray:
        return np.asarray(x * scale + offset >= 0.0)

    last, first, flip = of_doubles(1, is_met)

    beside = np.array([*near, last[0], first[0], np.nextafter(first[0], 0.0), 0.0, 1e200, -1e200])
    x = beside[np.isfinite(beside)]
    np.testing.assert_array_equal((x >= first) != flip, is_met(x))
    np.testing.assert_array_equal((x > last) != flip, is_met(x))


def test_the_threshold_of_a_sign_is_zero() -> None:
    last, first, flip = of_doubles(1, lambda x: np.asarray(x > 0.0))

    assert (last.tolist(), first.tolist(), flip.tolist()) == ([0.0], [5e-324], [False])
