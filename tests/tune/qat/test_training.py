from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tacit.errors import ReadError, TypeMismatch
from tacit.read import read
from tacit.tune import QAT, Quantisation, Rows, accumulator_bits, quantise, train
from tacit.tune.qat import Trained
from tacit.tune.qat.score import measured
from tests.tune.digits import network, samples
from tests.tune.qat.tables import accuracy, learned, table

SHORT = QAT(steps=24, check=5, batch=32)


class Killed(Exception):
    """What stands for a process that is gone."""


def small() -> nn.Module:
    rows, _ = table("digits")
    return quantise(learned("digits", 16), torch.from_numpy(rows.x), Quantisation(accumulator=8))


def trained(knobs: QAT = SHORT, **more: Any) -> Trained:
    rows, held_out = table("digits")
    return train(small(), rows, knobs, held_out=held_out, **more)


@pytest.mark.parametrize(
    ("name", "bits", "accumulator", "lost"),
    [
        ("digits", 4, 9, 0.02),
        ("digits", 3, 8, 0.03),
        ("digits", 2, 6, 0.06),
        ("cancer", 3, 8, 0.03),
    ],
)
def test_accuracy_stays_near_that_of_real_numbers_and_above_that_of_rounding_alone(
    name: str, bits: int, accumulator: int, lost: float
) -> None:
    rows, test = table(name)
    real = learned(name, 32)
    settings = Quantisation(weights=bits, activations=bits, accumulator=accumulator)
    rounded = quantise(real, torch.from_numpy(rows.x), settings)
    found = train(rounded, rows, QAT(steps=400, distillation=0.5), teacher=real)
    assert accuracy(found.model, test) >= accuracy(real, test) - lost
    assert accuracy(found.model, test) > accuracy(rounded, test)
    assert accumulator_bits(found.model)["0"] <= accumulator


def test_values_are_learned_in_the_mean_square() -> None:
    rows, test = table("diabetes")
    real = learned("diabetes", 8)
    settings = Quantisation(weights=3, activations=3, inputs=4, accumulator=8)
    rounded = quantise(real, torch.from_numpy(rows.x), settings)
    found = train(rounded, rows, QAT(steps=300), held_out=test, teacher=real)
    assert measured(found.model, test).score > 0.3
    assert found.looks[-1].loss < found.looks[0].loss


def test_the_model_is_not_touched() -> None:
    rows, _ = table("digits")
    model = small()
    before = {name: each.clone() for name, each in model.state_dict().items()}
    train(model, rows, SHORT)
    torch.testing.assert_close(dict(model.state_dict()), before, atol=0.0, rtol=0.0)


@pytest.mark.parametrize("after", [3, 5, 12, 24])
def test_a_kill_and_a_resume_end_with_the_same_numbers(tmp_path: Path, after: int) -> None:
    def told(done: int, *_: object) -> None:
        if done == after:
            raise Killed

    whole = trained()
    with pytest.raises(Killed):
        trained(folder=tmp_path, told=told)
    resumed = trained(folder=tmp_path)
    torch.testing.assert_close(
        dict(resumed.model.state_dict()), dict(whole.model.state_dict()), rtol=0.0, atol=0.0
    )
    assert resumed.looks == whole.looks


def test_a_folder_of_another_training_is_refused(tmp_path: Path) -> None:
    trained(folder=tmp_path)
    with pytest.raises(ReadError, match="of another tuning"):
        trained(QAT(steps=24, check=5, batch=32, seed=1), folder=tmp_path)


def test_what_is_kept_is_the_best_that_was_seen() -> None:
    seen: list[float] = []
    found = trained(watch=lambda look: seen.append(look.loss))
    _, held_out = table("digits")
    assert seen == [each.loss for each in found.looks]
    assert measured(found.model, held_out).loss == pytest.approx(min(seen))
    assert [each.step for each in found.looks] == [0, 5, 10, 15, 20, 24]


def test_sums_fit_after_every_step() -> None:
    found = trained(QAT(steps=5, rate=0.3, step_rate=0.3))
    assert accumulator_bits(found.model)["0"] <= 8


def test_a_trained_network_is_read_as_it_computes() -> None:
    rows, _ = table("digits")
    found = trained().model
    x, _ = rows.at(slice(0, 200))
    gaps = np.abs(read(found, x[:2])(x.double().numpy()) - found(x).detach().numpy()).max(axis=1)
    # A value that is halfway between two points may go to either, in float32 and in float64.
    assert np.count_nonzero(gaps > 1e-5) <= 1


def test_images_are_trained_on_as_they_are_tuned_on() -> None:
    made = quantise(network(), samples().example, Quantisation(accumulator=9))
    found = train(made, samples(), QAT(steps=20, check=10), teacher=network())
    assert found.looks[-1].loss < found.looks[0].loss


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (np.zeros((3, 2)), np.zeros(2)),
        (np.zeros(3), np.zeros(3)),
        (np.full((3, 2), np.nan), np.zeros(3)),
        (np.zeros((3, 2)), np.array([0, -1, 1])),
        (np.zeros((3, 2)), np.zeros((3, 2), dtype=np.int64)),
    ],
)
def test_rows_that_do_not_fit_are_refused(x: Any, y: Any) -> None:
    with pytest.raises(TypeMismatch):
        Rows(x, y)


@pytest.mark.parametrize(
    "wrong", [{"steps": -1}, {"batch": 0}, {"rate": 0.0}, {"decay": -1.0}, {"distillation": 2.0}]
)
def test_knobs_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeMismatch):
        QAT(**wrong)
