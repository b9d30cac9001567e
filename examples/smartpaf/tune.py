"""Exchange a trained network's activations and maxima for polynomials, and tune it on images.

    python examples/smartpaf/tune.py RECIPE --data DATA [--weights FILE] [--form f1f1g1g1]
                                     [--techniques ct,pa,at] [--long] [-o OUT.pt2] [--folder RUN]

DATA (or TACIT_DATA) is the data set's folder, or holds it under its usual name. Where no weights
are given the float network is trained first. RUN keeps them, and the state of a tuning, which goes
on from there if it was stopped. README.md beside this file lists the recipes.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path

import torch
from lightning_fabric import Fabric
from networks import load_weights
from recipes import RECIPES, SEED, Recipe
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from tacit.approx import paf
from tacit.data import Batches, Framing, Images, in_order, load_images, split
from tacit.errors import TacitError
from tacit.files import new_file, require_free
from tacit.ir.functions import FloatArray
from tacit.tune.measure import score
from tacit.tune.samples import Samples
from tacit.tune.save import save
from tacit.tune.training import Check, Outcome, SmartPAF, smartpaf, techniques

# The norm that gradients of the float training are cut to: one bad batch must not undo the rest.
CLIP = 5.0
# Images whose ranges are looked at together.
ROWS = 10


def loaded(recipe: Recipe, data: Path) -> tuple[Images, Images]:
    """The training and the test part, from the recipe's folder in `data` or from `data` itself."""
    usual = data / recipe.folder
    place = usual if usual.exists() else data
    side = recipe.shape[-1]
    # He et al. 2016, section 3.4: 224 pixels out of 256.
    framing = Framing(side * 8 // 7, side)
    train = load_images(place, "train", framing=framing)
    test = load_images(place, "test", framing=framing)
    if train.x.shape[1:] != recipe.shape:
        raise SystemExit(f"{place} has images of shape {train.x.shape[1:]}, not {recipe.shape}")
    return train, test


def trained(
    recipe: Recipe,
    images: Images,
    folder: Path,
    told: Callable[[int, float], None] | None = None,
) -> nn.Module:
    """The recipe's network with its own activations, trained on these images, ready to predict.

    Its weights are kept in the folder, and taken from there if they are there already. `told`
    hears of each epoch its number and its mean loss.
    """
    path = folder / f"{recipe.name}.safetensors"
    if not path.exists():
        torch.manual_seed(SEED)
        network = recipe.build(len(images.classes))
        learn(network, recipe, images, told)
        folder.mkdir(parents=True, exist_ok=True)
        with new_file(path) as file:
            save_file(
                {name: each.contiguous() for name, each in network.state_dict().items()}, file
            )
    return load_weights(recipe.build(len(images.classes)), path)


def learn(
    network: nn.Module,
    recipe: Recipe,
    images: Images,
    told: Callable[[int, float], None] | None,
) -> None:
    """Train the network in place, from its first weights on; it ends on the CPU."""
    device = Fabric(accelerator="auto", devices=1).device
    own = recipe.training
    size = min(own.batch, len(images))
    batches = Batches(images, size, SEED, recipe.augmentation, recipe.normalisation, whole=True)
    network.to(device).to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.SGD(
        network.parameters(), own.rate, momentum=0.9, nesterov=True, weight_decay=own.decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, own.rate, total_steps=own.epochs * batches.steps
    )
    for epoch in range(own.epochs):
        total = torch.zeros((), device=device)
        for batch in batches.epoch(epoch):
            x, y = (torch.from_numpy(each).to(device) for each in (batch.x, batch.y))
            optimiser.zero_grad()
            loss = functional.cross_entropy(
                network(x.contiguous(memory_format=torch.channels_last)), y
            )
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), CLIP)
            optimiser.step()
            schedule.step()
            total += loss.detach()
        if told:
            told(epoch + 1, float(total) / batches.steps)
    network.to("cpu")


def settings(recipe: Recipe, chosen: argparse.Namespace) -> SmartPAF:
    """The recipe's knobs, short or long, with those that the command line changes."""
    usual = recipe.long if chosen.long else recipe.knobs
    return replace(usual, techniques=techniques(chosen.techniques), **dict(chosen.knobs))


def tuned(
    network: nn.Module, samples: Samples, knobs: SmartPAF, chosen: argparse.Namespace
) -> Outcome:
    """The network with polynomials, tuned; its state is kept in a folder of its own."""
    names = "-".join(each.value for each in knobs.techniques) or "none"
    title = f"{chosen.recipe}-{chosen.form}-{names}{'-long' * chosen.long}"
    return smartpaf(
        network,
        chosen.form,
        samples,
        knobs,
        folder=chosen.folder / title,
        told=progress if sys.stderr.isatty() else None,
        watch=say,
    )


def progress(done: int, total: int, phase: str) -> None:
    """A line on the screen that the next one overwrites."""
    print(f"{done} of {total} steps, {phase:<40}", end="\r", file=sys.stderr, flush=True)


def learnt(epoch: int, loss: float) -> None:
    """A line for an epoch of the float training."""
    print(f"float training, epoch {epoch}: loss {loss:.4f}", flush=True)


