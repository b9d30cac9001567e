from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from tacit.ir.functions import FloatArray
from tacit.slots.diagonals import Schedule, schedule, split
from tacit.slots.layout import Grid, Layout, flat, on_grid, phases

SLOTS = 256


def carried_out(made: Schedule, packed: FloatArray, target: Layout) -> FloatArray:
    """What rotations, products and folds make of packed slots: the engine's work, in the clear."""
    result = np.zeros((target.ciphertexts, SLOTS))
    for (to, source), diagonals in made.diagonals():
        for offset, values in diagonals.items():
            result[to] += values * np.roll(packed[source], -offset)
    for step in made.folds:
        result += np.roll(result, -step, axis=1)
    return result


def layouts(size: int) -> list[Layout]:
    """Every kind of layout that a vector of 24 entries can have."""
    found = [
        flat(size, SLOTS),
        on_grid((6, 2, 2), SLOTS, Grid(2, 4, 1)),
        on_grid((6, 2, 2), SLOTS, Grid(8, 32, 2)),
        on_grid((6, 2, 2), SLOTS, Grid(16, 128, 1)),
        phases((6, 2, 2), SLOTS, 2),
    ]
    return [each for each in found if each is not None]


@given(
    source=st.sampled_from(layouts(24)),
    target=st.sampled_from(layouts(24)),
    seed=st.integers(0, 1000),
)
@settings(deadline=None)
def test_diagonals_and_folds_compute_the_matrix_and_leave_nothing_else(
    source: Layout, target: Layout, seed: int
) -> None:
    random = np.random.default_rng(seed)
    matrix = sparse.random_array((24, 24), density=0.3, format="csr", rng=random)
    vector = random.normal(size=24)

    made = schedule(matrix, source, target)
    slots = carried_out(made, source.pack(vector[None])[0], target)

    assert np.allclose(slots, target.pack((matrix @ vector)[None])[0], atol=1e-12)


@pytest.mark.parametrize("skew", [2, 4, 8])
def test_a_skewed_input_needs_fewer_diagonals(skew: int) -> None:
    random = np.random.default_rng(skew)
    source = Layout(SLOTS, 32, np.arange(30), skew=skew)
    target = flat(8 * skew // 2, SLOTS)
    matrix = sparse.csr_array(random.normal(size=(target.size, 30)))
    vector = random.normal(size=30)

    made = schedule(matrix, source, target)
    slots = carried_out(made, source.pack(vector[None])[0], target)

    assert np.allclose(slots, target.pack((matrix @ vector)[None])[0])
    assert len(made.split) < target.period


@given(offsets=st.sets(st.integers(0, SLOTS - 1), min_size=1))
def test_a_split_reaches_every_offset(offsets: set[int]) -> None:
    made = split(np.array(sorted(offsets)), SLOTS)

    assert set(made) == offsets
    assert all((giant + baby) % SLOTS == offset for offset, (giant, baby) in made.items())


def test_a_dense_square_matrix_takes_about_two_square_roots_of_rotations() -> None:
    vector = flat(64, SLOTS)

    made = schedule(sparse.csr_array(np.ones((64, 64))), vector, vector)

    assert len(made.split) == 64
    assert len(made.babies) + len(made.giants) <= 20
