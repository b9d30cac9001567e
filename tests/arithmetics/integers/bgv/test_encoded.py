from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tacit.arithmetics.integers.bgv.encoded import SlotDiagonals, prepared
from tacit.arithmetics.integers.bgv.packing import schedules
from tacit.arithmetics.integers.bgv.tables import circuits
from tacit.ir.affine import IndexArray
from tacit.program import lower
from tests.arithmetics.integers import graphs
from tests.arithmetics.integers.bgv import scene
from tests.arithmetics.integers.graphs import BGV, lookups, sums

MODULUS = 65537


def slot_diagonals(batch: int, factor: int = 1) -> list[tuple[int, IndexArray]]:
    """All diagonals of a linear layer."""
    program = lower(graphs.linear(), replace(BGV, batch=batch))
    (word,) = sums(program.graph)
    (found,) = schedules(word)
    plan = scene.plan_of(program)
    return [
        pair for _, each in found.diagonals() for pair in SlotDiagonals(each, plan, factor).items()
    ]


def test_an_input_alone_leaves_nothing_in_the_second_row() -> None:
    made = slot_diagonals(batch=1)

    rows = [np.split(values, 2) for _, values in made]
    assert all(first.any() for first, _ in rows)
    assert not any(second.any() for _, second in rows)


def test_inputs_that_share_a_ciphertext_have_the_same_diagonals() -> None:
    (first, second) = (np.array(each) for each in zip(*halves_of(8), strict=True))

    assert np.array_equal(first, second)
    # Four take turns within a row.
    assert np.array_equal(first.reshape(len(first), -1, 4), np.repeat(first[:, ::4, None], 4, 2))


def halves_of(batch: int) -> list[tuple[IndexArray, IndexArray]]:
    """Both rows of every diagonal."""
    made = slot_diagonals(batch=batch)
    return [(values[: values.size // 2], values[values.size // 2 :]) for _, values in made]


def test_offsets_count_the_inputs_that_take_turns() -> None:
    assert all(offset % 4 == 0 for offset, _ in slot_diagonals(batch=8))


def test_a_factor_is_multiplied_in() -> None:
    pairs = zip(slot_diagonals(2), slot_diagonals(2, factor=2), strict=True)

    assert all(np.array_equal(2 * plain[1], doubled[1]) for plain, doubled in pairs)


def test_sums_that_a_table_reads_are_made_as_its_polynomial_wants_them() -> None:
    graph = lower(graphs.perceptron(), BGV).graph
    (way,) = circuits(lookups(graph)[0], MODULUS)

    assert prepared(graph, MODULUS) == {"dense1_sums": (way.factor, way.shift)}


@pytest.mark.parametrize("make", [graphs.linear, graphs.gated, graphs.scores])
def test_sums_that_no_table_reads_are_left_as_they_are(make: graphs.Make) -> None:
    assert prepared(lower(make(), BGV).graph, MODULUS) == {}


def test_sums_for_tables_that_differ_are_left_as_they_are() -> None:
    graph = lower(graphs.perceptron(), replace(BGV, per_channel=True)).graph

    assert prepared(graph, MODULUS) == {}
