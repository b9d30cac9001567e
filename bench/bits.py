"""Convolutions of bits: compiled kernels beside the machine's limit and other ways to compute.

    python bench/bits.py [--out bench/results/bits.json] [--rounds 200] [--openvino PYTHON]

One core, one image, 3 by 3 kernels. Times are CPU seconds, the least of interleaved rounds, in each
of which a work is done twice and its second time counts. `bits` is from packed bits to packed
bits, `floats` from float32 through packing to float32. The limits are loops of registers alone:
XOR, POPCNT and ADD with AVX-512 VPOPCNTDQ, and without it what AVX2 can do, which is another
sequence and named so. Two cores are measured by the clock on the wall. OpenVINO is measured in its
own process, where a Python that has it is given.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import machine
import numpy as np
import torch
from baselines import limits, single
from baselines.timing import Work, least
from networks.imagenet import Step
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray
from torch import nn

from tacit.arithmetics.binary.kernels import Kernels, Packed, Reference, found
from tacit.arithmetics.binary.ops import Alphabet, BinaryProduct, Reals, Thresholds, Window
from tacit.arithmetics.binary.packing import WordArray
from tacit.arithmetics.binary.prepare import prepared

SEED = 20261127
TAPS = 3
# Channels and side: the convolutions of a residual network.
SHAPES = ((64, 56), (128, 28), (256, 14), (512, 7))
TWO_CORES = (256, 28)
BIPOLAR = Alphabet.BIPOLAR


@dataclass(frozen=True, eq=False)
class Made:
    """A convolution with made-up weights, what comes in, and what becomes of its integers."""

    channels: int
    side: int
    layer: Packed
    bits: WordArray
    floats: NDArray[np.float32]
    thresholds: Thresholds
    reals: Reals

    @property
    def products(self) -> int:
        """Products of one image."""
        return self.channels**2 * TAPS**2 * self.side**2

    @property
    def name(self) -> str:
        """How shapes are told apart."""
        return f"{self.channels}@{self.side}"


def made(channels: int, side: int) -> Made:
    """A convolution that keeps the side; what is outside is +1."""
    generator = np.random.default_rng(SEED)
    weight = generator.choice(np.array([-1, 1], np.int8), (channels, channels, TAPS, TAPS))
    signs = generator.random(channels) < 0.3
    thresholds = Thresholds(BIPOLAR, generator.integers(-20, 20, channels, np.int32), signs)
    ends = (np.full(channels, end, np.int32) for end in (0, TAPS**2 * channels))
    reals = Reals(*ends, *(generator.standard_normal((2, channels)).astype(np.float32)))
    op = BinaryProduct(weight, BIPOLAR, Window((1, 1), ((1, 1),) * 2, (1, 1), border=1), thresholds)
    floats = generator.standard_normal((1, side, side, channels)).astype(np.float32)
    bits = Reference().pack(floats, BIPOLAR, np.zeros(1), np.zeros(1, np.bool_))
    return Made(
        channels, side, prepared(op, (channels, side, side)), bits, floats, thresholds, reals
    )


@intrinsic
def ones(_typing: Any, _x: Any) -> Any:
    """How many bits of a number are 1."""

    def code(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        return builder.ctpop(given[0])

    return types.uint64(types.uint64), code


@njit(nogil=True)
def plain(image: Any, weight: Any, limits_: Any, found_: Any) -> None:
    """The loop that one writes first, on an image with borders; words are of 64 bits."""
    outputs, rows, columns, words = weight.shape
    for y in range(found_.shape[0]):
        for x in range(found_.shape[1]):
            for output in range(outputs):
                total = np.uint64(0)
                for row in range(rows):
                    for column in range(columns):
                        for word in range(words):
                            differ = image[y + row, x + column, word]
                            total += ones(differ ^ weight[output, row, column, word])
                if total > limits_[output]:
                    found_[y, x, output // 32] |= np.uint32(1) << np.uint32(output % 32)


def plain_work(case: Made) -> Work:
    """The plain loop from bits to bits."""
    image = np.zeros((case.side + 2, case.side + 2, case.channels // 64), np.uint64)
    image[1:-1, 1:-1] = case.bits[0].view(np.uint64)
    weight = np.ascontiguousarray(case.layer.weight).view(np.uint64)
    half = np.full(case.channels, TAPS**2 * case.channels // 2, np.uint64)
    result = np.zeros((case.side, case.side, case.channels // 32), np.uint32)
    return Work(lambda _: plain(image, weight, half, result))


def ours(case: Made, kernels: Kernels) -> dict[str, Work]:
    """Bits to bits, and floats to floats."""
    zero, straight = np.zeros(1), np.zeros(1, np.bool_)

    def floats(_: object) -> object:
        bits = kernels.pack(case.floats, BIPOLAR, zero, straight)
        return kernels.product(bits, case.layer, case.reals)

    return {
        "bits": Work(lambda _: kernels.product(case.bits, case.layer, case.thresholds)),
        "floats": Work(floats),
    }


def warm(work: Work) -> Work:
    """The same, once more ahead of each time: what others left in the caches is no part of it."""
    return Work(work.run, lambda: work.run(None))


def measured(case: Made, rounds: int) -> dict[str, object]:
    """Seconds of every way to compute a convolution, in turns."""
    conv = nn.Conv2d(case.channels, case.channels, TAPS, padding=1)
    shape = (case.channels, case.side, case.side)
    step = Step(case.name, conv, (shape,), shape)
    works = {f"ours, {name}": work for name, work in ours(case, found(1)).items()}
    works |= {f"limit, {each.name}": _limit(each) for each in limits.here()}
    works |= {"plain loop, bits": plain_work(case)}
    works |= {f"float32, {name}": work for name, work in single.floats(step, 1).items()}
    works |= {f"int8, {name}": work for name, work in single.integers(step, 1).items()}
    seconds = least({name: warm(work) for name, work in works.items()}, rounds=rounds)
    seconds |= least({"NumPy, bits": ours(case, Reference())["bits"]}, rounds=3)
    return told(case, seconds)


def told(case: Made, seconds: Mapping[str, float]) -> dict[str, object]:
    """A shape's figures: seconds, products a second, and shares."""
    peaks = {each.name: each.total / seconds[f"limit, {each.name}"] for each in limits.here()}
    best = {
        kind: min(value for name, value in seconds.items() if name.startswith(kind))
        for kind in ("float32", "int8")
    }
    rates = {name: case.products / value for name, value in seconds.items() if "limit" not in name}
    bits, floats = seconds["ours, bits"], seconds["ours, floats"]
    return {
        "shape": case.name,
        "products": case.products,
        "limits_in_billions": {name: round(rate / 1e9, 1) for name, rate in peaks.items()},
        "billions_of_products": {name: round(rate / 1e9, 1) for name, rate in rates.items()},
        "microseconds": {
            name: round(1e6 * value, 1) for name, value in seconds.items() if "limit" not in name
        },
        "share_of_limits": {
            name: round(case.products / bits / rate, 3) for name, rate in peaks.items()
        },
        "times_float32": {
            "bits": round(best["float32"] / bits, 1),
            "floats": round(best["float32"] / floats, 1),
        },
        "times_int8": {
            "bits": round(best["int8"] / bits, 1),
            "floats": round(best["int8"] / floats, 1),
        },
    }


