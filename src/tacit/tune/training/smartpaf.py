"""A trained network and data in; the same network with polynomials that do as well out."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from tacit.data import Batches
from tacit.errors import ReadError
from tacit.program import Json
from tacit.tune.coefficients import Tuned, tune_coefficients
from tacit.tune.paf import activate
from tacit.tune.replace import Forms, swapped
from tacit.tune.samples import Samples, fingerprint
from tacit.tune.scaling import Scaling, forget, freeze, observe, scales, use
from tacit.tune.sites import prepared
from tacit.tune.training import checkpoint
from tacit.tune.training.knobs import Devices, SmartPAF, Technique
from tacit.tune.training.records import Outcome, Told, Watch
from tacit.tune.training.run import Material, Run

# Images of which the traced shapes are those of all.
EXAMPLES = 2


def smartpaf(  # noqa: PLR0913 (what is made, of what, how, and four ways to follow it)
    model: nn.Module,
    forms: Forms,
    samples: Samples,
    knobs: SmartPAF | None = None,
    *,
    folder: Path | None = None,
    told: Told | None = None,
    watch: Watch | None = None,
    on: Devices | None = None,
) -> Outcome:
    """A copy of the model whose activations and maxima are polynomials, tuned on data.

    `forms` are the approximants, one for all layers or by layer; the outcome has static scales.
    Layers that no form is named for stay as they are. In a `folder` the training's state is kept:
    called again after a kill, with the same arguments, it goes on, and ends as it would have.
    `told` hears of every step, `watch` of every look at the held-out images. It runs `on` one
    device, the fastest there is, unless others are named.

    Raises ReadError where the model cannot be traced, or the folder is of another tuning.
    """
    chosen = knobs or SmartPAF()
    where = on or Devices()
    loop = Fabric(
        accelerator=where.accelerator, devices=where.count, precision=chosen.precision.value
    )
    loop.launch()
    mark = fingerprint(model, samples, f"{forms} {chosen}")
    found = None if folder is None else checkpoint.read(folder, mark, loop.device)
    changes = samples.augmentation, samples.normalisation
    batches = Batches(samples.train, chosen.batch, chosen.seed, *changes)
    material = Material(
        loop,
        _teacher(model, loop.device),
        batches,
        samples.held_out,
        samples.normalisation,
        mark,
        folder,
        told if loop.is_global_zero else None,
        watch if loop.is_global_zero else None,
    )
    first = torch.from_numpy(next(material.batches.epoch(0)).x[:EXAMPLES])
    bare = _on(prepared(model, first), loop.device)
    if found is None:
        made, tuned = _begun(bare, forms, material, chosen)
    else:
        made, tuned = swapped(bare, forms), _tuned_of(found.facts["tuned"])
        use(made, chosen.scaling)
    run = Run(made, material, chosen, tuned)
    if found is not None:
        run.resume(found)
    run.train()
    _settle(made, material, chosen)
    made = made.cpu().to(memory_format=torch.contiguous_format)
    return Outcome(made, run.checks, tuned, run.steps, loop.is_global_zero)


def _teacher(model: nn.Module, device: torch.device) -> nn.Module:
    made = _on(copy.deepcopy(model).eval(), device)
    for each in made.parameters():
        each.requires_grad = False
    return made


def _on(model: nn.Module, device: torch.device) -> nn.Module:
    """The model there, its images in the layout that convolutions are fastest in."""
    return model.to(device).to(memory_format=torch.channels_last)


def _begun(
    bare: nn.Module, forms: Forms, material: Material, knobs: SmartPAF
) -> tuple[nn.Module, tuple[Tuned, ...]]:
    """The network with all layers replaced, scaled and fitted to what the original's inputs are."""
    forget(bare)
    observe(bare, _seen(material, knobs))
    made = swapped(bare, forms)
    if not all(int(each.counts.sum()) for each in scales(made)):
        # A polynomial with an interval of its own has a scale of its own, which has seen nothing.
        activate(made, ())
        forget(made)
        observe(made, _seen(material, knobs))
        activate(made)
    if knobs.scaling is Scaling.STATIC:
        freeze(made, knobs.share, margin=knobs.margin)
    use(made, knobs.scaling)
    fits = Technique.COEFFICIENTS in knobs.techniques
    return made, tune_coefficients(made) if fits else ()


def _settle(model: nn.Module, material: Material, knobs: SmartPAF) -> None:
    """Give the network static scales where it was trained under others."""
    if knobs.scaling is Scaling.DYNAMIC:
        forget(model)
        observe(model, _seen(material, knobs))
        freeze(model, knobs.share, margin=knobs.margin)
    use(model, Scaling.STATIC)


def _seen(material: Material, knobs: SmartPAF) -> Iterator[Tensor]:
    """Training images as they will be trained on, as many as are to be observed."""
    batches = itertools.islice(material.batches.epoch(0), -(-knobs.observed // knobs.batch))
    for each in batches:
        x = torch.tensor(each.x, device=material.fabric.device)
        yield x.contiguous(memory_format=torch.channels_last)


def _tuned_of(listed: Json) -> tuple[Tuned, ...]:
    """What a checkpoint says of how coefficients were tuned."""
    found: list[Tuned] = []
    for each in listed if isinstance(listed, list) else []:
        match each:
            case [str(name), float(before), float(after)]:
                found.append(Tuned(name, before, after))
            case _:
                raise ReadError("a checkpoint's errors are damaged", hint="delete it")
    return tuple(found)
