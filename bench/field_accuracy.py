"""Accuracy in the field's integers: ResNet-20 on all 10,000 test images of CIFAR-10.

    python bench/field_accuracy.py --data DATA [--only int8 6-bit ...] [--images 10000]
                                   [--out bench/results/field_accuracy.json]

DATA (or TACIT_DATA) holds cifar-10-batches-bin/ and weights/. Ranges are calibrated on training
images. The lowered graph is evaluated node by node with `run`, but for its convolutions, whose sums
torch computes as a matrix product of floats: singles where every |x|_max · ||W_j||_1 is below 2^24,
doubles elsewhere, so that no partial sum is ever rounded, in whatever order. What comes out is the
same, bit for bit, as `run` alone gives on some of the images; the script refuses to go on if not.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import machine
import numpy as np
import torch
from torch.nn import functional

from tacit.arithmetics.field.lower import lower
from tacit.arithmetics.field.ops import Convolution
from tacit.arithmetics.field.settings import Format, Search, Settings
from tacit.data import IMAGENET, Images, load_images, split
from tacit.errors import WidthExceeded
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph, Input, Node, carried_out
from tacit.passes.calibrate import MINMAX, calibrate
from tacit.passes.choices import Choice, MeanSquare
from tacit.passes.fold import fold
from tacit.passes.fuse import fuse
from tacit.read import read
from tacit.tune.measure import score

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "examples" / "smartpaf"))

import networks  # noqa: E402 (it is found there)

# Ten images' activations fit in a cache.
SEED, CALIBRATION, ROWS, COMPARED = 20261127, 256, 10, 8
# At most this many points below float is the aim at 8 bits.
TARGET = 0.5
SINGLE = 2**24


@dataclass(frozen=True)
class Case:
    """How the network is quantised, and how its ranges are chosen."""

    settings: Settings
    choice: Choice = MINMAX


CASES = {
    "int8": Case(Settings()),
    "power-of-two": Case(Settings(power_of_two=True)),
    "6-bit": Case(Settings(6, 6, search=Search.MSE), MeanSquare(6)),
    "4-bit": Case(Settings(4, 4, search=Search.MSE), MeanSquare(4)),
}
FRACTIONS = range(8, 2, -1)


def sums(node: Node, x: FloatArray) -> FloatArray:
    """A convolution's integers, exactly."""
    op = node.op
    assert isinstance(op, Convolution)
    norms = np.abs(op.weight.astype(np.int64)).reshape(len(op.weight), -1).sum(axis=1)
    exact = float(norms.max()) * float(np.abs(x).max()) < SINGLE
    kind = torch.float32 if exact else torch.float64
    pads = [width for pair in reversed(op.padding) for width in pair]
    weight = torch.from_numpy(op.weight).to(kind)
    # Without oneDNN it is a matrix product of windows, and no fast transform that rounds.
    with torch.backends.mkldnn.flags(enabled=False):
        padded = functional.pad(torch.from_numpy(x).to(kind), pads)
        found = functional.conv2d(padded, weight, None, op.stride, 0, op.dilation, op.groups)
    result: FloatArray = found.to(torch.float64).numpy()
    return result


def answers(graph: Graph, x: FloatArray, *, fast: bool) -> FloatArray:
    """The lowered graph's results."""

    def computed(node: Node, args: list[FloatArray]) -> FloatArray:
        if isinstance(node.op, Input):
            return x
        if fast and isinstance(node.op, Convolution):
            return sums(node, args[0])
        return node.op.run(*args)

    return dict(carried_out(graph, computed))[graph.outputs[0]]


def normalised(images: Images) -> FloatArray:
    return IMAGENET(images.x).astype(np.float64)


def measured(graph: Graph, test: Images) -> dict[str, object]:
    """How often the lowered network is right, and how long that took to find out."""
    few = normalised(test.only(np.arange(COMPARED)))
    if not np.array_equal(answers(graph, few, fast=True), answers(graph, few, fast=False)):
        raise SystemExit("the fast evaluation is not exact")
    start, right = time.process_time(), 0
    for first in range(0, len(test), ROWS):
        part = test.only(np.arange(first, min(first + ROWS, len(test))))
        found = answers(graph, normalised(part), fast=True).argmax(axis=1)
        right += int((found == part.y).sum())
    return {
        "right": right,
        "accuracy": round(100.0 * right / len(test), 2),
        "images": len(test),
        "compared_with_run": COMPARED,
        "cpu_seconds": round(time.process_time() - start, 1),
    }


def float_accuracy(model: torch.nn.Module, test: Images) -> dict[str, object]:
    found = score(model, test, normalisation=IMAGENET)
    return {"accuracy": round(100.0 * found.accuracy, 2), "images": found.images}


def slalom(graph: Graph) -> tuple[Settings, Graph, list[str]]:
    """Slalom's format with the most bits behind the point that are proven, and why not more."""
    refused = []
    for fraction in FRACTIONS:
        settings = Settings(format=Format.SLALOM, fraction=fraction)
        try:
            return settings, lower(graph, settings), refused
        except WidthExceeded as wrong:
            refused.append(f"fraction {fraction}: {wrong.message}")
    raise SystemExit("no fraction is proven")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("TACIT_DATA"))
    parser.add_argument("--only", nargs="*", choices=[*CASES, "slalom"])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument(
        "--out", type=Path, default=ROOT / "bench" / "results" / "field_accuracy.json"
    )
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("--data (or TACIT_DATA) names the folder that holds the images")
    # Said wherever oneDNN is switched off, of a GPU that is not used.
    warnings.filterwarnings("ignore", message="TF32 acceleration")
    torch.set_num_threads(1)
    folder = Path(arguments.data) / "cifar-10-batches-bin"
    weights = Path(arguments.data) / "weights" / "resnet20_cifar10_akamaster.npz"
    model = networks.load_weights(networks.CifarResNet(), weights).eval()
    test = load_images(folder, "test").only(np.arange(arguments.images))
    _, typical = split(load_images(folder, "train"), CALIBRATION, SEED)
    x = normalised(typical)
    graph = fuse(fold(read(model, x[:2])))
    wanted = arguments.only or [*CASES, "slalom"]
    ranged: dict[Choice, Graph] = {}
    results: dict[str, object] = {
        "machine": machine.description() | {"torch": torch.__version__, "cores_used": 1},
        "seed": SEED,
        "calibration_images": CALIBRATION,
        "target_points": TARGET,
        "float": float_accuracy(model, test),
    }
    print("float", results["float"], flush=True)
    for name in wanted:
        case = CASES.get(name, Case(Settings(format=Format.SLALOM)))
        if case.choice not in ranged:
            batches = np.split(x, range(ROWS, CALIBRATION, ROWS))
            ranged[case.choice] = calibrate(graph, batches, choice=case.choice)
        settings, refused = case.settings, []
        if name == "slalom":
            settings, lowered, refused = slalom(ranged[case.choice])
        else:
            lowered = lower(ranged[case.choice], settings)
        knobs = {key: getattr(each, "value", each) for key, each in asdict(settings).items()}
        found = measured(lowered, test) | {"settings": knobs, "ranges": repr(case.choice)}
        results[name] = found | ({"refused": refused} if refused else {})
        print(name, {key: found[key] for key in ("accuracy", "cpu_seconds")}, refused, flush=True)
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
