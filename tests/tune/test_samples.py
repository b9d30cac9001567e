from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tacit.data import MNIST, flipped
from tacit.tune.samples import Samples, fingerprint
from tests.tune.digits import network, samples


def other_pixels(given: Samples) -> Samples:
    x = np.array(given.held_out.x)
    x[0, 0, 0, 0] += 0.5
    return replace(given, held_out=replace(given.held_out, x=x))


def other_labels(given: Samples) -> Samples:
    y = given.train.y.copy()
    y[0] = (y[0] + 1) % 10
    return replace(given, train=replace(given.train, y=y))


def test_the_same_again_has_the_same_fingerprint() -> None:
    assert fingerprint(network(), samples(), "a") == fingerprint(network(), samples(), "a")


@pytest.mark.parametrize(
    "changed",
    [
        other_pixels(samples()),
        other_labels(samples()),
        replace(samples(), augmentation=flipped),
        replace(samples(), normalisation=MNIST),
    ],
)
def test_other_data_have_another(changed: Samples) -> None:
    assert fingerprint(network(), changed, "") != fingerprint(network(), samples(), "")


def test_another_weight_has_another() -> None:
    model = torch.nn.Sequential(*network().children())
    before = fingerprint(model, samples(), "")
    with torch.no_grad():
        weight = next(model.parameters())
        weight[0, 0, 0, 0] += 1e-6
        after = fingerprint(model, samples(), "")
        weight[0, 0, 0, 0] -= 1e-6
    assert after != before


def test_so_many_are_seen_of_each_class_its_share() -> None:
    seen = samples().seen(100, 0)
    assert len(seen) == 100
    assert min(seen.counts) >= 9
