from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx.circuits import Tournament, largest
from tacit.errors import OutOfRange, TypeMismatch

PAIR = largest(2, (-3.0, 5.0), error=0.1)
TEN = largest(10, (0.0, 10.0), error=0.5)
FINE = largest(7, (-1.0, 1.0), error=2e-3)
every_tournament = pytest.mark.parametrize("found", [PAIR, TEN, FINE], ids=["pair", "ten", "fine"])


@every_tournament
def test_the_error_holds_for_entries_anywhere_and_close_together(found: Tournament) -> None:
    low, high = found.on
    generator = np.random.default_rng(11)
    anywhere = generator.uniform(low, high, (2000, found.count))
    spread = generator.uniform(0.0, 0.2, (2000, 1))
    middle = generator.uniform(low, high, (2000, 1))
    close = middle + spread * generator.uniform(low - high, high - low, (2000, found.count))
    entries = np.clip(np.concatenate([anywhere, close]), low, high)

    assert np.abs(found(entries) - entries.max(axis=1)).max() <= found.error


@every_tournament
def test_what_is_measured_is_below_the_bound(found: Tournament) -> None:
    assert found.error / 3.0 < found.measured_error <= found.error


@pytest.mark.parametrize(
    ("found", "error", "rounds"), [(PAIR, 0.1, 1), (TEN, 0.5, 4), (FINE, 2e-3, 3)]
)
def test_rounds_share_the_error_that_was_asked_for(
    found: Tournament, error: float, rounds: int
) -> None:
    assert found.error <= error
    assert found.rounds == rounds
    assert found.depth == rounds * found.match.depth
    assert found.products == rounds * found.match.products


@given(st.floats(-3.0, 5.0), st.floats(-3.0, 5.0))
@settings(max_examples=60)
def test_a_match_does_not_depend_on_the_order(a: float, b: float) -> None:
    forward, backward = PAIR(np.array([a, b])), PAIR(np.array([b, a]))

    # Values of the match are at most 1, and scaled by 8.2: some hundred roundings.
    assert abs(float(forward - backward)) <= 1e-13
    assert abs(float(forward) - max(a, b)) <= PAIR.error + 1e-13


def test_a_composite_plays_where_no_polynomial_is_good_enough() -> None:
    entries = np.stack([np.linspace(-1.0, 1.0, 20011), np.linspace(1.0, -1.0, 20011)], axis=1)

    found = largest(2, (-1.0, 1.0), error=1e-4)

    # A polynomial of degree 255 is wrong by 0.28 / 255 of half the width.
    assert found.depth > 8
    assert np.abs(found(entries) - entries.max(axis=1)).max() <= found.error <= 1e-4


def test_wrong_entries_are_refused() -> None:
    with pytest.raises(OutOfRange, match="the largest lie outside"):
        PAIR(np.array([0.0, 6.0]))
    with pytest.raises(TypeMismatch, match=r"\(\.\.\., 10\) was expected"):
        TEN(np.zeros(9))
    with pytest.raises(TypeMismatch, match="no largest"):
        largest(1, (0.0, 1.0), error=0.1)
