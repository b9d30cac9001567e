from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from tacit.arithmetics.integers import Search
from tacit.arithmetics.integers.accumulators import box, chains
from tacit.arithmetics.integers.forms import Bent, singles, weighted
from tacit.arithmetics.integers.ops import Lookup
from tacit.arithmetics.integers.settings import Kind
from tacit.arithmetics.integers.words import Whole, sums, tabled, whole
from tacit.errors import LoweringError, WidthExceeded
from tacit.ir import ops
from tacit.ir.affine import Form, Matrix
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Node, Op, Range, Type
from tests.arithmetics.integers.graphs import FINE, grid

seeds = st.integers(0, 1 << 16)
FOUR = replace(FINE, bits=dict.fromkeys(Kind, 4))


def node(shape: tuple[int, ...] = (3,), low: float = -4.0, high: float = 4.0) -> Node:
    """A layer."""
    return Node("layer", ops.Reshape(shape), (), Type(shape, Range(low, high)), "body.0")


def form(weights: FloatArray, shift: FloatArray | None = None) -> Form:
    """A matrix on one vector v."""
    zeros = np.zeros(len(weights))
    return Form({"v": Matrix(sparse.csr_array(weights))}, zeros if shift is None else shift)


def reals(seed: int) -> FloatArray:
    """A 3 × 4 matrix."""
    return np.random.default_rng(seed).normal(size=(3, 4))


V = {"v": box(np.zeros(4), np.full(4, 7.0))}


def distances(found: Whole, weights: FloatArray) -> FloatArray:
    """How far every weight was moved, in steps."""
    matrix = found.terms["v"].toarray()
    moved: FloatArray = np.abs(matrix - weights / np.broadcast_to(found.step, 3)[:, None])
    return moved


@given(seeds, st.sampled_from([{}, {"per_channel": True}, {"power_of_two": True}]))
def test_weights_are_the_nearest_integers_of_their_bits(seed: int, knobs: dict[str, Any]) -> None:
    weights = reals(seed)

    found = whole(form(weights), V, node(), replace(FOUR, **knobs))

    assert distances(found, weights).max() <= 0.5 + 1e-9
    assert max(np.abs(each.data).max() for each in found.terms.values()) <= 7
    assert found.step.size == (3 if "per_channel" in knobs else 1)


@given(seeds)
def test_a_scale_of_least_squares_is_never_worse(seed: int) -> None:
    weights = reals(seed)

    plain, best = (
        whole(form(weights), V, node(), replace(FOUR, search=search)) for search in Search
    )

    assert np.sum((distances(best, weights) * best.step) ** 2) <= np.sum(
        (distances(plain, weights) * plain.step) ** 2
    ) * (1.0 + 1e-9)


@given(seeds)
def test_weights_on_a_lattice_stay_as_they_are(seed: int) -> None:
    integers = np.asarray(
        np.random.default_rng(seed).integers(-20, 21, size=(3, 4)) | 1, np.float64
    )

    found = whole(form(integers * 0.1), V, node(), FOUR)

    assert np.allclose(found.terms["v"].toarray() * found.step[0], integers * 0.1, rtol=1e-6)


def test_a_lattice_that_is_too_wide_is_given_up_for_the_bits_asked_for() -> None:
    weights = np.array([[1.0, 999.0, 500.0, 0.0]] * 3)

    wide, narrow = (
        whole(form(weights), V, node(), replace(FOUR, accumulator=limit)) for limit in (24, 8)
    )

    assert wide.step.tolist() == [1.0]
    assert narrow.step.tolist() == [999.0 / 7]


def test_fractions_that_biases_have_in_common_are_kept_apart() -> None:
    found = whole(form(np.eye(3, 4), np.array([0.25, 1.25, -1.75])), V, node(), FOUR)

    assert found.bias.tolist() == [0.0, 1.0, -2.0]
    assert found.rest == pytest.approx(0.25)


def test_other_biases_are_rounded() -> None:
    found = whole(form(np.eye(3, 4), np.array([0.25, 1.4, -1.75])), V, node(), FOUR)

    assert found.bias.tolist() == [0.0, 1.0, -2.0]
    assert found.rest == 0.0


