from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tacit.tune.qat.grids import at_rest, fake_quantise, gradient_factor, starting_step

GRIDS = st.tuples(st.integers(-8, 0), st.integers(1, 15))


def drawn(seed: int, *shape: int) -> Tensor:
    return 3.0 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=30, deadline=None)
@given(ends=GRIDS, seed=st.integers(0, 1000), step=st.floats(0.05, 2.0))
def test_values_are_the_nearest_points(ends: tuple[int, int], seed: int, step: float) -> None:
    x = drawn(seed, 40)
    found = fake_quantise(x, torch.tensor(step), *ends)
    points = step * torch.arange(ends[0], ends[1] + 1)
    nearest = (x[:, None] - points).abs().min(1).values
    torch.testing.assert_close((found - x).abs(), nearest, atol=1e-5, rtol=1e-5)


@settings(max_examples=30, deadline=None)
@given(ends=GRIDS, seed=st.integers(0, 1000), step=st.floats(0.05, 2.0))
def test_training_and_rest_round_to_the_same(ends: tuple[int, int], seed: int, step: float) -> None:
    x, size = drawn(seed, 4, 10), torch.tensor(step)
    assert torch.equal(fake_quantise(x, size, *ends), at_rest(x, size, *ends))
    sizes = torch.linspace(0.1, 1.0, 4)
    trained = fake_quantise(x, sizes[:, None], *ends)
    assert torch.equal(trained, at_rest(x, sizes, *ends))


@settings(max_examples=30, deadline=None)
@given(ends=GRIDS, seed=st.integers(0, 1000), step=st.floats(0.05, 2.0))
def test_gradients_are_the_papers_formulas(ends: tuple[int, int], seed: int, step: float) -> None:
    low, high = ends
    x = drawn(seed, 40).requires_grad_()
    size = torch.tensor(step, requires_grad=True)
    outer = drawn(seed + 1, 40)
    torch.autograd.backward((fake_quantise(x, size, low, high) * outer).sum())
    ratio = x.detach() / step
    inside = (ratio > low) & (ratio < high)
    slope = torch.where(inside, ratio.round() - ratio, ratio.clamp(low, high))
    wanted = (outer * slope).sum() / math.sqrt(40 * max(high, -low))
    assert x.grad is not None
    assert size.grad is not None
    assert torch.equal(x.grad, outer * inside)
    torch.testing.assert_close(size.grad, wanted, atol=1e-3, rtol=1e-3)


def test_each_output_learns_a_step_of_its_own() -> None:
    x, steps = drawn(0, 3, 20), torch.tensor([[0.1], [0.2], [0.4]], requires_grad=True)
    torch.autograd.backward(fake_quantise(x, steps, -3, 3).sum())
    alone = torch.tensor(0.2, requires_grad=True)
    torch.autograd.backward(fake_quantise(x[1], alone, -3, 3).sum())
    assert steps.grad is not None
    assert alone.grad is not None
    torch.testing.assert_close(steps.grad[1, 0], alone.grad)


def test_the_first_step_is_the_papers() -> None:
    x = drawn(0, 100)
    assert float(starting_step(x, 7)) == pytest.approx(2.0 * float(x.abs().mean()) / math.sqrt(7))
    assert float(starting_step(torch.zeros(5), 7)) == 1.0


def test_gradients_of_steps_are_scaled_by_the_larger_end() -> None:
    assert gradient_factor(100, -7, 7) == pytest.approx(1.0 / math.sqrt(700))
    assert gradient_factor(100, -8, 0) == pytest.approx(1.0 / math.sqrt(800))
