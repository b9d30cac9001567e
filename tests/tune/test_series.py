from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import chebyshev

from tacit.approx import Form
from tacit.tune import kernels
from tacit.tune.series import Chain, Stage, evaluate, series

FORM = Form("any", constant=0.25, step=0.5, slope=0.75, bend=1.5)
CHAIN = Chain((Stage(1.0, is_odd=True), Stage(1.3, is_odd=True), Stage(1.1, is_odd=False)), FORM)
SIZES = (3, 2, 4)


def drawn(seed: int, shape: tuple[int, ...]) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=draw, dtype=torch.float64) * 2.0 - 1.0


@given(numbers=st.lists(st.floats(-2, 2), min_size=1, max_size=16), is_odd=st.booleans())
@settings(deadline=None, max_examples=50)
def test_a_series_is_numpys_chebyshev_series(*, numbers: list[float], is_odd: bool) -> None:
    t = np.linspace(-1.2, 1.2, 31)
    whole = np.zeros(2 * len(numbers))
    whole[1::2] = numbers
    wanted = chebyshev.chebval(t, whole if is_odd else np.array(numbers))
    found = series(torch.from_numpy(t), torch.tensor(numbers).double(), is_odd=is_odd)
    # float32 coefficients are exact in double only to 2**-24 of each, and T_31(1.2) is below 3e8.
    wanted_size = 1.0 + np.abs(chebyshev.chebval(1.2, np.ones(2 * len(numbers))))
    assert np.abs(found.numpy() - wanted).max() <= 4.0 * 2.0**-24 * wanted_size


def test_gradients_are_those_of_finite_differences() -> None:
    x = drawn(1, (2, 3, 4)).requires_grad_()
    coefficients = [drawn(2 + k, (n,)).requires_grad_() for k, n in enumerate(SIZES)]
    inverse = torch.tensor(0.8, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda x, *c: evaluate(CHAIN, x, inverse, c), (x, *coefficients)
    )


@pytest.mark.parametrize("count", [1, kernels.BLOCK, 3 * kernels.BLOCK + 7])
@pytest.mark.parametrize("limit", [math.inf, 0.7])
def test_kernels_compute_what_plain_operations_do(count: int, limit: float) -> None:
    x = drawn(1, (count,)).requires_grad_()
    coefficients = [drawn(2 + k, (n,)).requires_grad_() for k, n in enumerate(SIZES)]
    inverse = torch.tensor(0.8, dtype=torch.float64)
    plain = CHAIN.value(x, inverse, coefficients, limit)
    wanted = torch.autograd.grad(plain.square().sum(), [x, *coefficients])
    fused = evaluate(CHAIN, x, inverse, coefficients, limit)
    found = torch.autograd.grad(fused.square().sum(), [x, *coefficients])
    torch.testing.assert_close(fused, plain)
    torch.testing.assert_close(found, wanted)


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    count = 4 * kernels.LEAST_A_THREAD + 5
    x, outer = drawn(1, (count,)).numpy(), drawn(2, (count,)).numpy()
    coefficients = np.array([1.5, -0.5, 0.1])
    chain = kernels.Flat(
        np.float64(0.3),
        np.float64(1.0),
        coefficients,
        np.array([0, 3]),
        np.array([1.0]),
        np.array([True]),
        np.array([0.0, 0.0, 0.5, 0.5]),
    )
    alone, together = (kernels.gradients(x, outer, chain, threads) for threads in (1, 3))
    np.testing.assert_array_equal(alone[0], together[0])
    np.testing.assert_array_equal(alone[1], together[1])
    np.testing.assert_array_equal(kernels.values(x, chain, 1), kernels.values(x, chain, 3))


def test_a_view_with_gaps_and_an_expanded_gradient_are_taken() -> None:
    whole = drawn(1, (6, 8)).requires_grad_()
    coefficients = [drawn(2 + k, (n,)) for k, n in enumerate(SIZES)]
    inverse = torch.tensor(1.0, dtype=torch.float64)
    found = torch.autograd.grad(evaluate(CHAIN, whole[:, ::2], inverse, coefficients).sum(), whole)
    wanted = torch.autograd.grad(CHAIN.value(whole[:, ::2], inverse, coefficients).sum(), whole)
    torch.testing.assert_close(found, wanted)


def test_linearised_derivatives_are_autograds() -> None:
    x = drawn(1, (9,)).requires_grad_()
    coefficients = [drawn(2 + k, (n,)).requires_grad_() for k, n in enumerate(SIZES)]
    inverse = torch.tensor(0.8, dtype=torch.float64)
    value, rise, rows = CHAIN.linearised(x, inverse, coefficients)
    plain = CHAIN.value(x, inverse, coefficients)
    by_x, *by_each = torch.autograd.grad(plain.sum(), [x, *coefficients])
    torch.testing.assert_close(value, plain)
    torch.testing.assert_close(rise, by_x)
    torch.testing.assert_close(rows.sum(1), torch.cat(by_each))


def test_nothing_is_something_too() -> None:
    coefficients = [drawn(2 + k, (n,)) for k, n in enumerate(SIZES)]
    found = evaluate(CHAIN, torch.empty(0, 3), torch.tensor(1.0), coefficients)
    assert found.shape == (0, 3)
