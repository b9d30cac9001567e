from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tacit.ir import ops
from tacit.ir.functions import Function
from tacit.ir.graph import Graph, Input, Node, Place, evaluate
from tacit.ir.rewrite import Builder
from tacit.passes.cut import side

CLIENT = {"x", "softmax"}


def graph() -> Graph:
    """A client's input, a server's two layers, a client's softmax."""
    random = np.random.default_rng(0)
    builder = Builder()
    name = builder.input("x", (6,))
    name = builder.put("first", ops.Linear(random.normal(size=(5, 6)), np.zeros(5)), name)
    name = builder.put("square", ops.Map(Function("square")), name)
    name = builder.put("second", ops.Linear(random.normal(size=(3, 5)), np.ones(3)), name)
    whole = builder.graph(builder.put("softmax", ops.Softmax(0), name))
    return Graph(tuple(placed(node) for node in whole), whole.outputs)


def placed(node: Node) -> Node:
    return replace(node, place=Place.CLIENT if node.name in CLIENT else Place.SERVER)


def test_the_sides_together_give_the_whole_result() -> None:
    whole = graph()
    x = np.random.default_rng(1).normal(size=(4, 6))

    sent = evaluate(side(whole, Place.CLIENT), {"x": x, "second": np.zeros((4, 3))})["x"]
    answer = evaluate(side(whole, Place.SERVER), {"x": sent})
    opened = evaluate(side(whole, Place.CLIENT), {"x": x, **answer})["softmax"]

    assert np.array_equal(opened, whole(x))


def test_what_crosses_the_border_is_a_result_on_one_side_and_an_input_on_the_other() -> None:
    client, server = side(graph(), Place.CLIENT), side(graph(), Place.SERVER)

    assert [node.name for node in client.inputs] == ["x", "second"]
    assert client.outputs == ("softmax", "x")
    assert [node.name for node in server.inputs] == ["x"]
    assert server.outputs == ("second",)


def test_an_input_from_the_other_side_tells_nothing_but_its_shape() -> None:
    (border,) = (n for n in side(graph(), Place.CLIENT) if n.name == "second")

    assert isinstance(border.op, Input)
    assert (border.args, border.origin, border.type.range) == ((), "", None)
    assert border.type.secret
    assert border.type.shape == (3,)


@pytest.mark.parametrize("place", list(Place))
def test_no_node_of_the_other_side_is_left(place: Place) -> None:
    found = side(graph(), place)

    assert all(node.place is place or isinstance(node.op, Input) for node in found)
