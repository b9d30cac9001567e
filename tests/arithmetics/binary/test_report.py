"""The report of layers: what each multiplies, and what its weights take."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tacit.arithmetics.binary import Binary, Layer, report
from tacit.arithmetics.binary.ops import Alphabet, Window
from tacit.ir import ops
from tacit.ir.graph import Graph
from tacit.program import lower
from tests.arithmetics.binary.cases import Case
from tests.arithmetics.binary.networks import Sketch, ranged

CASE = Case(Alphabet.BIPOLAR, 33, 40, (4, 4), (3, 3), Window((1, 1), ((1, 1), (1, 1)), (1, 1)))
PRODUCTS = 40 * 16 * 33 * 9


def layers(sketch: Sketch) -> tuple[Layer, ...]:
    return report(lower(sketch.graph(), Binary()).graph)


def test_a_layer_of_bits_is_told_with_what_becomes_of_it() -> None:
    (layer,) = layers(Sketch(*CASE.shape).quantise("bipolar").conv(CASE).norm().quantise("bipolar"))

    assert (layer.multiplies, layer.gives) == ("bipolar bits", "bipolar bits")
    assert (layer.input_bits, layer.weight_bits) == (1, 1)
    # 33 channels take two words.
    assert (layer.products, layer.weight_bytes) == (PRODUCTS, 40 * 9 * 2 * 4)


def test_a_layer_of_planes_is_one_row() -> None:
    sketch = Sketch(40).quantise("two bits")
    ternary = sketch.signs(8, 40, levels=(-1.0, 0.0, 1.0))

    (layer,) = layers(sketch.put(ops.Linear(ternary, np.zeros(8)), name="dense"))

    assert (layer.multiplies, layer.gives) == ("unipolar bits", "reals")
    assert (layer.input_bits, layer.weight_bits) == (2, 2)
    assert (layer.products, layer.weight_bytes) == (4 * 8 * 40, 2 * 8 * 2 * 4)


def test_a_layer_of_reals_has_no_bits() -> None:
    first, last = layers(Sketch(6).dense(5).quantise("heaviside").dense(3))

    assert (first.multiplies, first.input_bits, first.weight_bits) == ("reals", None, None)
    assert (first.products, first.weight_bytes) == (30, 30 * 8)
    assert last.multiplies == "unipolar bits"


def test_a_layer_is_named_by_its_own_place_in_the_model() -> None:
    graph = Sketch(6).quantise("bipolar").dense(5).quantise("bipolar").dense(3).graph()
    named = Graph(tuple(replace(node, origin=f"at {node.name}") for node in graph), graph.outputs)

    found = report(lower(ranged(named), Binary()).graph)

    assert [layer.at for layer in found] == ["at dense", "at dense_1"]


def test_a_record_has_every_field() -> None:
    (layer,) = layers(Sketch(6).quantise("bipolar").dense(3))

    assert layer.record()["products"] == 18
