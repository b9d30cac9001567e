from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tacit.arithmetics.ckks import CKKS
from tacit.arithmetics.ckks.ops import Evaluate
from tacit.errors import InsecureParameters, LoweringError, TypeMismatch
from tacit.program import Program, lower
from tests.arithmetics.ckks import graphs


@pytest.mark.parametrize("error", [0.0, -0.1, 1.0, float("nan"), float("inf")])
def test_an_error_that_is_no_share_of_one_is_refused(error: float) -> None:
    with pytest.raises(TypeMismatch, match=r"error .* is not between 0 and 1"):
        CKKS(error=error)


@pytest.mark.parametrize("degree", [0, -3])
def test_a_degree_below_one_is_refused(degree: int) -> None:
    with pytest.raises(TypeMismatch, match=f"degree {degree} is below 1"):
        CKKS(degree=degree)


@pytest.mark.parametrize("precision", [3, 41, -1])
def test_a_precision_that_no_scale_has_is_refused(precision: int) -> None:
    with pytest.raises(TypeMismatch, match=f"precision {precision} is not between 4 and 34"):
        CKKS(precision=precision)


@pytest.mark.parametrize("batch", [0, -2, 3, 12])
def test_a_batch_that_is_no_power_of_two_is_refused(batch: int) -> None:
    with pytest.raises(TypeMismatch, match=f"batch {batch} is not a power of two"):
        CKKS(batch=batch)


@pytest.mark.parametrize("margin", [-0.1, 10.5, float("nan")])
def test_a_margin_that_narrows_or_dwarfs_the_range_is_refused(margin: float) -> None:
    with pytest.raises(TypeMismatch, match=r"margin .* is not between 0 and 10"):
        CKKS(margin=margin)


def test_a_security_level_that_no_table_has_is_refused_with_those_that_one_has() -> None:
    with pytest.raises(InsecureParameters, match=r"no table gives 100 bits.*128, 192"):
        lower(graphs.mlp(), CKKS(security=100))


def test_more_inputs_than_slots_are_refused_with_both_figures() -> None:
    with pytest.raises(LoweringError, match=r"16384 inputs do not fit into 8192 slots"):
        lower(graphs.mlp(), CKKS(batch=16384))


def test_knobs_are_one_value_that_is_checked_again_when_it_is_replaced() -> None:
    assert replace(CKKS(), batch=4) == CKKS(batch=4)
    with pytest.raises(TypeMismatch, match="batch 5"):
        replace(CKKS(), batch=5)


def test_a_higher_security_takes_a_larger_ring_or_a_smaller_modulus() -> None:
    usual, more = (lower(graphs.mlp(), CKKS(security=bits)) for bits in (128, 192))

    first, second = CKKS().plan(usual), CKKS(security=192).plan(more)

    assert (second.parameters.log_n, -len(second.parameters.q)) >= (
        first.parameters.log_n,
        -len(first.parameters.q),
    )
    assert second.security == 192


def test_more_precision_gives_a_simulation_with_less_noise() -> None:
    graph = graphs.mlp()
    x = graphs.inputs(graph)
    programs = [lower(graph, CKKS(precision=bits)) for bits in (10, 24)]

    coarse, fine = (np.std(each(x, noise=np.random.default_rng(1)) - each(x)) for each in programs)

    assert fine < coarse / 2


def ends(program: Program) -> list[float]:
    """The upper ends of the intervals on which activations are approximated."""
    return [node.op.high for node in program.graph if isinstance(node.op, Evaluate)]


def test_a_wider_margin_makes_wider_intervals() -> None:
    graph = graphs.mlp("relu")
    narrow, wide = (lower(graph, CKKS(degree=7, margin=margin)) for margin in (0.0, 1.0))

    pairs = zip(ends(narrow), ends(wide), strict=True)

    assert all(far > near for near, far in pairs)
