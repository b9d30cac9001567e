"""A binary network for MNIST, trained: signs or zeros and ones between its layers.

    python bench/binary_mnist.py --data DATA [--activations bipolar unipolar] [--epochs 6]
                                 [--threads 2] [--out bench/results/binary_mnist.json]

DATA (or TACIT_DATA) holds mnist/. All weights but norms' are signs. The first layer reads pixels as
they are; every other one reads bits. Nothing is chosen by the test part, which is used once.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import machine
import torch
from torch import nn
from torch.nn import functional

from tacit.data import Batches, Images, cropped, load_images
from tacit.tune import score
from tacit.tune.binarise import (
    QUANTISERS,
    QuantConv2d,
    QuantLinear,
    clip_after_steps,
    flip_ratio,
    signs,
    summary,
)

# By which function activations become bits, and the bit that borders are made of.
ACTIVATIONS = {"bipolar": ("ste_sign", 1.0), "unipolar": ("ste_heaviside", 0.0)}
# MNIST's digits stay the same two pixels to the side.
PADDING = 2


@dataclass(frozen=True)
class Recipe:
    """How such a network is trained: by Adam, whose rate falls along a cosine."""

    activations: str = "bipolar"
    epochs: int = 6
    batch: int = 100
    rate: float = 5e-3
    seed: int = 0


# Told after each epoch: which one, the mean loss, and the share of weights that changed sides.
Watch = Callable[[int, float, float], None]


def network(activations: str) -> nn.Sequential:
    """Three convolutions and two linear layers, of signs, and a norm behind each."""
    name, border = ACTIVATIONS[activations]
    quantiser = QUANTISERS[name]
    signed = {"kernel_quantiser": QUANTISERS["ste_sign"]()}

    def convolution(inputs: int, outputs: int) -> QuantConv2d:
        plain = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        return QuantConv2d(plain, input_quantiser=quantiser(), pad_value=border, **signed)

    def linear(inputs: int, outputs: int) -> QuantLinear:
        plain = nn.Linear(inputs, outputs, bias=False)
        return QuantLinear(plain, input_quantiser=quantiser(), **signed)

    return nn.Sequential(
        QuantConv2d(nn.Conv2d(1, 32, 5, stride=2, padding=2, bias=False), **signed),
        nn.BatchNorm2d(32),
        convolution(32, 64),
        nn.BatchNorm2d(64),
        nn.MaxPool2d(2),
        convolution(64, 64),
        nn.BatchNorm2d(64),
        nn.MaxPool2d(2),
        nn.Flatten(),
        linear(576, 256),
        nn.BatchNorm1d(256),
        linear(256, 10),
        nn.BatchNorm1d(10),
    )


def trained(images: Images, recipe: Recipe, watch: Watch | None = None) -> nn.Sequential:
    """A network that learned the images, at rest."""
    torch.manual_seed(recipe.seed)
    model = network(recipe.activations)
    batches = Batches(images, recipe.batch, recipe.seed, partial(cropped, padding=PADDING))
    optimiser = torch.optim.Adam(model.parameters(), recipe.rate)
    clip_after_steps(optimiser, model)
    steps = recipe.epochs * batches.steps
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for epoch in range(recipe.epochs):
        model.train()
        before, total = signs(model), 0.0
        for batch in batches.epoch(epoch):
            answers = model(torch.from_numpy(batch.x))
            loss = functional.cross_entropy(answers, torch.from_numpy(batch.y))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
        if watch is not None:
            watch(epoch, total / batches.steps, flip_ratio(before, signs(model)))
    return model.eval()


def measured(data: Path, recipe: Recipe) -> dict[str, object]:
    """How long a training takes, and how well its network does on the test part."""

    def tell(epoch: int, loss: float, flips: float) -> None:
        seconds = time.perf_counter() - start
        print(f"epoch {epoch}: loss {loss:.4f}, flips {flips:.3f}, {seconds:.0f} s", flush=True)

    images = load_images(data / "mnist", "train")
    start, begin = time.perf_counter(), time.process_time()
    model = trained(images, recipe, tell)
    seconds, busy = time.perf_counter() - start, time.process_time() - begin
    found = score(model, load_images(data / "mnist", "test"))
    held = summary(model, torch.zeros(1, 1, 28, 28))
    print(held, flush=True)
    return {
        "activations": recipe.activations,
        "epochs": recipe.epochs,
        "test_accuracy": found.accuracy,
        "wall_seconds": round(seconds, 1),
        "cpu_seconds": round(busy, 1),
        "binary_weights": held.binary_weights,
        "binary_products": held.binary_products,
        "bytes": -(-sum(held.memory.values()) // 8),
    }


def main() -> None:
    """Train each network and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("TACIT_DATA"))
    parser.add_argument("--activations", nargs="+", choices=ACTIVATIONS, default=list(ACTIVATIONS))
    parser.add_argument("--epochs", type=int, default=Recipe.epochs)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("bench/results/binary_mnist.json"))
    given = parser.parse_args()
    if given.data is None:
        parser.error("--data (or TACIT_DATA) names the folder that holds mnist/")
    torch.set_num_threads(given.threads)
    runs = []
    for activations in given.activations:
        runs.append(measured(Path(given.data), Recipe(activations, given.epochs)))
        print(json.dumps(runs[-1]), flush=True)
    found = {"machine": machine.description(), "threads": given.threads, "runs": runs}
    given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
