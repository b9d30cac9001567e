"""The loop: steps, phase after phase, through Lightning Fabric, and all that a resume needs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.swa_utils import AveragedModel

from tacit.data import Batch, Batches, Images, Normalisation
from tacit.errors import ReadError
from tacit.program import Json
from tacit.tune.coefficients import Tuned
from tacit.tune.measure import score
from tacit.tune.paf import PAF, activate, pafs
from tacit.tune.scaling import Scale
from tacit.tune.training.checkpoint import Checkpoint
from tacit.tune.training.knobs import Kind, Phase, SmartPAF, phases, total_steps
from tacit.tune.training.moments import moments, restore
from tacit.tune.training.objective import objective
from tacit.tune.training.order import places
from tacit.tune.training.records import Check, Told, Watch

# Steps in which rates rise once all layers are replaced: Adam's first moments mean nothing yet.
WARM_UP = 10
State = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Material:
    """What a training works with: the loop's device, the original, images, and who listens."""

    fabric: Fabric
    teacher: nn.Module
    batches: Batches
    held_out: Images
    normalisation: Normalisation | None
    fingerprint: str
    folder: Path | None = None
    told: Told | None = None
    watch: Watch | None = None


@dataclass
class Progress:
    """Where a training is: the phase, the step in it, the steps in all, and the looks so far.

    `lost` is the sum of the losses of the `summed` steps since the last look, of which `skipped`
    had gradients that were not finite.
    """

    phase: int = 0
    step: int = 0
    done: int = 0
    without_gain: int = 0
    lost: float = 0.0
    summed: int = 0
    skipped: int = 0
    checks: list[dict[str, Any]] = field(default_factory=list)