def test_a_vector_that_varies_more_has_finer_weights() -> None:
    # 64 integers whose weights are a hundredth of that of one step.
    terms = {"v": Matrix(sparse.csr_array([[0.0123]])), "s": Matrix(sparse.csr_array([[1.0]]))}
    reaches = {"v": box(np.zeros(1), np.full(1, 63.0)), "s": chains(np.zeros(1, dtype=np.int64))}

    found = whole(Form(terms, np.zeros(1)), reaches, node((1,)), FOUR)

    # Half a step of what 63 of it may be off by, as much as one step's weight.
    half = 0.5 / 7 / 63
    assert found.terms["v"].data[0] * found.step[0] == pytest.approx(0.0123, abs=half)


def test_too_wide_an_accumulator_names_the_layer_and_its_bits() -> None:
    with pytest.raises(WidthExceeded, match=r"layer \(body.0\) needs accumulators of 7 bits; 6"):
        whole(form(reals(3)), V, node(), replace(FOUR, accumulator=6))


def test_sums_have_the_tensors_shape_if_they_are_as_many() -> None:
    found = whole(form(reals(0)), V, node(), FOUR)

    assert sums(found, (3, 1)).of == (3, 1)
    assert sums(found, (7,)).of == (3,)


def looked_up(*functions: Op, seen: Node | None = None, rounding: int | None = None) -> Lookup:
    """The table of functions of integers from 0 to 7, each a half, behind one another."""
    rows = form(np.eye(3, 4) * 0.5)
    layer = seen or node()
    found = whole(rows, V, layer, FOUR)
    return tabled(Bent(rows, functions, layer), found, layer, replace(FOUR, rounding=rounding)).word


def test_a_table_has_the_functions_values_on_the_grid_of_the_range() -> None:
    word = looked_up(ops.Map(Function("exp")), seen=node(high=15.0))

    values = np.exp(np.arange(8) * 0.5)
    assert word.stands_for == "exp"
    # From the least value on, clipped at what was seen.
    assert word.tables.tolist() == [np.rint((np.minimum(values, 15.0) - 1.0) * 15 / 14).tolist()]


def test_values_that_are_on_a_grid_anyway_keep_it() -> None:
    word = looked_up(ops.Map(Function("relu")))

    assert word.tables.tolist() == [list(range(8))]


def test_the_models_own_grid_is_kept_in_the_end_and_on_the_way() -> None:
    coarse = grid(2.0, 1, 0, 3)

    last = looked_up(ops.Map(Function("exp")), coarse)
    between = looked_up(ops.Map(Function("relu")), coarse, ops.Map(Function("abs")))

    points = np.arange(8) * 0.5
    assert last.tables.tolist() == [np.clip(np.rint(np.exp(points) / 2.0 + 1.0), 0, 3).tolist()]
    assert between.tables.tolist() == [(np.clip(np.rint(points / 2.0 + 1.0), 0, 3) - 1.0).tolist()]


def test_rounded_tables_have_an_entry_for_every_rounded_sum() -> None:
    word = looked_up(ops.Map(Function("relu")), rounding=2)

    assert (word.dropped, word.low, word.entries) == (1, 0, 5)
    assert word.run(np.arange(8.0)[None, :3]).tolist() == [[0.0, 1.0, 1.0]]


def test_what_is_not_finite_is_refused_without_a_warning() -> None:
    with pytest.raises(LoweringError, match=r"layer \(body.0\): log is not finite"):
        looked_up(ops.Map(Function("log")))


def test_single_entries_are_found_and_the_form_is_left_alone() -> None:
    matrix = Matrix(([2.0, 0.0, 3.0], [1, 0, 0], [0, 2, 3, 3]), shape=(3, 2))

    found = singles(Form({"v": matrix}, np.zeros(3)), "v")

    assert found is not None
    assert [each.tolist() for each in found] == [[1, 0, 0], [2.0, 3.0, 0.0]]
    assert matrix.data.tolist() == [2.0, 0.0, 3.0]
    assert matrix.indptr.tolist() == [0, 2, 3, 3]


@pytest.mark.parametrize("name", ["v", "w"])
def test_what_depends_on_several_entries_or_vectors_is_no_single_entry(name: str) -> None:
    assert singles(form(np.array([[1.0, 2.0]])), name) is None


def test_vectors_of_which_nothing_is_taken_are_dropped() -> None:
    assert not weighted(form(np.zeros((2, 3)))).terms