def say(check: Check) -> None:
    """A line for a look at the held-out images."""
    kept = ", kept" if check.kept else ""
    print(
        f"step {check.step} of {check.steps}, {check.candidate}: "
        f"{check.accuracy:.2%} held out, loss {check.loss:.4f}{kept}",
        flush=True,
    )


def typical(recipe: Recipe, train: Images) -> Iterator[FloatArray]:
    """Some training images as the network sees them."""
    count = min(recipe.calibration, len(train) - 1)
    _, some = split(train, count, SEED)
    for batch in in_order(some, ROWS, normalisation=recipe.normalisation):
        yield batch.x.astype(float)


def play(recipe: Recipe, chosen: argparse.Namespace) -> None:
    """Load, train if need be, tune, measure, save."""
    out = chosen.output or chosen.folder / f"{recipe.name}-{chosen.form}.pt2"
    require_free(out, overwrite=chosen.overwrite)
    if out.suffix != ".pt2":
        raise SystemExit(f"{out} is no name of a .pt2 file")
    # What is unknown is refused before anything is trained.
    paf(chosen.form)
    knobs = settings(recipe, chosen)
    images, test = loaded(recipe, chosen.data)
    train, held_out = split(images, chosen.held_out or recipe.held_out, SEED)
    if chosen.test_images and chosen.test_images < len(test):
        _, test = split(test, chosen.test_images, SEED)
    print(
        f"{recipe.name}: {len(train)} training, {len(held_out)} held-out and {len(test)} test "
        f"images of {len(images.classes)} classes"
    )
    if chosen.weights:
        network = load_weights(recipe.build(len(images.classes)), chosen.weights)
    else:
        network = trained(recipe, train, chosen.folder, learnt)
    samples = Samples(train, held_out, recipe.augmentation, recipe.normalisation)
    outcome = tuned(network, samples, knobs, chosen)
    device = Fabric(accelerator="auto", devices=1).device
    for name, part in (("held out", held_out), ("test", test)):
        before, after = (
            score(model.to(device), part, normalisation=recipe.normalisation).accuracy
            for model in (network, outcome.model)
        )
        print(f"{name}: {before:.2%} float, {after:.2%} with polynomials under static scales")
    out.parent.mkdir(parents=True, exist_ok=True)
    # Exports warn of layouts that training is faster in.
    found = outcome.model.cpu().to(memory_format=torch.contiguous_format)
    save(found, out, typical(recipe, train), overwrite=chosen.overwrite)
    print(f"{out} is written: tacit lower {out}")


def knob(text: str) -> tuple[str, object]:
    """NAME=VALUE as a field of SmartPAF and its value."""
    name, _, value = text.partition("=")
    names = (each.name for each in fields(SmartPAF) if each.name != "techniques")
    known = {each: getattr(SmartPAF(), each) for each in names}
    if name not in known:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
    match known[name]:
        case bool():
            if value not in {"true", "false"}:
                raise argparse.ArgumentTypeError(f"{name} is true or false, not {value!r}")
            return name, value == "true"
        case usual:
            return name, type(usual)(value)


def parsed(words: list[str] | None = None) -> argparse.Namespace:
    """The command line's words, or these."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recipe", choices=RECIPES, metavar="RECIPE", help=", ".join(RECIPES))
    parser.add_argument("--data", type=Path, default=os.environ.get("TACIT_DATA"))
    parser.add_argument("--weights", type=Path, help="[those in --folder, or a float training]")
    parser.add_argument("--form", default="f1f1g1g1", help="a form of the sign [f1f1g1g1]")
    parser.add_argument("--techniques", default="ct,pa,at", help="of ct, pa, at, ft [ct,pa,at]")
    parser.add_argument("--long", action="store_true", help="the published schedule")
    parser.add_argument("--knobs", type=knob, nargs="*", default=[], metavar="NAME=VALUE")
    parser.add_argument("--epochs", type=int, help="of the float training [the recipe's]")
    parser.add_argument("--held-out", type=int, help="images that choose [the recipe's]")
    parser.add_argument("--test-images", type=int, help="images of the test part [all]")
    parser.add_argument("-o", "--output", type=Path, help="[RECIPE-FORM.pt2 in --folder]")
    parser.add_argument("--folder", type=Path, help="[build/smartpaf/RECIPE]")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there already")
    chosen = parser.parse_args(words)
    if chosen.data is None:
        parser.error("--data (or TACIT_DATA) names the folder that holds the images")
    chosen.data = Path(chosen.data)
    chosen.folder = chosen.folder or Path("build") / "smartpaf" / chosen.recipe
    return chosen


def main(words: list[str] | None = None) -> None:
    chosen = parsed(words)
    recipe = RECIPES[chosen.recipe]
    if chosen.epochs:
        recipe = replace(recipe, training=replace(recipe.training, epochs=chosen.epochs))
    try:
        play(recipe, chosen)
    except TacitError as wrong:
        raise SystemExit(str(wrong)) from wrong


if __name__ == "__main__":
    main()
