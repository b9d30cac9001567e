"""Graphs in the field's words: near the reals, integers within, placed, or refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np
import pytest

from tacit.arithmetics.field.lower import lower
from tacit.arithmetics.field.ops import (
    PRODUCTS,
    Convolution,
    Decode,
    Dense,
    Encode,
    Rescale,
    Table,
    WeightArray,
)
from tacit.arithmetics.field.settings import Depthwise, Format, Search, Settings
from tacit.ir import ops
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Graph, Node, Op, Place, evaluate
from tacit.passes import calibrate
from tacit.passes.fold import fold
from tests.arithmetics.field import models
from tests.arithmetics.field.bounds import error_bound
from tests.arithmetics.field.models import MODELS, Sketch, rows

Kind = TypeVar("Kind", bound=Op)
PLAIN = Settings()
VARIANTS = {
    "plain": PLAIN,
    "powers of two": Settings(power_of_two=True),
    "per tensor": Settings(per_channel=False),
    "slalom": Settings(format=Format.SLALOM, fraction=7),
}


def values(graph: Graph, x: FloatArray) -> dict[str, FloatArray]:
    """The value of every node."""
    found: dict[str, FloatArray] = {}

    def note(node: Node, value: FloatArray) -> None:
        found[node.name] = value

    evaluate(graph, {graph.inputs[0].name: x}, watch=note)
    return found


def kinds(graph: Graph) -> list[type[Op]]:
    return [type(node.op) for node in graph]


def nodes(graph: Graph, *kinds: type[Op]) -> list[Node]:
    return [node for node in graph if isinstance(node.op, kinds)]


def words(graph: Graph, kind: type[Kind]) -> list[Kind]:
    return [node.op for node in graph if isinstance(node.op, kind)]


def weights(graph: Graph) -> list[WeightArray]:
    return [
        *(op.weight for op in words(graph, Dense)),
        *(op.weight for op in words(graph, Convolution)),
    ]


def between(graph: Graph) -> list[Node]:
    """What lies between the encoding and the decoding."""
    start, end = (kinds(graph).index(each) for each in (Encode, Decode))
    return list(graph.nodes[start:end])


@pytest.mark.parametrize("settings", VARIANTS.values(), ids=VARIANTS.keys())
@pytest.mark.parametrize("name", MODELS)
def test_results_are_within_what_the_grids_allow(name: str, settings: Settings) -> None:
    graph = MODELS[name]()
    x = rows(graph)

    off = np.abs(lower(graph, settings)(x) - graph(x)).max()

    assert off < error_bound(graph, settings)


@pytest.mark.parametrize("bits", range(2, 9))
def test_every_number_of_bits_keeps_its_bound(bits: int) -> None:
    graph, settings = models.convolution(), Settings(bits, bits)
    x = rows(graph)

    lowered = lower(graph, settings)

    largest = max(np.abs(each).max() for each in weights(lowered))
    assert np.abs(lowered(x) - graph(x)).max() < error_bound(graph, settings)
    assert largest == 2 ** (bits - 1) - 1
    assert all(op.high <= 2**bits - 1 for op in words(lowered, Rescale))
    assert words(lowered, Encode)[0].high == 2**bits - 1


@pytest.mark.parametrize("name", MODELS)
def test_folding_before_changes_no_bound(name: str) -> None:
    graph = fold(MODELS[name]())
    x = rows(graph)

    assert np.abs(lower(graph, PLAIN)(x) - graph(x)).max() < error_bound(graph, PLAIN)


def test_scales_of_the_least_mean_square_keep_the_bound() -> None:
    graph, settings = models.perceptron(), Settings(weights=4, search=Search.MSE)
    x = rows(graph)

    assert np.abs(lower(graph, settings)(x) - graph(x)).max() < error_bound(graph, settings)


@pytest.mark.parametrize("settings", VARIANTS.values(), ids=VARIANTS.keys())
@pytest.mark.parametrize("name", MODELS)
def test_all_between_the_ends_are_integers_within_their_proven_range(
    name: str, settings: Settings
) -> None:
    lowered = lower(MODELS[name](), settings)

    found = values(lowered, 3.0 * rows(lowered))

    inside = between(lowered)
    ranges = [node.type.range for node in inside]
    assert all(np.array_equal(found[node.name], np.rint(found[node.name])) for node in inside)
    assert all(
        known is not None
        and known.low <= found[node.name].min()
        and found[node.name].max() <= known.high
        for node, known in zip(inside, ranges, strict=True)
    )
    assert all(known is not None and known.magnitude < 2**31 for known in ranges)


@pytest.mark.parametrize("name", MODELS)
def test_the_worker_computes_products_alone(name: str) -> None:
    lowered = lower(MODELS[name](), Settings(depthwise=Depthwise.WORKER))

    servers = {node.name for node in lowered if node.place is Place.SERVER}

    assert servers == {node.name for node in nodes(lowered, *PRODUCTS)}


def test_depthwise_layers_stay_with_the_verifier_unless_asked() -> None:
    lowered = lower(models.separable(), PLAIN)

    places = [node.place for node in nodes(lowered, Convolution)]

    assert places == [Place.SERVER, Place.CLIENT, Place.SERVER]


def test_a_convolution_its_norm_and_its_clamp_are_one_rescaling() -> None:
    lowered = lower(models.convolution(), PLAIN)

    assert [kind for kind in kinds(lowered) if kind in {Convolution, Rescale, Dense}] == [
        Convolution,
        Rescale,
        Dense,
    ]
    assert words(lowered, Rescale)[0].low == 0


def test_a_sum_of_branches_is_one_rescaling() -> None:
    lowered = lower(models.residual(), PLAIN)

    counts = [len(node.args) for node in nodes(lowered, Rescale)]

    assert counts == [1, 1, 2, 1, 2, 1]


@pytest.mark.parametrize("top", [True, False])
def test_a_layers_proven_ends_are_reached_by_the_worst_input(*, top: bool) -> None:
    lowered = lower(models.perceptron(), PLAIN)
    entry, layer = words(lowered, Encode)[0], nodes(lowered, Dense)[0]
    weight = weights(lowered)[0]

    x = np.where((weight > 0) == top, float(entry.high), float(entry.low))
    found = layer.op.run(x)

    known = layer.type.range
    assert known is not None
    assert (found.max() if top else found.min()) == (known.high if top else known.low)


def test_the_last_layer_is_decoded_as_it_comes() -> None:
    lowered = lower(models.perceptron(), PLAIN)

    (last,) = nodes(lowered, Decode)

    assert isinstance(lowered[last.args[0]].op, Dense)


def test_a_border_is_the_integer_that_stands_for_zero() -> None:
    lowered = lower(models.convolution(), PLAIN)

    (border,), (conv,) = words(lowered, ops.Pad), words(lowered, Convolution)
    (entry,) = words(lowered, Encode)

    assert border.value == entry.zero_point > 0
    assert conv.padding == ((0, 0), (0, 0))


def test_behind_a_relu_convolutions_pad_themselves() -> None:
    lowered = lower(models.separable(), PLAIN)

    paddings = [op.padding for op in words(lowered, Convolution)]

    assert paddings == [((0, 0), (0, 0)), ((1, 1), (1, 1)), ((0, 0), (0, 0))]
    assert len(words(lowered, ops.Pad)) == 1


def test_every_output_has_a_scale_of_its_own() -> None:
    weight = np.outer([1.0, 0.01, 100.0], [1.0, -1.0 / np.pi])
    sketch = Sketch((2,))
    sketch.put("dense", ops.Linear(weight, np.zeros(3)))

    apart, together = (lower(sketch.graph(), Settings(per_channel=each)) for each in (True, False))

    assert np.array_equal(words(apart, Dense)[0].weight, [[127, -40]] * 3)
    assert np.array_equal(words(together, Dense)[0].weight, [[1, 0], [0, 0], [127, -40]])


@pytest.mark.parametrize("name", ["perceptron", "convolution", "residual"])
def test_scales_that_are_powers_of_two_rescale_by_powers_of_two(name: str) -> None:
    graph = fold(MODELS[name]())

    lowered = lower(graph, Settings(power_of_two=True))

    found = np.concatenate([op.multipliers.ravel() for op in words(lowered, Rescale)])
    assert len(found) > 0
    assert np.all(np.abs(found) & (np.abs(found) - 1) == 0)


def test_functions_are_tables_of_at_most_twelve_bits() -> None:
    lowered = lower(models.smooth(), PLAIN)

    tables = words(lowered, Table)

    assert [len(op.table) for op in tables] == [4096, 4096, 4096]


def test_a_sigmoid_at_the_end_is_computed_on_reals() -> None:
    lowered = lower(models.smooth(), PLAIN)

    assert kinds(lowered)[-2:] == [Decode, ops.Map]


@pytest.mark.parametrize(
    ("name", "ends"), [("relu", ()), ("relu6", ()), ("hardtanh", (-0.25, 0.5))]
)
def test_a_clamp_at_the_end_is_computed_on_reals(name: str, ends: tuple[float, ...]) -> None:
    sketch = Sketch((4,))
    sketch.dense(3)
    sketch.function(name, *ends)
    graph = sketch.graph()
    x = rows(graph)

    lowered = lower(graph, PLAIN)

    assert kinds(lowered)[-2:] == [Decode, ops.Map]
    assert np.abs(lowered(x) - graph(x)).max() < error_bound(graph, PLAIN)


def test_slalom_computes_what_its_paper_says() -> None:
    sketch = Sketch((6,))
    sketch.dense(5)
    sketch.function("relu")
    sketch.dense(3)
    # Twice as large in calibration: nothing is clipped.
    graph = calibrate(sketch.graph(), 2.0 * rows(sketch.graph()))
    first, second = words(graph, ops.Linear)
    x, one = rows(graph), 2.0**8

    found = lower(graph, Settings(format=Format.SLALOM, fraction=8))(x)

    sums = np.rint(one * x) @ np.rint(one * first.weight).T + np.rint(one**2 * first.bias)
    hidden = np.floor(np.maximum(sums, 0.0) / one + 0.5)
    last = hidden @ np.rint(one * second.weight).T + np.rint(one**2 * second.bias)
    assert np.array_equal(found, last / one**2)


def test_the_models_own_grid_is_taken_as_it_is() -> None:
    grid = ops.FakeQuantise(np.array(0.02), np.array(-28.0), -128, 127)
    sketch = Sketch((6,))
    sketch.put("entry", grid)
    sketch.put("dense", ops.Linear(0.5 * np.eye(6), np.zeros(6)))
    sketch.put("hidden", grid)
    sketch.put("last", ops.Linear(np.eye(6), np.zeros(6)))
    graph = sketch.graph()
    x = rows(graph)

    lowered = lower(graph, PLAIN)

    # One step of the grid, where a half is rounded to the other side.
    assert np.abs(lowered(x) - graph(x)).max() < 0.02 + 1e-9
    assert words(lowered, Encode)[0].scale == 0.02
    assert words(lowered, Encode)[0].zero_point == 100


def test_a_large_image_stays_an_image() -> None:
    sketch = Sketch((3, 224, 224))
    sketch.conv(4, kernel=7, stride=2)
    sketch.function("relu")
    sketch.pool(models.MAXIMUM)
    graph = sketch.builder.graph(sketch.last)

    lowered = lower(calibrate(graph, rows(graph, 1)), PLAIN)

    assert [node.type.shape for node in nodes(lowered, Convolution)] == [(4, 112, 112)]
    assert sum(each.size for each in weights(lowered)) == 4 * 3 * 49


def test_a_function_is_not_asked_where_nothing_was_seen() -> None:
    sketch = Sketch((4,))
    sketch.function("exp")
    sketch.function("log")
    sketch.dense(2)
    graph = sketch.graph()
    x = rows(graph)

    assert np.abs(lower(graph, PLAIN)(x) - graph(x)).max() < 0.2


def test_a_value_that_is_used_twice_is_on_one_grid() -> None:
    lowered = lower(models.residual(), PLAIN)

    found = [node.args for node in nodes(lowered, Rescale)]

    assert len(found) == len(set(found))


def test_long_sums_are_rescaled_a_few_values_at_a_time() -> None:
    sketch = Sketch((6,))
    total = sketch.last
    for _ in range(8):
        sketch.last = "x"
        total = sketch.put("add", ops.Add(), total, sketch.dense(6))
    graph = sketch.graph()
    x = rows(graph)

    lowered = lower(graph, PLAIN)

    assert max(len(node.args) for node in nodes(lowered, Rescale, Decode)) <= 4
    assert np.abs(lowered(x) - graph(x)).max() < error_bound(graph, PLAIN)


def test_an_unseen_relu_gives_its_only_value() -> None:
    sketch = Sketch((3,))
    sketch.put("dense", ops.Linear(np.eye(3), np.full(3, -100.0)))
    sketch.function("relu")
    sketch.put("last", ops.Linear(np.eye(3), np.ones(3)))

    lowered = lower(sketch.graph(), PLAIN)

    assert np.array_equal(lowered(rows(lowered)), np.ones((24, 3)))


def test_a_function_of_a_function_reads_its_integers() -> None:
    sketch = Sketch((3,))
    sketch.function("tanh")
    sketch.put("exp", ops.Map(Function("exp")))
    sketch.dense(2)

    lowered = lower(sketch.graph(), replace(PLAIN, activations=4))

    assert [len(op.table) for op in words(lowered, Table)] == [16, 16]
