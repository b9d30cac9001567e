from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from tacit.errors import LoweringError
from tacit.ir import ops
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Graph, Op, Place, Shape
from tacit.ir.rewrite import Builder
from tacit.passes.ends import at_end, placed


@dataclass(frozen=True, eq=False)
class Word(Op):
    """A word of some arithmetic."""

    def shape(self, *shapes: Shape) -> Shape:
        (given,) = shapes
        return given

    def run(self, *values: FloatArray) -> FloatArray:
        (x,) = values
        return x


@dataclass(frozen=True, eq=False)
class End(Op):
    """A word at a client's end of it."""

    def shape(self, *shapes: Shape) -> Shape:
        (given,) = shapes
        return given

    def run(self, *values: FloatArray) -> FloatArray:
        (x,) = values
        return x


DENSE = ops.Linear(np.ones((4, 4)), np.zeros(4))
SOFTMAX = ops.Softmax(0)
SIGMOID, RELU = ops.Map(Function("sigmoid")), ops.Map(Function("relu"))
MOVE = ops.Reshape((4,))


def chain(*found: Op) -> Graph:
    """Ops one behind the other, called n0, n1 and so on."""
    builder = Builder()
    name = builder.input("x", (4,))
    for number, op in enumerate(found):
        name = builder.put(f"n{number}", op, name)
    return builder.graph(name)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((DENSE,), set()),
        ((DENSE, SOFTMAX), {"n1"}),
        ((DENSE, ops.ArgMax(0)), {"n1"}),
        ((DENSE, SOFTMAX, MOVE), {"n1", "n2"}),
        ((DENSE, RELU, SOFTMAX), {"n2"}),
        ((DENSE, SIGMOID), {"n1"}),
        ((DENSE, SIGMOID, SOFTMAX), {"n1", "n2"}),
        ((DENSE, SIGMOID, MOVE), {"n1", "n2"}),
        ((DENSE, MOVE), set()),
        ((DENSE, SIGMOID, DENSE), set()),
    ],
)
def test_a_client_computes_what_holds_no_weight_and_can_be_undone(
    found: tuple[Op, ...], expected: set[str]
) -> None:
    assert at_end(chain(*found), "Sums") == expected


def test_weights_behind_a_softmax_are_refused_in_the_name_of_the_arithmetic() -> None:
    with pytest.raises(LoweringError, match="n1 comes after a softmax") as refused:
        at_end(chain(SOFTMAX, DENSE), "Sums")

    assert refused.value.hint == "Sums has softmax and argmax only at the end of a network"


def test_inputs_ends_and_what_is_weightless_are_placed_at_the_client() -> None:
    graph = chain(End(), Word(), End(), SOFTMAX)

    found = placed(graph, ends=(End,))

    at_server = [node.name for node in found if node.place is Place.SERVER]
    assert at_server == ["n1"]
    assert [node.op for node in found] == [node.op for node in graph]
