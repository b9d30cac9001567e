from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tacit.errors import TypeMismatch
from tacit.tune.binarise import Bop


def weights(*values: float) -> nn.Parameter:
    return nn.Parameter(torch.tensor(values))


def step(optimiser: Bop, weight: nn.Parameter, *gradient: float) -> Tensor:
    weight.grad = torch.tensor(gradient)
    optimiser.step()
    return weight.detach().clone()


def test_weights_become_their_signs_at_once() -> None:
    weight = weights(0.3, -0.2, 0.0, -0.0)
    Bop([weight])
    assert weight.tolist() == [1.0, -1.0, 1.0, 1.0]


def test_a_step_is_the_papers() -> None:
    weight = weights(1.0, 1.0, -1.0, -1.0, 1.0)
    optimiser = Bop([weight], threshold=0.3, gamma=0.5)
    # Means 0.5, -0.5, 0.5, -0.5 and 0.25: only large ones of the weight's own sign flip it.
    assert step(optimiser, weight, 1.0, -1.0, 1.0, -1.0, 0.5).tolist() == [-1, 1, -1, 1, 1]
    # Means 0.75, -0.75, 0.75, -0.75, and 0.125 + 0.25 = 0.375, which is past the threshold.
    assert step(optimiser, weight, 1.0, -1.0, 1.0, -1.0, 0.5).tolist() == [-1, 1, -1, 1, -1]
    # Mean 0.1875 - 0.5 = -0.3125: it flips back.
    assert step(optimiser, weight, 0.0, 0.0, 0.0, 0.0, -1.0).tolist() == [-1, 1, -1, 1, 1]


def test_a_mean_at_the_threshold_flips_nothing() -> None:
    weight = weights(1.0, -1.0)
    optimiser = Bop([weight], threshold=0.5, gamma=0.5)
    assert step(optimiser, weight, 1.0, -1.0).tolist() == [1.0, -1.0]


def test_no_gradient_flips_nothing_even_without_a_threshold() -> None:
    weight = weights(1.0, -1.0)
    optimiser = Bop([weight], threshold=0.0)
    assert step(optimiser, weight, 0.0, 0.0).tolist() == [1.0, -1.0]
    weight.grad = None
    optimiser.step()
    assert weight.tolist() == [1.0, -1.0]


def test_its_state_can_be_saved() -> None:
    first, second = weights(1.0, 1.0), weights(1.0, 1.0)
    one, other = Bop([first], 0.3, 0.5), Bop([second], 0.3, 0.5)
    step(one, first, 0.5, 0.1)
    other.load_state_dict(one.state_dict())
    assert torch.equal(step(one, first, 0.5, 0.1), step(other, second, 0.5, 0.1))


def test_a_closure_gives_the_loss() -> None:
    weight = weights(1.0)
    optimiser = Bop([weight], threshold=0.1, gamma=1.0)

    def loss() -> float:
        optimiser.zero_grad()
        value = (3.0 * weight).sum()
        torch.autograd.backward(value)
        return float(value.detach())

    assert optimiser.step(loss) == 3.0
    assert weight.tolist() == [-1.0]


@pytest.mark.parametrize(
    ("threshold", "gamma"), [(-1.0, 0.1), (float("nan"), 0.1), (0.1, 0.0), (0.1, 1.5)]
)
def test_knobs_that_mean_nothing_are_refused(threshold: float, gamma: float) -> None:
    with pytest.raises(TypeMismatch, match="Bop with"):
        Bop([weights(1.0)], threshold, gamma)
