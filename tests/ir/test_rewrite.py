from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.errors import TypeMismatch
from tacit.ir.functions import Function
from tacit.ir.graph import Graph, Node
from tacit.ir.ops import Add, Map, Mul
from tacit.ir.rewrite import Builder, prune, rewrite


def squares(count: int) -> Graph:
    """x squared `count` times, and a relu of x that nothing uses."""
    build = Builder()
    x = build.input("x", (2,))
    build.put("unused", Map(Function("relu")), x)
    last = x
    for _ in range(count):
        last = build.put("square", Map(Function("square")), last, origin="body")
    nodes = [build.node(name) for name in ("x", "unused")]
    made = build.graph(last)
    return Graph((*nodes, *(each for each in made if each.name != "x")), (last,))


def as_product(made: Mapping[str, Node], node: Node) -> Sequence[Node] | None:
    """A square as a product."""
    match node.op:
        case Map(function=Function(name="square")):
            assert all(name in made for name in node.args)
            return (replace(node, op=Mul(), args=node.args * 2),)
        case _:
            return None


def test_what_no_result_needs_is_pruned() -> None:
    assert [node.name for node in prune(squares(1))] == ["x", "square"]


def test_an_input_stays_even_where_nothing_needs_it() -> None:
    build = Builder()
    build.input("spare", (1,))
    x = build.input("x", (1,))

    assert [node.name for node in build.graph(x)] == ["spare", "x"]


@given(st.integers(1, 4))
def test_a_rule_keeps_the_meaning_and_the_names(count: int) -> None:
    graph = squares(count)
    x = np.array([[0.5, -1.5], [2.0, 0.0]])

    found = rewrite(graph, as_product)

    assert found.outputs == graph.outputs
    assert all(isinstance(node.op, Mul) for node in found if node.args)
    assert all(node.origin == "body" for node in found if node.args)
    assert np.array_equal(found(x), graph(x))


def test_rewriting_leaves_the_old_graph_alone() -> None:
    graph = squares(2)
    before = graph.nodes

    rewrite(graph, as_product)

    assert graph.nodes is before
    assert all(isinstance(node.op, Map) for node in before if node.args)


def test_a_rule_that_knows_nothing_changes_nothing_but_what_is_unused() -> None:
    graph = squares(2)

    found = rewrite(graph, lambda _, __: None)

    assert found.nodes == prune(graph).nodes


def test_a_rule_may_put_several_nodes_in_the_place_of_one() -> None:
    def doubled(_: Mapping[str, Node], node: Node) -> Sequence[Node] | None:
        if not node.args:
            return None
        inner = replace(node, name=f"{node.name}_inner")
        return (inner, replace(node, op=Add(), args=(inner.name, inner.name)))

    graph = prune(squares(1))
    x = np.array([[3.0, -1.0]])

    found = rewrite(graph, doubled)

    assert [node.name for node in found] == ["x", "square_inner", "square"]
    assert np.array_equal(found(x), 2.0 * graph(x))


def test_a_taken_name_gets_a_number() -> None:
    build = Builder()

    names = [build.input("x", (1,)) for _ in range(3)]

    assert names == ["x", "x_1", "x_2"]
    assert build.fresh("y") == "y"


def test_a_builder_knows_what_it_made() -> None:
    build = Builder(prune(squares(1)).nodes)

    name = build.put("relu", Map(Function("relu")), "square", origin="act")

    assert build.type(name).shape == (2,)
    assert build.type(name).secret
    assert build.node(name).origin == "act"
    assert build.op(name) is build.node(name).op


def test_a_builder_refuses_what_has_no_type() -> None:
    build = Builder()
    x, y = build.input("x", (2,)), build.input("y", (3,))

    with pytest.raises(TypeMismatch, match=r"sum: shapes \(2,\) and \(3,\)"):
        build.put("sum", Add(), x, y)
