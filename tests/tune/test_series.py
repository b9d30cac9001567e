from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import chebyshev

from tacit.approx import Form
from tacit.tune import series
from tacit.tune.series import Chain, Stage, evaluate

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
    found = series.series(torch.from_numpy(t), torch.tensor(numbers).double(), is_odd=is_odd)
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


def test_gradients_in_pieces_are_those_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    x = drawn(1, (5, 7, 3, 2)).to(memory_format=torch.channels_last).requires_grad_()
    coefficients = [drawn(2 + k, (n,)).requires_grad_() for k, n in enumerate(SIZES)]
    inverse = torch.tensor(0.8, dtype=torch.float64)
    plain = CHAIN.value(x, inverse, coefficients)
    wanted = torch.autograd.grad(plain.square().sum(), [x, *coefficients])

    monkeypatch.setattr(series, "PIECE", 16)
    pieces = evaluate(CHAIN, x, inverse, coefficients)
    found = torch.autograd.grad(pieces.square().sum(), [x, *coefficients])

    torch.testing.assert_close(pieces, plain)
    torch.testing.assert_close(found, wanted)


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
