from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.arithmetics.ckks import CKKS
from tacit.arithmetics.ckks.levels import (
    LARGEST_LOG_N,
    MOST_PRECISION,
    SMALLEST_LOG_N,
    Demand,
    choose,
    depth,
    least_scale_bits,
    levels,
    takes,
)
from tacit.errors import DepthExceeded, InsecureParameters
from tacit.ir.graph import Graph
from tacit.lattigo import Parameters, Ring, security
from tacit.program import lower
from tests.arithmetics.ckks import graphs
from tests.networks import networks

RINGS = st.sampled_from([Ring.CONJUGATE_INVARIANT, Ring.STANDARD])


def found_for(demand: Demand) -> Parameters | None:
    """The parameters, or None where the network is too deep for them."""
    try:
        return choose(demand)
    except DepthExceeded:
        return None


def is_allowed(demand: Demand, found: Parameters) -> bool:
    """Whether a table's row has room for the parameters; raises InsecureParameters where not."""
    row = security.check(demand.security, found.log_n, found.q, found.p)
    return (row.security, row.log_n) == (demand.security, found.log_n)


@st.composite
def demands(draw: st.DrawFn) -> Demand:
    bits = draw(st.sampled_from([128, 192]))
    return Demand(draw(st.integers(0, 60)), draw(st.integers(4, MOST_PRECISION)), bits, draw(RINGS))


@given(demands())
def test_parameters_that_are_chosen_are_secure_and_have_what_was_asked_for(demand: Demand) -> None:
    found = found_for(demand)

    assert found is None or is_allowed(demand, found)
    assert found is None or found.max_level == demand.depth
    assert found is None or found.log_scale >= least_scale_bits(demand.precision, found.log_n)
    assert found is None or len({*found.q, *found.p}) == len(found.q) + len(found.p)


@given(demands())
def test_no_smaller_ring_would_do(demand: Demand) -> None:
    """A ring one step smaller holds no chain of primes at the least scale."""
    found = found_for(demand)
    smaller = SMALLEST_LOG_N - 1 if found is None else found.log_n - 1
    limits = security.row(demand.security, smaller)
    least = least_scale_bits(demand.precision, smaller) * (demand.depth + 2)

    # The primes' sum is all of the modulus but the headroom of the lowest and of the special one.
    fits = smaller >= SMALLEST_LOG_N and limits is not None and least + 15 <= limits.limit
    assert not fits


@given(demands())
def test_only_the_largest_ring_says_that_a_network_is_too_deep(demand: Demand) -> None:
    found = found_for(demand)
    limits = [security.row(demand.security, log_n) for log_n in range(LARGEST_LOG_N, 11, -1)]
    limit, log_n = next((row.limit, row.log_n) for row in limits if row is not None)
    least = least_scale_bits(demand.precision, log_n) * (demand.depth + 2)

    # Bits of slack: the headroom, and primes that are not quite powers of two.
    assert (found is None) == (least + 14 > limit) or abs(least + 14 - limit) <= 1


@given(st.integers(14, MOST_PRECISION), st.sampled_from([128, 192]))
def test_the_depth_that_a_refusal_names_is_the_one_that_can_be_had(
    precision: int, bits: int
) -> None:
    ring = Ring.CONJUGATE_INVARIANT
    with pytest.raises(DepthExceeded, match="needs 99 levels; the largest ring") as refused:
        choose(Demand(99, precision, bits, ring))
    named = re.search(r"has (\d+) at", refused.value.message)
    assert named is not None
    most = int(named[1])

    assert choose(Demand(most, precision, bits, ring)).max_level == most
    assert found_for(Demand(most + 1, precision, bits, ring)) is None


def test_a_refusal_says_what_to_change() -> None:
    with pytest.raises(DepthExceeded, match="fewer activations"):
        choose(Demand(80, 14, 128, Ring.CONJUGATE_INVARIANT))


def test_an_unknown_security_level_is_no_question_of_depth() -> None:
    with pytest.raises(InsecureParameters, match="no table gives 512 bits"):
        choose(Demand(1, 14, 512, Ring.CONJUGATE_INVARIANT))


@given(networks())
def test_every_word_gets_its_arguments_at_a_level_from_which_it_can_go_down(graph: Graph) -> None:
    words = lower(graph, CKKS()).graph

    found = levels(words)

    assert min(found.values()) >= 0
    assert all(
        found[name] >= found[node.name] + takes(node.op) for node in words for name in node.args
    )
    assert depth(words) == max(found.values())


def test_the_last_linear_map_takes_no_level() -> None:
    builder_free = lower(graphs.mlp(), CKKS()).graph

    # Two squares of a linear map each; the answer is not rescaled, so it stays above the lowest.
    assert depth(builder_free) == 5
    assert levels(builder_free)["dense3_linear"] == 1
