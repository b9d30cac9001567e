"""The training: short steps of AdamW, after each of which all sums fit, and all a resume needs."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW

from tacit.errors import ReadError
from tacit.tune.qat.activations import QuantIdentity
from tacit.tune.qat.knobs import QAT, Look, Trained, Watch
from tacit.tune.qat.layers import Quantised, limit
from tacit.tune.qat.rows import Rows, Stream, mark, stream
from tacit.tune.qat.score import measured
from tacit.tune.samples import Samples
from tacit.tune.training import checkpoint
from tacit.tune.training.checkpoint import Checkpoint
from tacit.tune.training.knobs import Devices
from tacit.tune.training.moments import moments, restore
from tacit.tune.training.objective import distance
from tacit.tune.training.records import Told

# Steps in which rates rise: Adam's first moments mean nothing yet.
WARM_UP = 10


@dataclass(frozen=True, eq=False)
class _Material:
    """What a training works with."""

    fabric: Fabric
    stream: Stream
    held_out: Samples | Rows | None
    teacher: nn.Module | None
    knobs: QAT
    fingerprint: str
    folder: Path | None
    told: Told | None
    watch: Watch | None


@dataclass
class _Progress:
    """Where a training is; `lost` is the sum of the losses of `summed` steps since a look."""

    done: int = 0
    lost: float = 0.0
    summed: int = 0
    looks: list[dict[str, Any]] = field(default_factory=list)


def train(  # noqa: PLR0913 (what is trained, on what, how, and six ways to help or follow it)
    model: nn.Module,
    data: Rows | Samples,
    knobs: QAT | None = None,
    *,
    held_out: Rows | None = None,
    teacher: nn.Module | None = None,
    folder: Path | None = None,
    told: Told | None = None,
    watch: Watch | None = None,
    on: Devices | None = None,
) -> Trained:
    """A copy of a quantised model, trained on the data, at rest; all its sums fit.

    Of several looks at `held_out` rows, or at the images that Samples hold out, the best is kept;
    without any the last step is. The `teacher` is the network whose answers are distilled. In a
    `folder` the training's state is kept: called again after a kill, with the same arguments, it
    goes on, and ends as it would have. `told` hears of every step, `watch` of every look.

    Raises ReadError where the folder is of another training.
    """
    chosen, where = knobs or QAT(), on or Devices()
    fabric = Fabric(accelerator=where.accelerator, devices=where.count)
    fabric.launch()
    fingerprint = mark(model, data, held_out, f"{chosen} {teacher is None}")
    is_first = fabric.is_global_zero
    material = _Material(
        fabric,
        stream(data, chosen.batch, chosen.seed),
        data if isinstance(data, Samples) else held_out,
        None if teacher is None else copy.deepcopy(teacher).eval().to(fabric.device),
        chosen,
        fingerprint,
        folder,
        told if is_first else None,
        watch if is_first else None,
    )
    run = _Run(copy.deepcopy(model).to(fabric.device), material)
    saved = None if folder is None else checkpoint.read(folder, fingerprint, fabric.device)
    if saved is not None:
        run.resume(saved)
    return Trained(run.train(), run.looks, run.steps, is_first)


class _Run:
    """A training that can be stopped after any step and taken up again from its last file."""

    def __init__(self, model: nn.Module, material: _Material) -> None:
        self._model, self._with, self._at = model, material, _Progress()
        self._best: dict[str, Tensor] = {}
        knobs = material.knobs
        named = dict(model.named_parameters())
        steps = [each for name, each in named.items() if name.endswith("logarithm")]
        others = [each for name, each in named.items() if not name.endswith("logarithm")]
        self._rates = (knobs.rate, knobs.step_rate)
        groups = [
            {"params": others, "lr": knobs.rate, "weight_decay": knobs.decay},
            {"params": steps, "lr": knobs.step_rate, "weight_decay": 0.0},
        ]
        order = sorted(named, key=lambda name: name.endswith("logarithm"))
        self._names, self._optimiser = order, AdamW(groups)

    @property
    def looks(self) -> tuple[Look, ...]:
        """All looks at the held-out rows."""
        return tuple(Look(**each) for each in self._at.looks)

    @property
    def steps(self) -> int:
        """The steps that were taken."""
        return self._at.done

    def train(self) -> nn.Module:
        """All steps from where the training is on; then the best state at rest, on the CPU."""
        knobs = self._with.knobs
        limit(self._model)
        if not self._at.done:
            self._look()
        batches = self._batches()
        while self._at.done < knobs.steps:
            self._step(*next(batches))
            if self._at.done % knobs.check == 0 or self._at.done == knobs.steps:
                self._look()
                self._write()
        if self._best:
            self._model.load_state_dict(self._best)
        return self._model.eval().cpu()

    def resume(self, saved: Checkpoint) -> None:
        """Go on where a file says."""
        known = {each.name for each in fields(_Progress)}
        if not known <= saved.facts.keys():
            raise ReadError("a checkpoint lacks facts", hint="delete it to begin anew")
        held: dict[str, Any] = {name: saved.facts[name] for name in known}
        self._at = _Progress(**held)
        self._model.load_state_dict(dict(saved.groups["model"]))
        self._best = dict(saved.groups.get("best", {}))
        restore(self._optimiser, self._names, saved.groups.get("moments", {}))

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches from the step on at which the training is, epoch after epoch, for ever."""
        source = self._with.stream
        epoch, first = divmod(self._at.done, source.steps)
        starts = itertools.chain((first,), itertools.repeat(0))
        pairs = zip(itertools.count(epoch), starts, strict=False)
        return itertools.chain.from_iterable(source.epoch(n, k) for n, k in pairs)

    def _step(self, x: Tensor, y: Tensor) -> None:
        """One step on one batch, of which every process takes its part."""
        fabric, knobs = self._with.fabric, self._with.knobs
        mine = slice(fabric.global_rank, None, fabric.world_size)
        self._set_to_train()
        loss = self._loss(x[mine].to(fabric.device), y[mine].to(fabric.device))
        self._optimiser.zero_grad()
        fabric.backward(loss)
        parameters = [each for each in self._model.parameters() if each.grad is not None]
        self._share(parameters)
        norm = nn.utils.clip_grad_norm_(parameters, knobs.clip)
        # A step whose gradients are not finite is left out, and is counted as one.
        if bool(torch.isfinite(norm)):
            rise = min(1.0, (self._at.done + 1) / WARM_UP)
            fall = 0.5 * (1.0 + math.cos(math.pi * self._at.done / knobs.steps))
            for group, rate in zip(self._optimiser.param_groups, self._rates, strict=True):
                group["lr"] = rise * fall * rate
            self._optimiser.step()
            limit(self._model)
        self._at.lost, self._at.summed = self._at.lost + float(loss.detach()), self._at.summed + 1
        self._at.done += 1
        if self._with.told:
            self._with.told(self._at.done, knobs.steps, "quantised")

    def _set_to_train(self) -> None:
        # Norms that are left keep their statistics, and nothing is dropped.
        self._model.eval()
        for each in self._model.modules():
            if isinstance(each, Quantised | QuantIdentity):
                each.train()

    def _loss(self, x: Tensor, y: Tensor) -> Tensor:
        """What is learnt of a batch: its targets, and the teacher's answers."""
        knobs, teacher = self._with.knobs, self._with.teacher
        found: Tensor = self._model(x)
        share = 0.0 if teacher is None else knobs.distillation
        total = torch.zeros((), device=found.device)
        if share < 1.0:
            total = total + (1.0 - share) * _own_loss(found, y)
        if teacher is None or not share:
            return total
        with torch.no_grad():
            wanted: Tensor = teacher(x)
        if y.is_floating_point():
            return total + share * functional.mse_loss(found, wanted)
        return total + share * distance(found, wanted, knobs.temperature)

    def _share(self, parameters: list[nn.Parameter]) -> None:
        """The mean of all processes' gradients."""
        fabric = self._with.fabric
        if fabric.world_size == 1:
            return
        for each in parameters:
            assert each.grad is not None
            shared = fabric.all_reduce(each.grad, reduce_op="mean")
            assert isinstance(shared, Tensor)
            each.grad = shared

    def _look(self) -> None:
        """See how well the network does, and keep it if it never did better."""
        held_out = self._with.held_out
        if held_out is None:
            return
        found = measured(self._model, held_out)
        kept = all(found.loss < each["loss"] for each in self._at.looks)
        if kept:
            self._best = {name: each.clone() for name, each in self._model.state_dict().items()}
        mean = self._at.lost / self._at.summed if self._at.summed else None
        knobs = self._with.knobs
        look = Look(self._at.done, knobs.steps, found.loss, found.score, mean, kept)
        self._at.looks.append(look.record)
        self._at.lost, self._at.summed = 0.0, 0
        if self._with.watch:
            self._with.watch(look)

    def _write(self) -> None:
        fabric, folder = self._with.fabric, self._with.folder
        if folder is None:
            return
        if fabric.is_global_zero:
            groups = {
                "model": self._model.state_dict(),
                "best": self._best,
                "moments": moments(self._optimiser, self._names),
            }
            Checkpoint(self._with.fingerprint, groups, vars(self._at)).write(folder)
        fabric.barrier()


def _own_loss(found: Tensor, y: Tensor) -> Tensor:
    if y.is_floating_point():
        return functional.mse_loss(found, y.reshape(found.shape))
    return functional.cross_entropy(found, y)
