from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tacit.arithmetics.ckks import CKKS
from tacit.arithmetics.ckks.engine import Client, fresh_client
from tacit.arithmetics.ckks.ops import Evaluate, LinearMap, Product
from tacit.arithmetics.ckks.plan import Plan, at_level, plan_of
from tacit.arithmetics.ckks.server import Server
from tacit.errors import EngineError, InsecureParameters, ProtocolError
from tacit.ir.graph import Graph
from tacit.program import Half, Program, lower
from tests.arithmetics.ckks import graphs
from tests.networks import networks, rows


def parties(program: Program, rotations: dict[int, int]) -> tuple[Client, Server]:
    """A client and a server that has keys for these rotations only."""
    known = CKKS().plan(program)
    client_half, server_half = program.arithmetic.cut(program)
    asking = fresh_client(client_half)
    keys = asking.context.evaluation_keys(
        asking.context.load_secret_key(asking.secret()),
        relinearisation_level=known.relinearisation,
        rotations=rotations,
    )
    return asking, Server(server_half.graph, known, asking.context, keys)


def test_every_rotation_of_the_plan_is_used_and_no_other_is() -> None:
    program = lower(graphs.residual(), CKKS())
    rotations = dict(CKKS().plan(program).rotations)
    x = graphs.inputs(program.graph, rows=1)
    asking, answering = parties(program, rotations)

    assert np.abs(asking.open(answering.answer(asking.seal(x)), 1) - program(x)).max() < 1e-2


@pytest.mark.parametrize("number", [0, -1])
def test_a_server_without_one_of_the_plans_rotations_cannot_answer(number: int) -> None:
    program = lower(graphs.mlp(), CKKS())
    rotations = dict(CKKS().plan(program).rotations)
    missing = list(rotations)[number]
    del rotations[missing]
    asking, answering = parties(program, rotations)

    with pytest.raises(EngineError):
        answering.answer(asking.seal(np.zeros((1, 12))))


@given(networks(), st.sampled_from([1, 64]))
def test_every_rotation_has_a_key_at_the_highest_level_at_which_it_is_used(
    graph: Graph, batch: int
) -> None:
    arithmetic = CKKS(batch=batch)
    program = lower(graph, arithmetic)
    known = arithmetic.plan(program)
    used = {
        (step * batch, at_level(known, node))
        for node in program.graph
        if isinstance(node.op, LinearMap)
        for each in node.op.schedules
        for step in each.rotations
    }

    assert all(0 < step < known.parameters.slots for step in known.rotations)
    assert set(known.rotations) == {step for step, _ in used}
    assert set(known.rotations.items()) <= used
    assert all(level <= known.rotations[step] for step, level in used)


@given(networks())
def test_a_key_for_products_is_made_only_where_there_are_products(graph: Graph) -> None:
    program = lower(graph, CKKS())
    known = CKKS().plan(program)

    products = [n for n in program.graph if isinstance(n.op, Product | Evaluate)]

    at = [at_level(known, node) for node in products]
    assert known.relinearisation == (max(at) if at else None)


@given(networks(), st.sampled_from([1, 64]))
def test_both_halves_carry_the_whole_plan(graph: Graph, batch: int) -> None:
    program = lower(graph, CKKS(batch=batch))
    known = CKKS(batch=batch).plan(program)

    for_client, for_server = (plan_of(half) for half in program.arithmetic.cut(program))

    assert for_client.parameters == for_server.parameters == known.parameters
    assert for_client.rotations == for_server.rotations == known.rotations
    assert {**for_client.levels, **for_server.levels} == known.levels
    assert {**for_client.scales, **for_server.scales} == known.scales


@given(networks())
def test_a_value_never_outgrows_the_modulus_at_its_level(graph: Graph) -> None:
    program = lower(graph, CKKS())
    known = CKKS().plan(program)

    assert all(room(known, node.name) >= 2.0 for node in program.graph)


def room(known: Plan, name: str) -> float:
    """By how many bits the modulus at a word's level is larger than the word's scale."""
    moduli = known.parameters.q[: known.levels[name] + 1]
    return float(np.sum(np.log2(moduli)) - np.log2(known.scales[name]))


def facts(**changed: Any) -> Half:
    """A client's half whose facts were tampered with."""
    program = lower(graphs.mlp(), CKKS())
    client, _ = program.arithmetic.cut(program)
    return Half(client.graph, {**client.facts, **changed})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"q": ["1"]}, "where a number belongs"),
        ({"q": [True]}, "where a number belongs"),
        ({"levels": {"x": 1.5}}, "where a number belongs"),
        ({"scales": {"x": 0.5}}, "where a scale belongs"),
        ({"scales": {"x": float("inf")}}, "where a scale belongs"),
        ({"rotations": [[1, 2, 3]]}, "without its level"),
        ({"ring": "TOY"}, "damaged"),
        ({"batch": "1"}, "lacks facts"),
    ],
)
def test_facts_that_are_none_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        plan_of(facts(**changed))


def test_a_bundle_cannot_talk_a_client_into_weak_parameters() -> None:
    with pytest.raises(InsecureParameters, match="allow"):
        plan_of(facts(log_n=12))
    with pytest.raises(InsecureParameters, match="no table"):
        plan_of(facts(security=1))


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(networks(), st.sampled_from([1, 2, 64, 2048, 4096]))
def test_the_engine_answers_what_is_simulated_for_any_network(graph: Graph, batch: int) -> None:
    program = lower(graph, CKKS(batch=batch))
    x = rows(graph, 3)

    answer = program.engine()(x)

    noisy = program(x, noise=np.random.default_rng(0))
    # Twelve deviations: the noise of an entry is not the average of all.
    assert np.abs(answer - program(x)).max() < 12 * max(1e-4, float(np.std(noisy - program(x))))
