from __future__ import annotations

import numpy as np
import pytest

from tacit.approx.plans import Plan, Step
from tacit.arithmetics.ckks import CKKS
from tacit.arithmetics.ckks.costs import (
    diagonal_bytes,
    evaluation,
    key_file_bytes,
    key_memory_bytes,
)
from tacit.arithmetics.ckks.engine import fresh_client
from tacit.arithmetics.ckks.ops import Evaluate, LinearMap
from tacit.ir import ops
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph
from tacit.ir.rewrite import Builder
from tacit.lattigo.parameters import FRAME_BYTES
from tacit.lattigo.work import Limbs, Parts
from tacit.program import Program, lower
from tests.arithmetics.ckks import graphs

# What a set of keys has in front of them: its kind, its counts, and each rotation's step and level.
MOST_HEAD_BYTES = 64


def squared(weight: FloatArray) -> Graph:
    """The squares of a matrix times the input."""
    builder = Builder()
    name = builder.input("x", (weight.shape[1],))
    name = builder.put("layer", ops.Linear(weight, np.zeros(len(weight))), name)
    return graphs.calibrated(builder, graphs.activated(builder, name, "square"))


def turned(*offsets: int) -> FloatArray:
    """The 4 × 4 matrix that adds up cyclic shifts by these offsets, each times a weight."""
    unit = np.eye(4)
    return np.asarray(sum((n + 1.0) * np.roll(unit, n, axis=1) for n in offsets), dtype=np.float64)


@pytest.mark.parametrize(
    ("offsets", "diagonals", "rotations"), [((0,), 1, 0), ((0, 1), 2, 1), ((0, 1, 2, 3), 4, None)]
)
def test_counts_equal_those_made_by_hand(
    offsets: tuple[int, ...], diagonals: int, rotations: int | None
) -> None:
    facts = lower(squared(turned(*offsets)), CKKS()).cost.facts

    assert facts["ciphertext_products"] == 1
    # The matrix and nothing else: a square is left at the level where the answer is read.
    assert facts["plaintext_products"] == diagonals
    assert facts["rotations"] == facts["rotation_keys"]
    assert rotations is None or facts["rotations"] == rotations


def test_four_diagonals_take_two_or_three_rotations() -> None:
    rotations = lower(squared(turned(0, 1, 2, 3)), CKKS()).cost.facts["rotations"]

    # Baby steps 1, 2, 3; or babies and giants; or one diagonal each of repeated inputs and folds.
    assert rotations in {2, 3}


def test_products_of_polynomials_are_counted() -> None:
    program = lower(graphs.mlp("sigmoid"), CKKS(degree=7))
    words = [node.op for node in program.graph if isinstance(node.op, Evaluate)]

    found = program.cost.facts["ciphertext_products"]

    assert found == sum(each.approximation.stages[0].products for each in words)


def test_products_of_a_composite_are_those_of_its_plan() -> None:
    program = lower(graphs.perceptron("relu"), CKKS(error=2**-12))
    (word,) = (node.op for node in program.graph if isinstance(node.op, Evaluate))

    found = program.cost.facts["ciphertext_products"]

    assert len(word.approximation.stages) > 1
    assert found == word.approximation.plan.products


def test_an_evaluation_costs_what_its_steps_do_at_their_levels() -> None:
    known = CKKS().plan(lower(graphs.mlp("sigmoid"), CKKS(degree=3)))
    doubled_square = Step(products=((0, 0, 2),), constant=-1.0)
    two_terms = Step(terms=((0, 0.5), (1, 0.25)))
    top, below = (Limbs(limbs, len(known.parameters.p)) for limbs in (4, 3))

    found = evaluation(Plan((doubled_square, two_terms)), known, 3)

    square = top.tensor() + top.relinearise_and_rescale()
    assert found == square + Parts(multiply_accumulate=2 * below.q) + below.rescale()


def test_a_step_that_only_adds_is_counted_at_its_own_level_and_not_rescaled() -> None:
    known = CKKS().plan(lower(graphs.mlp("sigmoid"), CKKS(degree=3)))

    found = evaluation(Plan((Step(terms=((0, 2),)),)), known, 3)

    assert found == Parts(multiply_accumulate=4)


def test_relinearising_and_rescaling_at_once_takes_fewer_transforms() -> None:
    limbs = Limbs(12, 4)

    apart, together = limbs.relinearise() + limbs.rescale(), limbs.relinearise_and_rescale()

    # One transform less for each limb of both polynomials.
    assert apart.ntt - together.ntt == 2 * limbs.q


@pytest.fixture(scope="module", params=[graphs.mlp, graphs.residual])
def program(request: pytest.FixtureRequest) -> Program:
    """A small program."""
    graph: Graph = request.param()
    return lower(graph, CKKS())


def test_messages_are_as_long_as_predicted(program: Program) -> None:
    engine = program.engine()
    message = engine.client.seal(graphs.inputs(program.graph, rows=1))

    answer = engine.server.answer(message)

    assert sum(map(len, message)) == program.cost.request_bytes
    assert sum(map(len, answer)) == program.cost.answer_bytes


def test_keys_are_as_large_as_predicted(program: Program) -> None:
    known = CKKS().plan(program)
    keys = fresh_client(program.arithmetic.cut(program)[0]).evaluation_keys()

    in_file = keys.nbytes - key_file_bytes(known)

    assert keys.nbytes == len(keys.to_bytes())
    assert 0 <= in_file - FRAME_BYTES <= MOST_HEAD_BYTES
    # Lattigo keeps a few words beside every polynomial.
    assert keys.memory == pytest.approx(key_memory_bytes(known), rel=0.02)


def test_predicted_memory_holds_at_least_the_keys_and_diagonals(program: Program) -> None:
    known = CKKS().plan(program)

    held = key_memory_bytes(known) + diagonal_bytes(program.graph, known)

    assert program.cost.memory_bytes > held


def test_seconds_are_those_of_the_words(program: Program) -> None:
    found = program.cost

    by_word = found.facts["seconds_by_word"]
    assert isinstance(by_word, dict)
    working = {n.name for n in program.graph if isinstance(n.op, LinearMap | Evaluate)}
    assert working <= by_word.keys()
    assert sum(float(str(each)) for each in by_word.values()) == pytest.approx(
        found.seconds, abs=1e-4
    )
    assert found.setup_seconds > 0.0
    assert found.inputs_at_once == 1


def test_a_deeper_network_costs_more() -> None:
    cheap, dear = (lower(graphs.mlp("relu"), CKKS(degree=degree)).cost for degree in (3, 31))

    assert dear.key_bytes > cheap.key_bytes
    assert dear.memory_bytes > cheap.memory_bytes
    assert int(str(dear.facts["levels"])) > int(str(cheap.facts["levels"]))