def beside(case: Made, python: Path | None, rounds: int) -> dict[str, object]:
    """What OpenVINO takes, or why it was not asked."""
    if python is None:
        return {"skipped": "no Python with OpenVINO was given"}
    script = Path(__file__).parent / "baselines" / "openvino_bits.py"
    command = [str(python), str(script), str(case.channels), str(case.side), str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return {
        "microseconds_floats_to_floats": round(1e6 * result["seconds"], 1),
        "microseconds_without_changes_of_layout": round(1e6 * result["parts"], 1),
        "kernel": result["kernel"],
        "version": result["version"],
    }


def two_cores(rounds: int) -> dict[str, object]:
    """The time on the wall of two threads beside one's; others that use a core make it longer.

    As everywhere here the second of two runs counts, for which threads are awake.
    """
    case = made(*TWO_CORES)
    kernels = {threads: found(threads) for threads in (1, 2)}
    walls = dict.fromkeys(kernels, float("inf"))
    for _ in range(rounds):
        for threads, each in kernels.items():
            each.product(case.bits, case.layer, case.thresholds)
            begin = time.perf_counter()
            each.product(case.bits, case.layer, case.thresholds)
            walls[threads] = min(walls[threads], time.perf_counter() - begin)
    return {
        "shape": case.name,
        "microseconds": {str(threads): round(1e6 * value, 1) for threads, value in walls.items()},
        "times_one": round(walls[1] / walls[2], 2),
        # Above two, others were busy, and two cores could not be had for all of the time.
        "load_average": round(os.getloadavg()[0], 2),
    }


def _limit(limit: limits.Limit) -> Work:
    run = limit.compiled()
    return Work(lambda _: run())


def main() -> None:
    """Measure all, print a line each, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("bench/results/bits.json"))
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--openvino", type=Path, help="a Python that has OpenVINO")
    given = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, object] = {"machine": machine.description(), "seed": SEED, "cores": 1}
    shapes = []
    for channels, side in SHAPES:
        case = made(channels, side)
        shape = measured(case, given.rounds)
        shapes.append(shape | {"openvino": beside(case, given.openvino, given.rounds)})
        print(json.dumps(shapes[-1]), flush=True)
    results["shapes"] = shapes
    results["two_cores"] = two_cores(10 * given.rounds)
    print(json.dumps(results["two_cores"]), flush=True)
    given.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
