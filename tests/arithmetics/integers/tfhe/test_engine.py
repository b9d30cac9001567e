"""Encrypted answers; they need concrete-python, which pins numpy < 2 and is not in the CI."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import tacit
from tacit.arithmetics.integers import EngineKind, Integers
from tacit.arithmetics.integers.ops import Decode
from tacit.arithmetics.integers.tfhe import installed
from tacit.errors import ProtocolError
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph
from tacit.program import Program
from tests.arithmetics.integers.tfhe.words import (
    chain,
    encode,
    product_graph,
    sums,
    table_graph,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not installed(), reason="concrete-python is not installed: it pins numpy < 2"
    ),
    # What concrete and its torch warn of is not ours to mend.
    pytest.mark.filterwarnings("ignore"),
]
X, Y = load_breast_cancer(return_X_y=True)
FEW = StandardScaler().fit_transform(X)[:, :6]


def tfhe(graph: Graph, *, approximate: bool = False) -> Program:
    return Program(graph, Integers(engine=EngineKind.TFHE, approximate=approximate))


def every(low: int, high: int) -> FloatArray:
    """All integers between two, four a row."""
    count = -(-(high - low + 1) // 4) * 4
    return np.resize(np.arange(low, high + 1), count).reshape(-1, 4).astype(np.float64)


def perceptron(bits: int, accumulator: int) -> Program:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPClassifier((4,), max_iter=150, random_state=0).fit(FEW, Y)
    knobs = Integers(bits=bits, accumulator=accumulator, rounding=5, engine=EngineKind.TFHE)
    return tacit.compile(model, FEW, knobs)


@pytest.mark.parametrize(("bits", "accumulator"), [(2, 6), (3, 16)])
def test_a_network_answers_as_simulated(bits: int, accumulator: int) -> None:
    program = perceptron(bits, accumulator)

    assert np.array_equal(program.engine()(FEW[:4]), program(FEW[:4]))


def test_a_decision_tree_answers_as_simulated() -> None:
    tree = DecisionTreeClassifier(max_depth=4, random_state=42).fit(X, Y)
    program = tacit.compile(tree, X, Integers(bits=4, engine=EngineKind.TFHE))

    assert np.array_equal(program.engine()(X[:4]), program(X[:4]))


def test_a_linear_model_answers_as_simulated() -> None:
    model = LogisticRegression().fit(FEW, Y)
    program = tacit.compile(model, FEW, Integers(bits=8, engine=EngineKind.TFHE))

    assert np.array_equal(program.engine()(FEW[:8]), program(FEW[:8]))


def test_every_value_of_a_proven_range_is_looked_up_right() -> None:
    program, x = tfhe(table_graph(-9, 6)), every(-9, 6)

    assert np.array_equal(program.engine()(x), program(x))


def test_sums_between_the_corners_that_were_traced_do_not_wrap() -> None:
    # Both corners of the input give 0 in the middle row, which reaches from -15 to 15.
    linear = sums([[5, -5, 0], [5, 5, 5], [0, 1, -1]], [0, -20, 0], -20, 25)
    graph = chain(encode([0] * 3, [3] * 3), linear, Decode((3,), 1.0, 0.0, -20, 25))
    program, x = tfhe(graph), np.array([[3.0, 0.0, 1.0], [0.0, 3.0, 3.0], [3.0, 3.0, 0.0]])

    assert np.array_equal(program.engine()(x), program(x))


def test_tables_that_differ_and_rounding_half_up_are_exact() -> None:
    program, x = tfhe(table_graph(-17, 20, dropped=2, tables=2)), every(-17, 20)

    assert np.array_equal(program.engine()(x), program(x))


def test_approximate_rounding_moves_only_what_is_near_a_half() -> None:
    program, x = tfhe(table_graph(-17, 43, dropped=3), approximate=True), every(-17, 43)

    moved = np.abs(program.engine()(x) - program(x))

    from_half = np.abs((x + 4.0) % 8.0)
    assert np.all(moved <= 1.0)
    # A quarter of what is dropped: concrete's noise is a fraction of that.
    assert np.all(moved[(from_half >= 2.0) & (from_half <= 6.0)] == 0.0)


def test_products_of_two_encrypted_vectors_are_exact() -> None:
    x = np.array([[-3.0, 2.0, -3.0], [1.0, 0.0, -1.0], [2.0, 2.0, 2.0]])
    program = tfhe(product_graph([-3] * 3, [2] * 3))

    assert np.array_equal(program.engine()(x), program(x))


def test_two_parties_apart_agree_and_refuse_what_is_not_theirs(tmp_path: Path) -> None:
    program, other = tfhe(table_graph(0, 3)), tfhe(table_graph(0, 6))
    arithmetic, x = program.arithmetic, every(0, 3)
    asking, answering = arithmetic.cut(program)
    fresh = arithmetic.new_client(asking)
    fresh.write_keys(tmp_path / "keys")
    keys = memoryview((tmp_path / "keys").read_bytes())
    kept = arithmetic.load_client(asking, fresh.secret())
    server = arithmetic.load_server(answering, keys)
    sealed = kept.seal(x)

    assert np.array_equal(fresh.open(server.answer(sealed), len(x)), program(x))
    assert kept.seal(x) != sealed
    with pytest.raises(ProtocolError, match="damaged"):
        server.answer([sealed[0][:-9]])
    with pytest.raises(ProtocolError, match="another circuit"):
        arithmetic.load_server(other.arithmetic.cut(other)[1], keys)
    with pytest.raises(ProtocolError, match="another circuit"):
        arithmetic.load_client(other.arithmetic.cut(other)[0], fresh.secret())


def test_the_cost_knows_the_size_of_the_keys() -> None:
    program = tfhe(table_graph(0, 3))
    client = program.arithmetic.new_client(program.arithmetic.cut(program)[0])

    written = len(client.secret())

    assert written < 100_000 < program.cost.key_bytes


def test_an_audit_names_the_licence_and_the_error() -> None:
    program = tfhe(table_graph(0, 3))
    client, server = program.arithmetic.cut(program)

    found = program.arithmetic.audit(client)

    assert found == program.arithmetic.audit(server)
    assert "patent" in str(found["licence"])
    assert found["security_bits"] == 128
