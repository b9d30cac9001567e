"""Programs of bits as source operations: the same answers, and what encrypted integers want."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from tacit.arithmetics.binary import Binary, in_the_clear
from tacit.arithmetics.integers import Integers
from tacit.errors import LoweringError
from tacit.ir import ops
from tacit.ir.graph import Graph
from tacit.passes import calibrate
from tacit.program import lower
from tests.arithmetics.binary.networks import Block, Sketch, blocks

# Of 31 products a sum has five bits and a sign: every threshold is an entry of one small table.
FAN_IN = 31


@settings(max_examples=60, deadline=None)
@given(blocks())
def test_answers_are_the_same_in_the_clear(block: Block) -> None:
    sketch = block.sketch().quantise("bipolar").flat().dense(3).norm().quantise("heaviside")
    words = lower(sketch.graph(), Binary()).graph
    x = block.inputs()

    found = in_the_clear(words)

    np.testing.assert_array_equal(found(x), words(x))


@settings(max_examples=30, deadline=None)
@given(blocks())
def test_reals_are_the_same_to_six_places(block: Block) -> None:
    words = lower(block.sketch().graph(), Binary()).graph
    x = block.inputs()

    found = in_the_clear(words)

    expected = words(x)
    np.testing.assert_allclose(
        found(x), expected, rtol=0, atol=1e-6 * np.abs(expected).max(initial=1.0)
    )


def perceptron(seed: int) -> Graph:
    """Signs of whole numbers, and norms whose factors no few bits hold."""
    sketch = Sketch(FAN_IN, seed=seed)
    whole = ops.FakeQuantise(np.array(1.0), np.array(0.0), -4, 3)
    sketch.put(whole, name="whole").quantise("bipolar")
    for kind in ("heaviside", "bipolar"):
        sketch.dense(FAN_IN, scale=0.3)
        factors = sketch.random.normal(size=(2, FAN_IN))
        sketch.put(ops.Affine(*factors), name="norm").quantise(kind)
    return sketch.dense(4, bias=False).graph()


@pytest.mark.parametrize("seed", range(3))
def test_encrypted_integers_compute_a_network_of_bits_exactly(seed: int) -> None:
    x = np.random.default_rng(seed).integers(-4, 4, size=(200, FAN_IN)).astype(np.float64)
    graph = calibrate(perceptron(seed), x)
    clear = calibrate(in_the_clear(lower(graph, Binary()).graph), x)

    integers = lower(clear, Integers())

    np.testing.assert_array_equal(clear(x), graph(x))
    np.testing.assert_array_equal(integers(x), graph(x))


def test_planes_of_several_bits_are_refused() -> None:
    words = lower(Sketch(6).quantise("two bits").dense(3).graph(), Binary()).graph

    with pytest.raises(LoweringError, match="planes"):
        in_the_clear(words)
