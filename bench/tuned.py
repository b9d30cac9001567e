"""Tuned networks lowered to CKKS: simulation against torch, ciphertexts against simulation.

    python bench/tuned.py --data DATA [--rows 20] [--out bench/results/tuned.json]

Uses what bench/smartpaf.py left in bench/.cache/smartpaf/: the Fashion-MNIST network with alpha7
for every ReLU and max-pooling, which lowers whole and is simulated on all 10,000 test images, and
ResNet-20 with alpha7, which is too deep for CKKS without bootstrapping, so that what is read back
of it is compared with torch. A network on scikit-learn's digits, tuned here, answers encrypted.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import machine
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

import tacit
from tacit import CKKS
from tacit.data import IMAGENET, Images, load_images, measured, split
from tacit.errors import DepthExceeded
from tacit.tune.samples import Samples
from tacit.tune.save import load
from tacit.tune.training import SmartPAF, smartpaf

ROOT = Path(__file__).parents[1]
CACHE = ROOT / "bench" / ".cache" / "smartpaf"
SEED, PIECE = 20261127, 100
# 57 levels: fewer bits of precision leave room for them at 128 bits of security.
PRECISION = 12
Record = dict[str, object]


def in_torch(model: nn.Module, x: np.ndarray) -> np.ndarray:
    """The network's scores as torch computes them under static scales."""
    with torch.no_grad():
        parts = [model(torch.from_numpy(x[k : k + PIECE])) for k in range(0, len(x), PIECE)]
    return torch.cat(parts).numpy()


def compared(ours: np.ndarray, theirs: np.ndarray, labels: np.ndarray) -> Record:
    """Accuracies of two sets of scores, and how far they agree.

    Where an image leaves a scale far enough its scores are not finite: it counts as wrong in both.
    """
    finite = np.isfinite(ours).all(1) & np.isfinite(theirs).all(1)
    gaps = np.abs(ours - theirs)[finite].max(1)
    return {
        "images": len(labels),
        "accuracy": float(np.mean((ours.argmax(1) == labels) & finite)),
        "accuracy_in_torch": float(np.mean((theirs.argmax(1) == labels) & finite)),
        "same_prediction": int(np.sum((ours.argmax(1) == theirs.argmax(1)) | ~finite)),
        "not_finite": int(np.sum(~finite)),
        "largest_difference": float(gaps.max()),
        "median_difference": float(np.median(gaps)),
    }


def fashion(data: Path) -> Record:
    """Lowered whole: every test image simulated."""
    test = load_images(data / "fashion-mnist", "test")
    x = test.normalisation(test.x)
    path = CACHE / "fashion-alpha7.pt2"
    theirs = in_torch(load(path), x)
    begin = time.process_time()
    program = tacit.lower(tacit.read(path), CKKS(precision=PRECISION))
    lowered = time.process_time() - begin
    begin = time.process_time()
    wide = x.astype(np.float64)
    ours = np.concatenate([program(wide[k : k + PIECE]) for k in range(0, len(x), PIECE)])
    return {
        **compared(ours, theirs, test.y),
        "lowering_cpu_seconds": round(lowered, 1),
        "simulation_cpu_seconds": round(time.process_time() - begin, 1),
        "audit": dict(program.arithmetic.audit(program.arithmetic.cut(program)[0])),
    }


def resnet20(data: Path) -> Record:
    """Read back, and how deep it is."""
    test = load_images(data / "cifar-10-batches-bin", "test").only(np.arange(1000))
    x = IMAGENET(test.x)
    path = CACHE / "resnet20-alpha7.pt2"
    graph = tacit.read(path)
    wide = x.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        ours = np.concatenate([graph(wide[k : k + PIECE]) for k in range(0, len(x), PIECE)])
    found = compared(ours, in_torch(load(path), x), test.y)
    try:
        tacit.lower(graph, CKKS())
    except DepthExceeded as deep:
        found["lowering"] = str(deep.message)
    return found


def digits(rows: int) -> Record:
    """Tuned here, then on ciphertexts at 128 bits."""
    bunch = load_digits()
    pixels = (bunch.images / 16.0).astype(np.float32)[:, None]
    images = Images(pixels, bunch.target.astype(np.int64), tuple("0123456789"), measured(pixels))
    rest, test = split(images, 397, SEED)
    train, held_out = split(rest, 300, SEED)
    torch.manual_seed(SEED)
    network = nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten()),
        *(nn.Linear(128, 32), nn.ReLU(), nn.Linear(32, 10)),
    )
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    inputs = torch.from_numpy(images.normalisation(train.x))
    labels = torch.tensor(train.y)
    for _ in range(20):
        for each in torch.randperm(len(labels)).split(50):
            optimiser.zero_grad()
            functional.cross_entropy(network(inputs[each]), labels[each]).backward()
            optimiser.step()
    knobs = SmartPAF(seed=SEED, batch=50, layer_steps=20, steps=40, joint=100, check=20)
    tuned = smartpaf(network.eval(), "f1g2", Samples(train, held_out), knobs).model
    x = images.normalisation(test.x)
    program = tacit.compile(tuned, images.normalisation(train.x).astype(np.float64), CKKS())
    simulated = program(x.astype(np.float64))
    engine = program.engine()
    seconds, answers = [], []
    for k in range(rows):
        sealed = engine.client.seal(x[k : k + 1].astype(np.float64), clip=True)
        begin = time.process_time()
        answer = engine.server.answer(sealed)
        seconds.append(time.process_time() - begin)
        answers.append(engine.client.open(answer, 1))
    wanted = program(np.clip(x[:rows], x_low(train, images), x_high(train, images)))
    opened = np.concatenate(answers)
    return {
        **compared(simulated, in_torch(tuned, x), test.y),
        "float_accuracy": float(np.mean(in_torch(network, x).argmax(1) == test.y)),
        "encrypted": rows,
        "encrypted_same_as_simulated": int(np.sum(opened.argmax(1) == wanted.argmax(1))),
        "encrypted_largest_difference": float(np.abs(opened - wanted).max()),
        "encrypted_cpu_seconds": float(np.median(seconds)),
        "predicted_cpu_seconds": program.cost.seconds,
        "audit": dict(program.arithmetic.audit(program.arithmetic.cut(program)[0])),
    }


def x_low(train: Images, images: Images) -> float:
    """The least input that calibration saw."""
    return float(images.normalisation(train.x).min())


def x_high(train: Images, images: Images) -> float:
    """The largest input that calibration saw."""
    return float(images.normalisation(train.x).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("TACIT_DATA"))
    parser.add_argument("--rows", type=int, default=20)
    parser.add_argument("--only", nargs="*", default=["digits", "fashion", "resnet20"])
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results" / "tuned.json")
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("--data (or TACIT_DATA) names the folder that holds the images")
    results: Record = {"machine": machine.description(), "tuned": {}}
    if arguments.out.exists():
        results["tuned"] = json.loads(arguments.out.read_text())["tuned"]
    measured_ = results["tuned"]
    assert isinstance(measured_, dict)
    works = {
        "digits": lambda: digits(arguments.rows),
        "fashion": lambda: fashion(arguments.data),
        "resnet20": lambda: resnet20(arguments.data),
    }
    for name in arguments.only:
        measured_[name] = works[name]()
        print(name, measured_[name], flush=True)
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
