from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.errors import NotCalibrated, TypeMismatch
from tacit.ir import ops
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Graph, Node, Range, evaluate
from tacit.ir.rewrite import Builder
from tacit.passes import Choice, MeanSquare, Percentile, calibrate
from tests.networks import networks, rows


def exponential() -> Graph:
    """exp(x) of two entries."""
    builder = Builder()
    return builder.graph(builder.put("e", ops.Map(Function("exp")), builder.input("x", (2,))))


@given(networks())
def test_every_value_of_the_data_lies_within_its_range_and_reaches_both_ends(graph: Graph) -> None:
    x = rows(graph, 16)
    seen: dict[str, tuple[float, float]] = {}

    def note(node: Node, value: FloatArray) -> None:
        seen[node.name] = (float(value.min()), float(value.max()))

    evaluate(graph, {"x": x}, watch=note)
    ranges = {node.name: node.type.range for node in calibrate(graph, x)}

    assert ranges == {name: Range(low, high) for name, (low, high) in seen.items()}


@given(st.lists(st.integers(1, 400), min_size=1, max_size=4))
def test_how_the_data_are_cut_into_batches_does_not_matter(sizes: list[int]) -> None:
    batches = [np.random.default_rng(size).normal(size=(size, 2)) for size in sizes]

    in_parts = calibrate(exponential(), batches)
    at_once = calibrate(exponential(), np.concatenate(batches))

    assert [node.type.range for node in in_parts] == [node.type.range for node in at_once]
    assert bounds(in_parts) == bounds(at_once)


@given(st.integers(1, 400))
def test_the_input_has_the_bounds_of_each_entry_and_nothing_else_has(count: int) -> None:
    x = np.random.default_rng(count).normal(size=(count, 2)) * np.array([1.0, 50.0])

    found = calibrate(exponential(), np.clip(x, -99.0, 99.0))

    assert bounds(found) == [
        np.clip(x, -99, 99).min(0).tolist(),
        np.clip(x, -99, 99).max(0).tolist(),
    ]
    assert found["e"].type.bounds is None


def test_progress_counts_the_rows() -> None:
    told: list[int] = []

    calibrate(exponential(), np.zeros((600, 2)), progress=told.append)

    assert told == [256, 512, 600]


def test_only_ranges_are_added() -> None:
    graph = exponential()

    found = calibrate(graph, np.zeros((1, 2)))

    assert [node.op for node in found] == [node.op for node in graph]
    assert all(node.type.range is None for node in graph)


@pytest.mark.parametrize("nothing", [np.zeros((0, 2)), [], [np.zeros((0, 2))]])
def test_no_data_is_refused(nothing: FloatArray | list[FloatArray]) -> None:
    with pytest.raises(NotCalibrated, match="no data"):
        calibrate(exponential(), nothing)


def test_a_value_that_overflows_on_the_data_is_named() -> None:
    with (
        pytest.warns(RuntimeWarning, match="overflow"),
        pytest.raises(TypeMismatch, match="e becomes NaN or infinite"),
    ):
        calibrate(exponential(), np.array([[0.0, 1.0], [0.0, 1000.0]]))


def test_a_value_without_entries_is_refused() -> None:
    builder = Builder()
    graph = builder.graph(builder.input("x", (0,)))

    with pytest.raises(TypeMismatch, match="x has no entries"):
        calibrate(graph, np.zeros((3, 0)))


@pytest.mark.parametrize("count", [0, 2])
def test_a_graph_of_no_or_several_inputs_is_refused(count: int) -> None:
    builder = Builder()
    names = [builder.input("x", (2,)) for _ in range(count)]
    names.append(builder.put("c", ops.Constant(np.ones(2))))

    with pytest.raises(TypeMismatch, match=f"{count} inputs"):
        calibrate(builder.graph(names[-1]), np.zeros((1, 2)))


@pytest.mark.parametrize("choice", [Percentile(50.0), MeanSquare(2)])
def test_a_choice_narrows_every_value_but_the_input(choice: Choice) -> None:
    x = np.random.default_rng(0).normal(size=(1000, 2))

    whole, found = calibrate(exponential(), x), calibrate(exponential(), x, choice=choice)

    assert found["x"].type.range == whole["x"].type.range
    assert found["x"].type.bounds is not None
    assert np.array_equal(found["x"].type.bounds.low, x.min(axis=0))
    assert chosen(found).high < chosen(whole).high


def test_a_choice_sees_all_batches_in_one_pass() -> None:
    x = np.random.default_rng(0).normal(size=(900, 2))

    found = calibrate(exponential(), iter([x[:10], x[10:]]), choice=Percentile(90.0))

    values = np.exp(x)
    assert np.mean((values >= chosen(found).low) & (values <= chosen(found).high)) >= 0.9
    # A bin of a range that was just doubled is a thousandth of the values' range.
    assert chosen(found).high <= np.quantile(values, 0.95) + np.ptp(values) / 1000


def bounds(graph: Graph) -> list[list[float]]:
    """The least and the largest value of each entry of the input."""
    found = graph["x"].type.bounds
    assert found is not None
    return [found.low.tolist(), found.high.tolist()]


def chosen(graph: Graph) -> Range:
    """The range of the exponential."""
    found = graph["e"].type.range
    assert found is not None
    return found
