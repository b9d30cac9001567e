from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tacit.arithmetics.integers import bgv
from tacit.arithmetics.integers.bgv.packing import schedules
from tacit.arithmetics.integers.bgv.plan import at_level, plan_of
from tacit.arithmetics.integers.ops import Decode, Encode, Sums
from tacit.errors import InsecureParameters, ProtocolError
from tacit.ir.graph import Input
from tacit.lattigo import security
from tacit.program import Half, Json, Program, lower
from tests.arithmetics.integers import graphs
from tests.arithmetics.integers.bgv import scene
from tests.arithmetics.integers.graphs import BGV, ENCRYPTED, sums


def halves(program: Program) -> tuple[Half, Half]:
    """What each party gets."""
    return bgv.cut(program.graph, scene.plan_of(program))


def changed(half: Half, **facts: Json) -> Half:
    """The half with other facts."""
    return replace(half, facts={**half.facts, **facts})


@pytest.mark.parametrize("bits", [128, 192, 256])
@pytest.mark.parametrize("name", ["linear", "look-up", "scores"])
def test_parameters_are_as_secure_as_asked_for(name: str, bits: int) -> None:
    found = scene.plan_of(lower(ENCRYPTED[name](), replace(BGV, security=bits))).parameters

    row = security.check(bits, found.log_n, found.q, found.p)
    assert security.log_qp(found.q, found.p) <= row.limit


@pytest.mark.parametrize("batch", [1, 2, 8, 2048])
def test_as_many_inputs_share_a_ciphertext_as_are_asked_for(batch: int) -> None:
    found = scene.plan_of(lower(graphs.linear(), replace(BGV, batch=batch)))

    assert found.batch == batch
    assert found.turns == max(1, batch // 2)


def test_as_many_as_fit_share_a_ciphertext_unless_it_is_said() -> None:
    program = lower(graphs.linear(), BGV)
    found = scene.plan_of(program)
    (word,) = sums(program.graph)

    assert word.layout is not None
    assert found.batch * word.layout.slots == found.parameters.slots


@pytest.mark.parametrize("name", ENCRYPTED)
def test_keys_are_those_of_the_rotations_at_their_levels(name: str) -> None:
    program = lower(ENCRYPTED[name](), BGV)
    found = scene.plan_of(program)

    wanted: dict[int, int] = {}
    for node in program.graph:
        if isinstance(node.op, Sums):
            steps = {turn * found.turns for each in schedules(node.op) for turn in each.rotations}
            level = at_level(found, node)
            wanted |= {step: max(level, wanted.get(step, 0)) for step in steps}
    assert found.rotations == wanted
    assert (found.relinearisation is None) == (name in {"linear", "stumps"})


def test_a_plan_survives_its_facts() -> None:
    program = lower(graphs.residual(), BGV)
    plan = scene.plan_of(program)

    for half in halves(program):
        found = plan_of(half)
        assert found.parameters == plan.parameters
        assert found.rotations == plan.rotations
        assert found.levels == {node.name: plan.levels[node.name] for node in half.graph}


def test_the_clients_half_holds_no_weights_and_the_servers_no_grid() -> None:
    asking, answering = halves(lower(graphs.residual(), BGV))

    ends = (Encode, Decode)
    assert all(isinstance(node.op, Input | Encode | Decode) for node in asking.graph)
    assert not any(isinstance(node.op, ends) for node in answering.graph)
    assert {node.name for node in answering.graph.inputs} == {"x_encoded"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"log_n": "14"},
        {"q": ["x"]},
        {"q": [True]},
        {"rotations": [[1]]},
        {"rotations": [1]},
        {"batch": 0},
        {"relinearisation": 0.5},
        {"levels": {}},
        {"surprise": 1},
    ],
)
def test_facts_that_are_none_are_refused(wrong: dict[str, Json]) -> None:
    (half, _) = halves(lower(graphs.linear(), BGV))

    with pytest.raises(ProtocolError, match="set-up"):
        plan_of(changed(half, **wrong))


def test_a_missing_fact_is_refused() -> None:
    (half, _) = halves(lower(graphs.linear(), BGV))
    facts = {name: value for name, value in half.facts.items() if name != "batch"}

    with pytest.raises(ProtocolError, match="set-up lacks facts"):
        plan_of(replace(half, facts=facts))


def test_parameters_that_were_made_weaker_are_refused() -> None:
    (half, _) = halves(lower(graphs.perceptron(), BGV))

    with pytest.raises(InsecureParameters):
        plan_of(changed(half, security=256))


def test_an_audit_gives_the_tables_row_and_the_keys() -> None:
    program = lower(graphs.perceptron(), BGV)
    plan = scene.plan_of(program)

    found = bgv.audit(halves(program)[1])

    assert found["exact"] is True
    assert found["security_bits"] == 128
    assert found["rotation_keys"] == len(plan.rotations)
    assert float(str(found["log2_qp"])) <= float(str(found["log2_qp_limit"]))
    assert found["inputs_in_a_ciphertext"] == plan.batch


def test_a_prime_holds_all_that_is_told_apart() -> None:
    program = lower(graphs.linear(), replace(BGV, bits=8))
    (word,) = sums(program.graph)

    assert scene.plan_of(program).modulus > word.high - word.low
    assert np.log2(scene.plan_of(program).modulus) < 24