class Run:
    """A training that can be stopped after any step and taken up again from its last file."""

    def __init__(
        self, model: nn.Module, material: Material, knobs: SmartPAF, tuned: tuple[Tuned, ...]
    ) -> None:
        self._model, self._with, self._knobs, self._tuned = model, material, knobs, tuned
        self._layers = list(pafs(model))
        self._phases = phases(knobs, self._layers)
        self._total = total_steps(self._phases)
        self._at = Progress()
        self._best: State = {}
        self._places = places(model)
        groups = _groups(model)
        settings = {
            Kind.WEIGHTS: (knobs.weight_rate, knobs.weight_decay),
            Kind.COEFFICIENTS: (knobs.coefficient_rate, knobs.coefficient_decay),
        }
        made = {
            kind: AdamW(list(groups[kind].values()), lr=rate, weight_decay=decay)
            for kind, (rate, decay) in settings.items()
            if groups[kind]
        }
        self._own, self._names = made, {kind: list(each) for kind, each in groups.items()}
        self._optimisers = {k: material.fabric.setup_optimizers(each) for k, each in made.items()}
        self._average = AveragedModel(model)

    @property
    def _has_average(self) -> bool:
        return int(self._average.n_averaged) > 1

    @property
    def checks(self) -> tuple[Check, ...]:
        """All looks at the held-out images."""
        return tuple(Check(**each) for each in self._at.checks)

    @property
    def steps(self) -> int:
        """The steps that were taken."""
        return self._at.done

    def train(self) -> None:
        """All phases from where the training is; then the best state is the model's."""
        if not self._at.checks:
            activate(self._model)
            self._look("start", self._model, "start")
            self._write()
        stream = self._stream()
        while self._at.phase < len(self._phases):
            phase = self._phases[self._at.phase]
            activate(self._model, self._layers[: phase.replaced])
            self._finish(phase, stream)
            self._at.phase, self._at.step, self._at.without_gain = self._at.phase + 1, 0, 0
            self._write()
        activate(self._model)
        self._model.load_state_dict(self._best)

    def resume(self, found: Checkpoint) -> None:
        """Go on where a file says."""
        known = {each.name for each in fields(Progress)}
        if not known <= found.facts.keys():
            raise ReadError("a checkpoint lacks facts", hint="delete it to begin anew")
        held: dict[str, Any] = {name: found.facts[name] for name in known}
        self._at = Progress(**held)
        self._model.load_state_dict(dict(found.groups["model"]))
        if "average" in found.groups:
            self._average.load_state_dict(dict(found.groups["average"]))
        self._best = dict(found.groups["best"])
        for kind, own in self._own.items():
            restore(own, self._names[kind], found.groups.get(kind.value, {}))

    def _stream(self) -> Iterator[Batch]:
        """The batches from the step on at which the training is, epoch after epoch, for ever."""
        batches = self._with.batches
        epoch, first = divmod(self._at.done, batches.steps)
        starts = itertools.chain((first,), itertools.repeat(0))
        pairs = zip(itertools.count(epoch), starts, strict=False)
        return itertools.chain.from_iterable(batches.epoch(n, first=k) for n, k in pairs)

    def _finish(self, phase: Phase, stream: Iterator[Batch]) -> None:
        """The rest of a phase."""
        half, averages = phase.steps // 2, self._knobs.average and phase is self._phases[-1]
        while self._at.step < phase.steps:
            self._step(phase, next(stream))
            if averages and self._at.step > half:
                self._average.update_parameters(self._model)
            if phase.steps > self._at.step and self._at.step % self._knobs.check:
                continue
            if phase.whole:
                self._look_at_candidates(phase)
            if self._at.without_gain >= self._knobs.patience:
                # As a file it must be a finished phase, or a resume would go on in it.
                self._at.step = phase.steps
            self._write()

    def _step(self, phase: Phase, batch: Batch) -> None:
        """One step on one batch, of which every process takes its part."""
        fabric, knobs = self._with.fabric, self._knobs
        kind = phase.kind(self._at.step)
        self._let_move(phase, kind)
        mine = slice(fabric.global_rank, None, fabric.world_size)
        x, y = (torch.tensor(each[mine], device=fabric.device) for each in (batch.x, batch.y))
        self._set_to_train()
        with fabric.autocast():
            x = x.contiguous(memory_format=torch.channels_last)
            loss = objective(self._model, self._with.teacher, (x, y), knobs)
        fabric.backward(loss)
        self._share_gradients()
        factor = _factor(phase, self._at.step, knobs)
        for each, optimiser in self._optimisers.items():
            if kind in {each, Kind.ALL}:
                self._descend(each, optimiser, factor)
        self._model.zero_grad()
        self._at.lost, self._at.summed = self._at.lost + float(loss.detach()), self._at.summed + 1
        self._at.step, self._at.done = self._at.step + 1, self._at.done + 1
        if self._with.told:
            self._with.told(self._at.done, self._total, phase.name)

    def _descend(self, kind: Kind, optimiser: Any, factor: float) -> None:
        """A step of one optimiser, left out where a gradient is not finite."""
        found = [
            each.grad
            for group in self._own[kind].param_groups
            for each in group["params"]
            if each.grad is not None
        ]
        if not found:
            return
        # One look for all: on an accelerator each waits for it.
        if not bool(torch.isfinite(nn.utils.get_total_norm(found))):
            self._at.skipped += 1
            return
        rate = self._knobs.weight_rate if kind is Kind.WEIGHTS else self._knobs.coefficient_rate
        for group in self._own[kind].param_groups:
            group["lr"] = factor * rate
        self._with.fabric.clip_gradients(
            self._model, optimiser, max_norm=self._knobs.clip, error_if_nonfinite=False
        )
        optimiser.step()

    def _let_move(self, phase: Phase, kind: Kind) -> None:
        """Gradients for what moves in this step, and for nothing else."""
        chosen = set(self._layers[: phase.replaced])
        last = max(each.scale.place for name, each in pafs(self._model).items() if name in chosen)
        for name, parameter in self._model.named_parameters():
            owner = name.partition(".coefficients.")[0]
            if owner != name:
                parameter.requires_grad_(kind is not Kind.WEIGHTS and owner in chosen)
                continue
            is_before = phase.whole or self._places[name] < last
            parameter.requires_grad_(kind is not Kind.COEFFICIENTS and is_before)

    def _set_to_train(self) -> None:
        # Only polynomials learn to stay tame: norms keep their statistics, nothing is dropped.
        self._model.eval()
        for each in self._model.modules():
            if isinstance(each, PAF | Scale):
                each.train()

    def _share_gradients(self) -> None:
        """The mean of all processes' gradients, whichever parameters have some."""
        fabric = self._with.fabric
        if fabric.world_size > 1:
            for each in self._model.parameters():
                if each.grad is not None:
                    shared = fabric.all_reduce(each.grad, reduce_op="mean")
                    assert isinstance(shared, Tensor)
                    each.grad.copy_(shared)

    def _look_at_candidates(self, phase: Phase) -> None:
        before = len(self._at.checks)
        self._look("last", self._model, phase.name)
        if self._has_average:
            self._look("average", self._average.module, phase.name)
        gained = any(each["kept"] for each in self._at.checks[before:])
        self._at.without_gain = 0 if gained else self._at.without_gain + 1
        self._at.lost, self._at.summed, self._at.skipped = 0.0, 0, 0

    def _look(self, candidate: str, model: nn.Module, phase: str) -> None:
        """See how well a candidate does, and keep it if none did better."""
        found = score(model, self._with.held_out, normalisation=self._with.normalisation)
        kept = all(found.loss < each["loss"] for each in self._at.checks)
        if kept:
            self._best = {name: each.clone() for name, each in model.state_dict().items()}
        mean = self._at.lost / self._at.summed if self._at.summed else None
        check = Check(
            phase=phase,
            step=self._at.done,
            steps=self._total,
            candidate=candidate,
            accuracy=found.accuracy,
            loss=found.loss,
            training_loss=mean,
            kept=kept,
            skipped=self._at.skipped,
        )
        self._at.checks.append(check.record)
        if self._with.watch:
            self._with.watch(check)

    def _write(self) -> None:
        fabric, folder = self._with.fabric, self._with.folder
        if folder is None:
            return
        if fabric.is_global_zero:
            groups = {
                "model": self._model.state_dict(),
                "average": self._average.state_dict() if int(self._average.n_averaged) else {},
                "best": self._best,
                **{k.value: moments(own, self._names[k]) for k, own in self._own.items()},
            }
            tuned: list[Json] = [[each.name, each.before, each.after] for each in self._tuned]
            facts: dict[str, Json] = {**vars(self._at), "tuned": tuned}
            Checkpoint(self._with.fingerprint, groups, facts).write(folder)
        fabric.barrier()


def _groups(model: nn.Module) -> dict[Kind, dict[str, nn.Parameter]]:
    """Coefficients and weights by their paths."""
    found: dict[Kind, dict[str, nn.Parameter]] = {Kind.WEIGHTS: {}, Kind.COEFFICIENTS: {}}
    owners = {f"{name}.coefficients" for name in pafs(model)}
    for name, each in model.named_parameters():
        is_own = name.rpartition(".")[0] in owners
        found[Kind.COEFFICIENTS if is_own else Kind.WEIGHTS][name] = each
    return found


def _factor(phase: Phase, step: int, knobs: SmartPAF) -> float:
    """What rates are multiplied by: in whole phases up at once, then down along a cosine."""
    if not phase.whole:
        return knobs.layer_rate
    rise = min(1.0, (phase.before + step + 1) / WARM_UP)
    return rise * 0.5 * (1.0 + math.cos(math.pi * phase.progress(step)))
