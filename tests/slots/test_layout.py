from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.errors import TypeMismatch
from tacit.slots.layout import Layout, candidates, flat, interleaved, phases, separated

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))


@given(shape=SHAPES, seed=st.integers(0, 99))
def test_every_candidate_gives_back_what_it_packed(shape: tuple[int, ...], seed: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(3, int(np.prod(shape))))

    found = list(candidates(shape, 256, ()))

    assert found
    assert all(np.array_equal(each.unpack(each.pack(rows)), rows) for each in found)


@given(shape=SHAPES)
def test_slots_without_an_entry_hold_zero(shape: tuple[int, ...]) -> None:
    size = int(np.prod(shape))
    layout = flat(size, 1024)

    packed = layout.pack(np.ones((1, size)))

    assert packed.sum() == size * layout.copies


def test_a_period_longer_than_a_ciphertext_spans_several() -> None:
    layout = flat(100, 32)

    assert layout.ciphertexts == 4
    assert layout.pack(np.ones((1, 100))).shape == (1, 4, 32)


def test_phases_keep_each_pixel_once() -> None:
    layout = phases((1, 7, 5), 256, 2)

    assert layout is not None
    assert np.unique(layout.position).size == 35


def test_two_entries_in_one_slot_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="no layout"):
        Layout(16, 4, np.array([1, 1]))


@given(inputs=st.integers(1, 4), seed=st.integers(0, 99))
def test_inputs_take_turns_and_come_apart_again(inputs: int, seed: int) -> None:
    packed = np.random.default_rng(seed).normal(size=(inputs, 2, 8))

    slots = interleaved(packed, 4)

    assert slots.shape == (2, 32)
    assert np.array_equal(slots[:, ::4], packed[0])
    assert np.array_equal(separated(slots, 4)[:inputs], packed)
    assert not separated(slots, 4)[inputs:].any()


def test_whole_numbers_stay_whole_numbers() -> None:
    layout = flat(5, 16)
    rows = np.arange(10, dtype=np.int64).reshape(2, 5) + 2**60

    slots = interleaved(layout.pack(rows), 2)
    found = layout.unpack(separated(slots, 2))

    assert slots.dtype == found.dtype == np.int64
    assert np.array_equal(found, rows)
