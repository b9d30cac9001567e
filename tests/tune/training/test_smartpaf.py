from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tacit.data import flipped
from tacit.errors import ReadError, TypeMismatch
from tacit.tune.measure import score
from tacit.tune.samples import Samples
from tacit.tune.scaling import Scaling, scales
from tacit.tune.training import Check, Outcome, SmartPAF, Technique, smartpaf, techniques
from tacit.tune.training.checkpoint import Checkpoint
from tacit.tune.training.knobs import Kind, Phase, Precision, phases
from tests.tune.digits import network as learned
from tests.tune.digits import samples

KNOBS = SmartPAF(observed=300, batch=50, layer_steps=4, steps=6, turn=3, joint=8, check=4, seed=3)
HELD_OUT = samples().held_out
DATA = Samples(samples().train, HELD_OUT, flipped)
EVERY = ("ct,pa,at", "ct,at", "pa,at", "ct,pa", "ft")


class Killed(Exception):
    """What stands for a process that is gone."""


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return learned()


def states(outcome: Outcome) -> dict[str, Tensor]:
    return dict(outcome.model.state_dict())


def killed(network: nn.Module, knobs: SmartPAF, folder: Path, *, after: int) -> None:
    def told(*at: object) -> None:
        if at[0] == after:
            raise Killed

    with pytest.raises(Killed):
        smartpaf(network, "f1g2", DATA, knobs, folder=folder, told=told)


@pytest.mark.parametrize("chosen", EVERY)
def test_training_wins_back_what_replacement_cost(network: nn.Module, chosen: str) -> None:
    bare = smartpaf(network, "f1g2", DATA, replace(KNOBS, techniques=()))
    tuned = smartpaf(network, "f1g2", DATA, replace(KNOBS, techniques=techniques(chosen)))
    assert score(tuned.model, HELD_OUT).loss < score(bare.model, HELD_OUT).loss


@pytest.mark.parametrize("after", [1, 3, 5, 8, 9, 12, 14, 17, 19, 20])
def test_a_kill_and_a_resume_end_with_the_same_numbers(
    network: nn.Module, tmp_path: Path, after: int
) -> None:
    whole = smartpaf(network, "f1g2", DATA, KNOBS)
    killed(network, KNOBS, tmp_path, after=after)
    resumed = smartpaf(network, "f1g2", DATA, KNOBS, folder=tmp_path)
    torch.testing.assert_close(states(resumed), states(whole), rtol=0.0, atol=0.0)
    assert resumed.checks == whole.checks
    assert resumed.tuned == whole.tuned


@pytest.mark.parametrize("write", range(1, 9))
def test_a_kill_between_two_writes_changes_nothing(
    network: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: int
) -> None:
    # Patience ends a phase early: what is written then must not be gone on with.
    hasty = replace(KNOBS, patience=1, check=2, weight_rate=0.3, techniques=techniques("ct,at"))
    whole = smartpaf(network, "f1g2", DATA, hasty)
    written: list[Path] = []
    own = Checkpoint.write

    def counted(self: Checkpoint, folder: Path) -> None:
        own(self, folder)
        written.append(folder)
        if len(written) == write:
            raise Killed

    with monkeypatch.context() as patched, contextlib.suppress(Killed):
        patched.setattr(Checkpoint, "write", counted)
        smartpaf(network, "f1g2", DATA, hasty, folder=tmp_path)
    resumed = smartpaf(network, "f1g2", DATA, hasty, folder=tmp_path)
    assert resumed.checks == whole.checks
    torch.testing.assert_close(states(resumed), states(whole), rtol=0.0, atol=0.0)


def test_patience_is_each_phases_own(network: nn.Module) -> None:
    wild = replace(KNOBS, weight_rate=10.0, coefficient_rate=10.0, patience=1, check=2)
    found = smartpaf(network, "f1g2", DATA, replace(wild, techniques=techniques("at")))
    looked = {each.phase for each in found.checks}
    assert looked == {"start", "in turns", "together"}


def test_a_finished_training_is_not_done_again(network: nn.Module, tmp_path: Path) -> None:
    first = smartpaf(network, "f1g2", DATA, KNOBS, folder=tmp_path)
    steps: list[int] = []
    again = smartpaf(
        network,
        "f1g2",
        DATA,
        KNOBS,
        folder=tmp_path,
        told=lambda done, *_: steps.append(done),
    )
    assert not steps
    torch.testing.assert_close(states(again), states(first), rtol=0.0, atol=0.0)


