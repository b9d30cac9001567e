"""The report of a program's products."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tacit.arithmetics.field import Depthwise, Field, Mode, report
from tacit.ir.graph import Graph
from tacit.program import lower
from tests.arithmetics.field import models


def test_a_worker_computes_what_is_checked_and_nothing_else() -> None:
    program = lower(models.separable(), Field())

    told = {each.name: each for each in report(program.graph, Field())}

    checked = [each for each in told.values() if each.soundness_bits is not None]
    assert {each.computed_by for each in checked} == {"worker"}
    assert all((each.soundness_bits or 0.0) >= 40.0 for each in checked)
    # The depthwise convolution: 4 channels of 4 × 4, 9 products each.
    (local,) = [each for each in told.values() if each.computed_by == "verifier"]
    assert local.multiplications == 4 * 4 * 4 * 9


def test_a_depthwise_layer_goes_to_the_worker_if_it_is_to() -> None:
    arithmetic = Field(depthwise=Depthwise.WORKER)

    told = report(lower(models.separable(), arithmetic).graph, arithmetic)

    assert {each.computed_by for each in told} == {"worker"}


def test_products_of_activations_stay_with_the_verifier() -> None:
    told = report(lower(models.attention(), Field()).graph, Field())

    counts = [each.multiplications for each in told if each.computed_by == "verifier"]
    # The scores, and what they mix; x · sigmoid(x) in between is a table.
    assert counts == [5 * 5 * 4, 5 * 4 * 5]


@pytest.mark.parametrize("mode", list(Mode))
def test_both_parties_are_told_the_same(mode: Mode) -> None:
    arithmetic = Field(mode=mode)
    program = lower(models.perceptron(), arithmetic)

    told = [report(half.graph, arithmetic) for half in arithmetic.cut(program)]

    assert told == [report(program.graph, arithmetic)] * 2


def test_more_soundness_is_asked_for_by_repetition() -> None:
    graph = lower(models.perceptron(), Field()).graph

    once, often = report(graph, Field()), report(graph, Field(soundness=100))

    assert min(each.soundness_bits or 0.0 for each in once) >= 40.0
    assert min(each.soundness_bits or 0.0 for each in often) >= 100.0


def test_what_is_not_proven_is_not_told() -> None:
    graph = lower(models.perceptron(), Field()).graph
    bare = tuple(replace(node, type=replace(node.type, range=None)) for node in graph)

    told = report(Graph(bare, graph.outputs), Field())

    assert {each.bits for each in told} == {None}
