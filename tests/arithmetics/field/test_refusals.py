"""What the field has no words or no bits for is refused, by name and with a hint."""

from __future__ import annotations

import numpy as np
import pytest

from tacit.arithmetics.field.lower import lower
from tacit.arithmetics.field.settings import Format, Settings
from tacit.errors import LoweringError, WidthExceeded
from tacit.ir import ops
from tacit.passes import calibrate
from tests.arithmetics.field import models
from tests.arithmetics.field.models import Sketch, rows

PLAIN = Settings()


def test_slalom_refuses_what_its_field_cannot_hold() -> None:
    sketch = Sketch((64,))
    sketch.put("wide", ops.Linear(np.full((2, 64), 2.0), np.zeros(2)))

    with pytest.raises(WidthExceeded, match="wide: channel 0") as refused:
        lower(sketch.graph(), Settings(format=Format.SLALOM, fraction=8))

    assert "fraction" in str(refused.value.hint)


def test_a_layer_that_is_too_wide_is_named() -> None:
    sketch = Sketch((70_000,))
    weight = sketch.random.uniform([[-1.0], [0.99]], 1.0, size=(2, 70_000))
    sketch.function("relu")
    sketch.put("wide", ops.Linear(weight, np.zeros(2)))
    graph = sketch.builder.graph(sketch.last)

    with pytest.raises(WidthExceeded, match=r"wide: channel 1 may reach .* needs 33 bits"):
        lower(calibrate(graph, rows(graph, 2)), Settings())


def spread(shape: tuple[int, ...]) -> Sketch:
    sketch = Sketch((2, 3, 3))
    constant = sketch.builder.put("constant", ops.Constant(sketch.random.normal(size=shape)))
    sketch.put("sum", ops.Add(), sketch.last, constant)
    return sketch


def uneven() -> Sketch:
    sketch = Sketch((2, 5, 5))
    sketch.put("pool", ops.AdaptivePool(models.AVERAGE, (3, 3)))
    return sketch


def uncounted() -> Sketch:
    sketch = Sketch((2, 4, 4))
    pads = ((1, 1), (1, 1))
    pool = ops.Pool(models.AVERAGE, (3, 3), (1, 1), pads, (1, 1), count_padding=False)
    sketch.put("pool", pool)
    return sketch


def broadcast() -> Sketch:
    sketch = Sketch((2, 4, 4))
    sketch.put("mean", ops.Reduce(ops.ReduceKind.MEAN, (1, 2), keep=True))
    sketch.put("sum", ops.Add(), "x", sketch.last)
    return sketch


def constant_part() -> Sketch:
    sketch = Sketch((4,))
    sketch.builder.put("token", ops.Constant(np.ones(2)))
    sketch.put("joined", ops.Concat(0), "token", "x")
    return sketch


def own_channels() -> Sketch:
    sketch = Sketch((2,))
    sketch.put("grid", ops.FakeQuantise(np.array([0.1, 0.2]), np.zeros(2), 0, 15))
    return sketch


def early_softmax() -> Sketch:
    sketch = Sketch((4,))
    sketch.put("softmax", ops.Softmax(0))
    sketch.dense(2)
    return sketch


def number() -> Sketch:
    sketch = Sketch((4,))
    sketch.put("sum", ops.Reduce(ops.ReduceKind.SUM, (0,)))
    return sketch


def matrices() -> Sketch:
    sketch = Sketch((4, 3))
    sketch.builder.put("left", ops.Constant(np.ones((2, 4))))
    sketch.put("product", ops.MatMul(), "left", "x")
    return sketch


@pytest.mark.parametrize(
    ("sketch", "message"),
    [
        (spread((3, 1)), "sum has a constant of shape"),
        (uneven(), "pool pools .* in parts of different sizes"),
        (uncounted(), "pool averages over windows of different sizes"),
        (broadcast(), "sum adds values of shapes"),
        (constant_part(), "joined joins the constant token"),
        (own_channels(), "grid quantises every channel by itself"),
        (early_softmax(), "softmax at the end|after a softmax"),
        (number(), "sum leaves a number without an axis"),
        (matrices(), "product multiplies by the matrices of left"),
    ],
)
def test_what_has_no_words_is_refused_by_name(sketch: Sketch, message: str) -> None:
    with pytest.raises(LoweringError, match=message) as refused:
        lower(sketch.graph(), PLAIN)

    assert refused.value.hint


def test_a_result_without_the_input_is_refused() -> None:
    sketch = Sketch((4,))
    name = sketch.builder.put("alone", ops.Constant(np.ones(2)))
    graph = sketch.builder.graph(name)

    with pytest.raises(LoweringError, match="alone does not depend on the input"):
        lower(calibrate(graph, rows(graph)), PLAIN)
