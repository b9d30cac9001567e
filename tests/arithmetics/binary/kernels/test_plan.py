from __future__ import annotations

import numpy as np
import pytest

from tacit.arithmetics.binary.kernels.forms import Form
from tacit.arithmetics.binary.kernels.memory import LINE, aligned, room
from tacit.arithmetics.binary.kernels.plan import counts_of_fours, planned
from tacit.arithmetics.binary.ops import Alphabet, Window
from tacit.arithmetics.binary.prepare import prepared
from tests.arithmetics.binary.cases import Case

WINDOW = Window((1, 1), ((1, 1), (1, 1)), (1, 1), border=1)


def test_a_table_holds_two_counts_of_four_bits() -> None:
    table = counts_of_fours().reshape(16, 16, 16)

    # The upper four bits are of the second pixel, the lower of the first.
    assert table[0b1010, 0b0001, 0b0011] == 16 * 2 + 1


@pytest.mark.parametrize("form", Form)
def test_segments_hold_no_more_steps_than_a_form_can_add_up(form: Form) -> None:
    case = Case(Alphabet.BIPOLAR, 512, 32, (5, 5), (3, 3), WINDOW)

    plan = planned(prepared(case.product(), case.shape), form, (5, 5))

    starts = np.append(plan.segments[:, 2], 9 * 512 // 32 * form.value.word_steps)
    assert np.diff(starts).max() <= form.value.most_steps


@pytest.mark.parametrize("size", [(7, 7), (6, 7), (7, 6), (1, 5), (5, 1)])
def test_entries_are_every_pixel_once(size: tuple[int, int]) -> None:
    case = Case(Alphabet.BIPOLAR, 32, 32, size, (3, 3), WINDOW)

    plan = planned(prepared(case.product(), case.shape), Form.LOOK_UP, size)

    pixels = plan.pixels[plan.pixels >= 0]
    np.testing.assert_array_equal(np.sort(pixels), np.arange(size[0] * size[1]))
    assert len(plan.places) == -(-size[0] * size[1] // 2)


def test_aligned_arrays_begin_with_a_line_and_hold_the_same() -> None:
    values = np.arange(7, dtype=np.int16)[1:]

    found = aligned(values)

    np.testing.assert_array_equal(found, values)
    assert found.ctypes.data % LINE == 0


def test_room_has_the_shape_asked_for() -> None:
    assert room((3, 5), np.dtype(np.uint32)).shape == (3, 5)
