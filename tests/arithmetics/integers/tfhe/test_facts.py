from dataclasses import replace

import pytest

from tacit.arithmetics.integers.tfhe import Knobs, Plan, plan
from tacit.arithmetics.integers.tfhe.plan import (
    Opening,
    client_facts,
    opening_of,
    plan_of,
    server_facts,
)
from tacit.errors import InsecureParameters, ProtocolError
from tacit.ir.graph import Graph, Place
from tacit.passes.cut import side
from tacit.program import Half, Json
from tests.arithmetics.integers.tfhe.words import table_graph

KNOBS = Knobs(2.0**-40, approximate=False, security=128)
CIRCUIT = bytes(range(32))


@pytest.fixture
def graph() -> Graph:
    return table_graph(-3, 4)


@pytest.fixture
def known(graph: Graph) -> Plan:
    return plan(graph, KNOBS)


def test_a_servers_facts_give_its_plan_again(known: Plan) -> None:
    found, circuit = plan_of(Half(known.graph, server_facts(known, CIRCUIT)))

    assert (found, circuit) == (known, CIRCUIT)


def test_a_clients_facts_give_its_opening_again(graph: Graph) -> None:
    opening = Opening("{}", ("word_0",), {"word_2": -5}, KNOBS)

    assert opening_of(Half(side(graph, Place.CLIENT), client_facts(opening))) == opening


@pytest.mark.parametrize(
    "change",
    [
        {"engine": "bgv"},
        {"error": 2.0},
        {"error": 1},
        {"unknown": 1},
        {"circuit": "no digest"},
        {"inputs": {}},
        {"inputs": {"word_0": {"low": [0], "high": [1]}}},
        {"inputs": {"word_0": {"low": [1] * 4, "high": [0] * 4}}},
        {"inputs": {"word_0": {"low": [True] * 4, "high": [1] * 4}}},
        {"inputs": {"word_0": {"low": [1 << 70] * 4, "high": [1 << 70] * 4}}},
    ],
)
def test_a_servers_other_facts_are_refused(known: Plan, change: dict[str, Json]) -> None:
    facts = server_facts(known, CIRCUIT) | change

    with pytest.raises(ProtocolError):
        plan_of(Half(known.graph, facts))


@pytest.mark.parametrize(
    "change",
    [
        {"specification": 3},
        {"inputs": []},
        {"inputs": ["nobody"]},
        {"outputs": [["nobody", 1]]},
        {"outputs": [["word_2"]]},
        {"security": 1.5},
    ],
)
def test_a_clients_other_facts_are_refused(graph: Graph, change: dict[str, Json]) -> None:
    facts = client_facts(Opening("{}", ("word_0",), {"word_2": -5}, KNOBS)) | change

    with pytest.raises(ProtocolError):
        opening_of(Half(side(graph, Place.CLIENT), facts))


def test_security_that_concrete_has_no_curve_for_is_refused(graph: Graph) -> None:
    with pytest.raises(InsecureParameters, match="192"):
        plan(graph, replace(KNOBS, security=192))


def test_plans_of_other_weights_are_told_apart(known: Plan) -> None:
    assert known.digest != plan(table_graph(-3, 5), KNOBS).digest


def test_plans_of_the_same_graph_are_equal(known: Plan) -> None:
    again = plan(table_graph(-3, 4), KNOBS)

    assert (again, hash(again)) == (known, hash(known))
