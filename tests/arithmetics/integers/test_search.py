"""Bits that are searched: what is found keeps what was asked, and is found again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tacit
from tacit.arithmetics.integers import Aim, Examples, Found, Integers, find_bits, report
from tacit.arithmetics.integers.lower import lower
from tacit.arithmetics.integers.search.found import Point, front
from tacit.arithmetics.integers.search.knobs import knobs_of
from tacit.arithmetics.integers.search.slots import slot_seconds
from tacit.errors import DepthExceeded, LoweringError, NotCalibrated, ProtocolError, TypeMismatch
from tacit.ir.graph import Graph

datasets = pytest.importorskip("sklearn.datasets")
neural = pytest.importorskip("sklearn.neural_network")
linear = pytest.importorskip("sklearn.linear_model")


@pytest.fixture(scope="module")
def examples() -> Examples:
    iris = datasets.load_iris()
    scaled = (iris.data - iris.data.mean(axis=0)) / iris.data.std(axis=0)
    return Examples(scaled, iris.target)


@pytest.fixture(scope="module")
def graph(examples: Examples) -> Graph:
    model = neural.MLPClassifier((6,), solver="lbfgs", alpha=0.1, max_iter=500, random_state=0)
    fitted = model.fit(examples.x[::2], np.asarray(examples.y)[::2])
    return tacit.calibrate(tacit.read(fitted), examples.x)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("search") / "bits.jsonl"


@pytest.fixture(scope="module")
def found(graph: Graph, examples: Examples, ledger: Path) -> Found:
    return find_bits(graph, examples, Aim(loss=2.0), ledger=ledger)


def uniform(found: Found) -> list[Point]:
    return [each for each in found.tried if len(set(each.bits.values())) == 1]


def test_what_is_found_keeps_the_target_when_it_is_lowered(
    graph: Graph, examples: Examples, found: Found
) -> None:
    program = tacit.lower(graph, found.arithmetic)
    right = np.mean(program(examples.x).argmax(axis=1) == examples.y)
    assert found.is_met
    assert right == found.accuracy >= found.exact - 0.02


def test_it_is_no_dearer_than_the_best_uniform_width(found: Found) -> None:
    good = [each for each in uniform(found) if (each.accuracy or 0.0) >= (found.target or 0.0)]
    assert found.seconds <= min(each.seconds for each in good if each.seconds is not None)


def test_every_width_is_tried_once(found: Found) -> None:
    assert len(found.tried) == len({tuple(each.bits.items()) for each in found.tried})


def test_bits_have_the_names_that_layers_takes(found: Found) -> None:
    assert [*found.bits.items()] == [*found.arithmetic.layers]
    assert {name.rpartition(".")[2] for name in found.bits} == {"inputs", "weights", "activations"}


def test_the_front_rises_with_its_price(found: Found) -> None:
    shares = [each.accuracy or 0.0 for each in found.front]
    prices = [each.seconds or 0.0 for each in found.front]
    assert shares == sorted(set(shares))
    assert prices == sorted(set(prices))


def test_a_search_is_found_again_from_its_ledger_without_a_measurement(
    graph: Graph, examples: Examples, ledger: Path, found: Found
) -> None:
    before = ledger.read_bytes()
    again = find_bits(graph, examples, Aim(loss=2.0), ledger=ledger)
    assert ledger.read_bytes() == before
    assert again.record() == found.record()


def test_a_search_that_was_killed_ends_as_it_would_have(
    graph: Graph, examples: Examples, ledger: Path, found: Found, tmp_path: Path
) -> None:
    part = tmp_path / "part.jsonl"
    part.write_bytes(ledger.read_bytes()[:2000])
    again = find_bits(graph, examples, Aim(loss=2.0), ledger=part)
    assert again.arithmetic == found.arithmetic
    assert [each.bits for each in again.tried] == [each.bits for each in found.tried]


def test_a_ledger_of_other_data_is_refused(graph: Graph, examples: Examples, ledger: Path) -> None:
    with pytest.raises(ProtocolError, match="measured on another model"):
        find_bits(graph, Examples(examples.x[:50]), ledger=ledger)


def test_the_bound_on_accumulators_is_kept_and_what_breaks_it_is_recorded(
    graph: Graph, examples: Examples
) -> None:
    narrow = find_bits(graph, examples, Aim(target=0.9, accumulator=6))
    rows = report(tacit.lower(graph, narrow.arithmetic).graph)
    reasons = [each.reason for each in narrow.tried if each.accuracy is None]
    assert max(each.bits for each in rows if each.entries is not None) <= 6
    assert any("6 are allowed" in (reason or "") for reason in reasons)


def test_the_most_accurate_bits_within_seconds_are_found(graph: Graph, examples: Examples) -> None:
    quick = find_bits(graph, examples, Aim(seconds=1000.0, accumulator=6))
    had = [each.accuracy or 0.0 for each in quick.tried if each.reason is None]
    assert quick.is_met
    assert quick.target is None
    assert quick.accuracy == max(had)


def test_a_target_out_of_reach_is_told(graph: Graph, examples: Examples) -> None:
    best = find_bits(graph, examples, Aim(target=0.99, accumulator=4))
    assert not best.is_met


def test_without_labels_the_float_graph_is_right(graph: Graph, examples: Examples) -> None:
    agreed = find_bits(graph, Examples(examples.x), Aim(target=0.9))
    assert agreed.exact == 1.0
    assert agreed.accuracy >= 0.9


def test_a_regression_is_measured_by_what_it_explains() -> None:
    x, y = datasets.load_diabetes(return_X_y=True)
    model = linear.LinearRegression().fit(x, y)
    graph = tacit.calibrate(tacit.read(model), x)
    found = find_bits(graph, Examples(x, y), Aim(loss=1.0))
    assert found.exact == pytest.approx(model.score(x, y))
    assert found.exact - 0.01 <= found.accuracy < 1.0


def test_what_the_base_says_stays(graph: Graph) -> None:
    knobs = knobs_of(graph, Integers(inputs=5, layers=(("activation.0", 3),), rounding=8))
    assert [knob.name for knob in knobs] == ["coefs_.0.weights", "coefs_.1.weights", "rounding"]


def test_nodes_of_one_origin_are_told_apart_by_their_names(graph: Graph) -> None:
    shared = Graph(tuple(replace(node, origin="net") for node in graph), graph.outputs)
    names = {knob.name for knob in knobs_of(shared, Integers())}
    assert {"linear.weights", "linear_1.weights"} <= names


def test_more_bits_are_estimated_to_be_dearer(graph: Graph) -> None:
    prices = [
        slot_seconds(lower(graph, Integers(bits=bits).settings), 128) for bits in (2, 3, 4, 5)
    ]
    assert prices == sorted(prices)


def test_what_is_too_deep_is_estimated_to_be_so(graph: Graph) -> None:
    words = lower(graph, Integers(bits=8).settings)
    with pytest.raises(DepthExceeded, match="no ring seems to have"):
        slot_seconds(words, 256)


def test_a_graph_that_no_width_fits_is_refused(graph: Graph, examples: Examples) -> None:
    with pytest.raises(LoweringError, match="no width from 1 to 8"):
        find_bits(graph, examples, Aim(accumulator=1))


def test_a_graph_without_ranges_is_refused(graph: Graph, examples: Examples) -> None:
    bare = Graph(
        tuple(replace(node, type=replace(node.type, range=None)) for node in graph), graph.outputs
    )
    with pytest.raises(NotCalibrated):
        find_bits(bare, examples)


def test_a_target_and_a_loss_are_one_too_many() -> None:
    with pytest.raises(TypeMismatch, match="a target and a loss"):
        Aim(target=0.9, loss=1.0)


def test_no_answer_takes_no_time() -> None:
    with pytest.raises(TypeMismatch, match="no answer takes"):
        Aim(seconds=0.0)


def test_a_front_leaves_out_what_cannot_be_had() -> None:
    points = [
        Point({}, 0.9, None, "too deep"),
        Point({}, 0.8, 2.0),
        Point({}, 0.8, 3.0),
        Point({}, 0.7, 1.0),
    ]
    assert [each.seconds for each in front(points)] == [1.0, 2.0]
