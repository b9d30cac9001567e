from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tacit.errors import NotCalibrated, TypeMismatch
from tacit.tune.binarise import LSQ, lsq


def drawn(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize(("low", "high"), [(0, 3), (-4, 3), (-2, 1), (0, 1)])
def test_values_and_gradients_are_the_papers(low: int, high: int) -> None:
    v, outer, s = drawn(0, 6, 9), drawn(1, 6, 9), 0.37
    x = torch.tensor(v, requires_grad=True)
    step = torch.tensor(s, dtype=torch.float64, requires_grad=True)
    found = lsq(x, step, low, high)
    torch.autograd.backward(found, torch.tensor(outer))
    ratio = v / s
    rounded = np.rint(np.clip(ratio, low, high))
    np.testing.assert_allclose(found.detach().numpy(), rounded * s, rtol=1e-12)
    assert x.grad is not None
    assert step.grad is not None
    inside = (ratio > low) & (ratio < high)
    np.testing.assert_array_equal(x.grad.numpy(), outer * inside)
    by_step = np.where(inside, rounded - ratio, np.clip(ratio, low, high))
    factor = 1.0 / math.sqrt(v.size * high)
    assert float(step.grad) == pytest.approx(factor * float((outer * by_step).sum()))


def test_the_first_values_give_the_step() -> None:
    quantiser, x = LSQ(3), torch.tensor(np.abs(drawn(2, 8, 5)))
    quantiser(x)
    assert float(quantiser.step.detach()) == pytest.approx(2.0 * float(x.mean()) / math.sqrt(7.0))
    quantiser(100.0 * x)
    assert float(quantiser.step.detach()) == pytest.approx(2.0 * float(x.mean()) / math.sqrt(7.0))


def test_weights_have_both_signs_and_activations_have_not() -> None:
    assert (LSQ(3).low, LSQ(3).high) == (0, 7)
    assert (LSQ(3, of_weights=True).low, LSQ(3, of_weights=True).high) == (-4, 3)
    assert (LSQ(2, is_signed=True).low, LSQ(2, is_signed=True).high) == (-2, 1)


@pytest.mark.parametrize(("of_weights", "entries"), [(True, 40), (False, 5)])
def test_gradients_of_steps_count_weights_or_the_entries_of_a_row(
    *, of_weights: bool, entries: int
) -> None:
    x = torch.tensor(drawn(3, 8, 5), dtype=torch.float32)
    quantiser = LSQ(2, of_weights=of_weights, is_signed=True, step=0.5)
    torch.autograd.backward(quantiser(x).sum())
    step = torch.tensor(0.5, requires_grad=True)
    torch.autograd.backward(lsq(x, step, -2, 1, factor=1.0 / math.sqrt(entries)).sum())
    assert quantiser.step.grad is not None
    assert step.grad is not None
    torch.testing.assert_close(quantiser.step.grad, step.grad)


def test_rest_and_training_give_the_same_points() -> None:
    quantiser, x = LSQ(4, is_signed=True, step=0.3), torch.tensor(drawn(4, 50)).float()
    trained = quantiser(x)
    assert torch.equal(quantiser.eval()(x), trained)


def test_a_negative_step_means_the_same_points() -> None:
    x = torch.tensor(drawn(5, 20)).float()
    assert torch.equal(LSQ(2, step=-0.3)(x), LSQ(2, step=0.3)(x))


def test_a_step_that_was_saved_is_not_begun_again() -> None:
    first, second = LSQ(2), LSQ(2)
    first(torch.ones(2, 3))
    second.load_state_dict(first.state_dict())
    second(torch.full((2, 3), 50.0))
    assert torch.equal(first.step, second.step)


def test_without_values_there_is_no_step() -> None:
    with pytest.raises(NotCalibrated, match="no values were seen"):
        LSQ(2).eval()(torch.ones(2, 3))


def test_one_bit_of_both_signs_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="no step to learn"):
        LSQ(1, of_weights=True)
