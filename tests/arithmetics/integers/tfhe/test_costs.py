import pytest

from tacit.arithmetics.integers.tfhe import Knobs, cost, door, plan
from tacit.arithmetics.integers.tfhe.costs import look_ups, predicted_seconds
from tacit.program import Cost
from tests.arithmetics.integers.tfhe.words import product_graph, table_graph

EXACT = Knobs(2.0**-40, approximate=False, security=128)
ROUGH = Knobs(2.0**-40, approximate=True, security=128)


@pytest.fixture(autouse=True)
def _without_concrete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "installed", lambda: False)


def table_cost(high: int) -> Cost:
    graph = table_graph(0, high)
    return cost(plan(graph, EXACT), graph)


def test_a_look_up_costs_what_was_measured() -> None:
    known = plan(table_graph(0, 15), EXACT)

    # Four look-ups of 15 ms, and four weights.
    assert predicted_seconds(known) == pytest.approx(4 * 0.015, rel=0.02)


def test_wider_look_ups_cost_more_seconds() -> None:
    assert table_cost(7).seconds < table_cost(63).seconds < table_cost(255).seconds


def test_without_concrete_the_keys_come_from_the_table() -> None:
    found = table_cost(15)

    assert (found.key_bytes, found.facts["lookups"]) == (25_000_000, 4)


def test_every_bit_that_is_rounded_away_exactly_is_a_look_up() -> None:
    graph = table_graph(0, 63, dropped=3)

    assert look_ups(plan(graph, EXACT)) == {1: 12, 4: 4}
    assert look_ups(plan(graph, ROUGH)) == {4: 4}


def test_a_product_is_two_look_ups_an_entry() -> None:
    assert look_ups(plan(product_graph([-3, -3], [2, 2]), EXACT)) == {4: 4}
