"""Train the benchmark's five MNIST networks in plain torch and save them as exported programs.

    python bench/networks/train.py --data DATA [--out bench/.cache] [--only NAME ...]

DATA holds `mnist/*.gz`, the four files of the original distribution; TACIT_DATA is its default.
The first three have the shapes of Orion's models/{mlp,lola,lenet}.py, so that both run the same.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

SEED = 20261120
BATCH = 128
CALIBRATION = 1000


@dataclass(frozen=True)
class Images:
    """Images (count, 1, 28, 28) with pixels in [0, 1], and their labels."""

    x: Tensor
    y: Tensor


class Square(nn.Module):
    """The product of a value with itself."""

    def forward(self, x: Tensor) -> Tensor:
        """The square, entry by entry."""
        return x * x


def mlp_square() -> nn.Module:
    """784-128-128-10 with squares."""
    return nn.Sequential(
        nn.Flatten(),
        *(nn.Linear(784, 128), nn.BatchNorm1d(128), Square()),
        *(nn.Linear(128, 128), nn.BatchNorm1d(128), Square()),
        nn.Linear(128, 10),
    )


def lola() -> nn.Module:
    """LoLA's network (Brutzkus, Elisha, Gilad-Bachrach 2019) as Orion has it."""
    return nn.Sequential(
        *(nn.Conv2d(1, 5, 2, stride=2), nn.BatchNorm2d(5), Square(), nn.Flatten()),
        *(nn.Linear(980, 100), nn.BatchNorm1d(100), Square()),
        nn.Linear(100, 10),
    )


def conv_square() -> nn.Module:
    """conv32-conv64-fc512-fc10 with squares."""
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 5, stride=2, padding=2), nn.BatchNorm2d(32), Square()),
        *(nn.Conv2d(32, 64, 5, stride=2, padding=2), nn.BatchNorm2d(64), Square()),
        *(nn.Flatten(), nn.Linear(3136, 512), nn.BatchNorm1d(512), Square()),
        nn.Linear(512, 10),
    )


def mlp_relu() -> nn.Module:
    """784-128-128-10 with ReLU."""
    return nn.Sequential(
        *(nn.Flatten(), nn.Linear(784, 128), nn.ReLU()),
        *(nn.Linear(128, 128), nn.ReLU()),
        nn.Linear(128, 10),
    )


def lenet_relu() -> nn.Module:
    """A LeNet: two convolutions with ReLU and average pooling, then two linear layers."""
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.AvgPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.AvgPool2d(2)),
        *(nn.Flatten(), nn.Linear(400, 120), nn.ReLU()),
        nn.Linear(120, 10),
    )


@dataclass(frozen=True)
class Recipe:
    """A network and how long it is trained."""

    build: Callable[[], nn.Module]
    epochs: int
    rate: float = 3e-3
    decay: float = 0.05


RECIPES = {
    "mlp_square": Recipe(mlp_square, epochs=12),
    "lola": Recipe(lola, epochs=12),
    "conv_square": Recipe(conv_square, epochs=6),
    "mlp_relu": Recipe(mlp_relu, epochs=12),
    "lenet_relu": Recipe(lenet_relu, epochs=10),
}


def load(folder: Path, name: str) -> Images:
    """The images called `name`: "train" or "t10k"."""
    # The idx format: 16 bytes before the pixels, 8 before the labels.
    pixels = gzip.decompress((folder / f"{name}-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((folder / f"{name}-labels-idx1-ubyte.gz").read_bytes())[8:]
    x = np.frombuffer(pixels, np.uint8).reshape(-1, 1, 28, 28) / np.float32(255)
    return Images(
        torch.from_numpy(x), torch.from_numpy(np.frombuffer(labels, np.uint8).astype(int))
    )


def shifted(x: Tensor, generator: torch.Generator) -> Tensor:
    """The batch moved by at most a pixel in each direction."""
    down, right = torch.randint(0, 3, (2,), generator=generator).tolist()
    return nn.functional.pad(x, (1, 1, 1, 1))[..., down : down + 28, right : right + 28]


def train(recipe: Recipe, images: Images) -> nn.Module:
    """The recipe's network, trained, in evaluation mode."""
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    network = recipe.build()
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.rate, total_steps=recipe.epochs * -(-len(images.x) // BATCH)
    )
    for _ in range(recipe.epochs):
        for rows in torch.randperm(len(images.x), generator=generator).split(BATCH):
            optimiser.zero_grad()
            scores = network(shifted(images.x[rows], generator))
            nn.functional.cross_entropy(scores, images.y[rows], label_smoothing=0.02).backward()
            # A square's gradient grows with its input: one bad batch must not throw the rest away.
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
    return network.eval()


def accuracy(network: nn.Module, images: Images) -> float:
    """The share of images that the network answers rightly."""
    with torch.no_grad():
        answers = torch.cat([network(x).argmax(1) for x in images.x.split(1000)])
    return float((answers == images.y).double().mean())


def save(network: nn.Module, path: Path) -> None:
    """Write the network as an exported program that takes any batch."""
    # An own example: a view would be saved with all the images that it looks at.
    example, batch = torch.zeros(2, 1, 28, 28), torch.export.Dim("batch")
    torch.export.save(torch.export.export(network, (example,), dynamic_shapes=({0: batch},)), path)


def main() -> None:
    """Train what was asked for, and note the accuracies beside the networks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("TACIT_DATA"))
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / ".cache")
    parser.add_argument("--only", nargs="*", choices=RECIPES, default=list(RECIPES))
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    if chosen.data is None:
        parser.error("--data (or TACIT_DATA) names the folder that holds mnist/")
    torch.set_num_threads(chosen.threads)
    chosen.out.mkdir(parents=True, exist_ok=True)
    images, unseen = (load(chosen.data / "mnist", name) for name in ("train", "t10k"))
    np.savez_compressed(chosen.out / "mnist-calibration.npz", x=images.x[:CALIBRATION].numpy())
    np.savez_compressed(chosen.out / "mnist-test.npz", x=unseen.x.numpy(), y=unseen.y.numpy())
    notes = chosen.out / "networks.json"
    known = json.loads(notes.read_text()) if notes.exists() else {}
    for name in chosen.only:
        start = time.perf_counter()
        network = train(RECIPES[name], images)
        save(network, chosen.out / f"{name}.pt2")
        known[name] = {
            "file": f"{name}.pt2",
            "test_accuracy": accuracy(network, unseen),
            "test_images": len(unseen.x),
            "epochs": RECIPES[name].epochs,
            "seed": SEED,
            "train_seconds": round(time.perf_counter() - start, 1),
        }
        notes.write_text(json.dumps(known, indent=2) + "\n")
        print(name, known[name])


if __name__ == "__main__":
    main()
