from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.ir import affine, ops
from tacit.ir.affine import Form
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Graph, Input, Node, Op, evaluate
from tests.networks import AFFINE, networks, rows


def value_of(form: Form, x: FloatArray) -> FloatArray:
    """(batch, entries): the form's values where its only vector holds the rows of x."""
    flat = x.reshape(len(x), -1)
    moved = [(matrix @ flat.T).T for matrix in form.terms.values()]
    return np.asarray(sum(moved, np.broadcast_to(form.shift, (len(x), form.size))))


def distance(found: FloatArray, value: FloatArray) -> float:
    """The largest difference of (batch, entries) from a value, relative to it or to one."""
    expected = np.broadcast_to(value.reshape(len(value), -1), found.shape)
    return float(np.abs(found - expected).max()) / max(1.0, float(np.abs(expected).max()))


def forms_of(graph: Graph) -> dict[str, Form | None]:
    """The form of every node in terms of the input."""
    forms: dict[str, Form | None] = {}
    for node in graph:
        forms[node.name] = form_of(node, graph, forms)
    return forms


def form_of(node: Node, graph: Graph, forms: dict[str, Form | None]) -> Form | None:
    match node.op:
        case Input():
            return affine.identity("x", node.type.size)
        case ops.Constant(value=value):
            return affine.constant(value)
        case _:
            args = [forms[name] for name in node.args]
            shapes = tuple(graph[name].type.shape for name in node.args)
            return affine.apply(node.op, tuple(each for each in args if each), shapes)


@given(networks(AFFINE))
def test_the_matrix_of_every_affine_op_does_what_it_runs(graph: Graph) -> None:
    x = rows(graph, 3)
    values: dict[str, FloatArray] = {}

    def note(node: Node, value: FloatArray) -> None:
        values[node.name] = value

    evaluate(graph, {"x": x}, watch=note)
    forms = {name: form for name, form in forms_of(graph).items() if form is not None}

    assert forms.keys() == values.keys()
    # Sums of a few hundred doubles in another order.
    assert max(distance(value_of(forms[name], x), values[name]) for name in forms) < 1e-10


SHAPES = st.sampled_from(
    [((2, 3), (3, 4)), ((1, 1), (1, 1)), ((2, 2, 3), (3, 2)), ((2, 1, 5, 3), (1, 4, 3, 2))]
)


@given(SHAPES, st.integers(0, 2**16))
def test_a_matrix_product_is_spread_multiplied_and_added_up(
    shapes: tuple[tuple[int, ...], tuple[int, ...]], seed: int
) -> None:
    random = np.random.default_rng(seed)
    a, b = (random.normal(size=shape) for shape in shapes)

    left, right, total = affine.matmul_parts(shapes)
    found = total @ ((left @ a.reshape(-1)) * (right @ b.reshape(-1)))

    assert np.allclose(found, (a @ b).reshape(-1))


@pytest.mark.parametrize(
    "op",
    [
        ops.Map(Function("relu")),
        ops.Softmax(0),
        ops.ArgMax(0),
        ops.AdaptivePool(ops.PoolKind.MAXIMUM, (1,)),
        ops.Pool(ops.PoolKind.MAXIMUM, (2,), (2,), ((0, 0),), (1,)),
    ],
)
def test_what_is_not_affine_has_no_matrix(op: Op) -> None:
    assert affine.apply(op, (affine.identity("x", 8),), ((2, 4),)) is None


@pytest.mark.parametrize("op", [ops.Mul(), ops.MatMul()])
def test_a_product_of_two_values_has_no_matrix(op: Op) -> None:
    x = affine.identity("x", 4)

    assert affine.apply(op, (x, x), ((2, 2), (2, 2))) is None


def test_forms_add_scale_and_move_as_functions_do() -> None:
    x, y = affine.identity("x", 3), affine.identity("y", 3)
    turn = affine.selection(np.array([2, -1, 0]), 3)

    found = x.scaled(2.0).plus(y).plus(x).plus(affine.constant(np.ones(3))).after(turn)

    assert found.size == 3
    assert np.array_equal(found.terms["x"].toarray() @ [1.0, 2.0, 4.0], [12.0, 0.0, 3.0])
    assert np.array_equal(found.terms["y"].toarray() @ [1.0, 2.0, 4.0], [4.0, 0.0, 1.0])
    assert np.array_equal(found.shift, [1.0, 0.0, 1.0])


@given(st.sampled_from([((), (2, 3)), ((3,), (2, 3)), ((2, 1), (2, 3)), ((1, 3), (4, 1, 3))]))
def test_a_form_broadcasts_as_its_value_does(
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
) -> None:
    shape, to = shapes
    x = np.random.default_rng(0).normal(size=shape)

    found = affine.broadcast(affine.constant(x), shape, to)

    assert np.array_equal(found.shift, np.broadcast_to(x, to).reshape(-1))