def test_a_folder_of_another_training_is_refused(network: nn.Module, tmp_path: Path) -> None:
    killed(network, KNOBS, tmp_path, after=5)
    with pytest.raises(ReadError, match="is of another tuning"):
        smartpaf(network, "f1g2", DATA, replace(KNOBS, seed=4), folder=tmp_path)


def test_a_damaged_checkpoint_is_refused(network: nn.Module, tmp_path: Path) -> None:
    killed(network, KNOBS, tmp_path, after=5)
    file = tmp_path / "checkpoint.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ReadError, match="is no checkpoint"):
        smartpaf(network, "f1g2", DATA, KNOBS, folder=tmp_path)


def test_the_users_model_is_untouched(network: nn.Module) -> None:
    before = {name: each.clone() for name, each in network.state_dict().items()}
    smartpaf(network, "f2g2", DATA, KNOBS)
    torch.testing.assert_close(dict(network.state_dict()), before)
    assert all(each.requires_grad for each in network.parameters())


def test_coefficients_alone_take_no_step(network: nn.Module) -> None:
    only = replace(KNOBS, techniques=(Technique.COEFFICIENTS,))
    found = smartpaf(network, "f1g2", DATA, only)
    weights = dict(network.named_parameters())
    moved = dict(found.model.named_parameters())
    assert found.steps == 0
    assert [each.candidate for each in found.checks] == ["start"]
    torch.testing.assert_close({name: moved[name] for name in weights}, weights)


def test_what_comes_out_has_static_scales(network: nn.Module) -> None:
    dynamic = replace(KNOBS, scaling=Scaling.DYNAMIC)
    found = smartpaf(network, "f2g2", DATA, dynamic).model
    assert {each.scaling for each in scales(found)} == {Scaling.STATIC}
    assert all(each.frozen > 0.0 for each in scales(found))


def test_the_best_look_is_what_comes_out(network: nn.Module) -> None:
    heard: list[Check] = []
    found = smartpaf(network, "f1g2", DATA, KNOBS, watch=heard.append)
    best = min(heard, key=lambda each: each.loss)
    assert tuple(heard) == found.checks
    assert score(found.model, HELD_OUT).loss == pytest.approx(best.loss, rel=1e-6)


def test_layers_may_work_in_half_precision(network: nn.Module) -> None:
    mixed = replace(KNOBS, precision=Precision.MIXED)
    found = smartpaf(network, "f2g2", DATA, mixed)
    assert {each.dtype for each in found.model.parameters()} == {torch.float32}
    assert found.checks[-1].loss < found.checks[0].loss + 0.1


def test_it_ends_early_where_nothing_is_gained(network: nn.Module) -> None:
    # Steps of such rates only destroy.
    wild = replace(KNOBS, weight_rate=10.0, coefficient_rate=10.0, patience=1)
    found = smartpaf(network, "alpha7", DATA, wild)
    assert found.steps < 3 * KNOBS.layer_steps + KNOBS.steps + KNOBS.joint
    assert score(found.model, HELD_OUT).loss == pytest.approx(found.checks[0].loss, rel=1e-6)


def test_phases_are_layers_in_order_and_then_all() -> None:
    found = [(each.name, each.replaced, each.steps) for each in phases(KNOBS, ["a", "b"])]
    assert found == [("a", 1, 4), ("b", 2, 4), ("in turns", 2, 6), ("together", 2, 8)]


def test_what_is_left_out_leaves_its_steps() -> None:
    together = replace(KNOBS, techniques=techniques("ct,ft"))
    assert [(each.name, each.steps) for each in phases(together, ["a"])] == [("together", 14)]


def test_coefficients_and_weights_take_turns() -> None:
    phase = Phase("in turns", 2, 12, turn=3, whole=True)
    kinds = [phase.kind(step) for step in (0, 2, 3, 5, 6)]
    assert kinds == [
        Kind.COEFFICIENTS,
        Kind.COEFFICIENTS,
        Kind.WEIGHTS,
        Kind.WEIGHTS,
        Kind.COEFFICIENTS,
    ]


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"techniques": techniques("at,ft")}, "exclude each other"),
        ({"share": 0.0}, "share of 0"),
        ({"margin": 0.5}, "margin of 0.5"),
        ({"weight_rate": 0.0}, "not above 0"),
        ({"distillation": 1.5}, "no share"),
        ({"batch": 0}, "batch is 0"),
        ({"steps": -1}, "negative"),
    ],
)
def test_knobs_that_mean_nothing_are_refused(knobs: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeMismatch, match=message):
        replace(KNOBS, **knobs)


def test_an_unknown_technique_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="no technique is called 'xy'"):
        techniques("ct,xy")
