"""The verifier's kernels: what checking, rescaling, pooling and summing an answer takes.

    python bench/field_kernels.py [--out bench/results/field_kernels.json] [--rounds 20]

One core, batch 1, made-up weights and answers: what is timed does not depend on the numbers. Times
are of CPU, so that other processes do not count, though they do slow memory and caches. The check
alone is set against the bandwidth at which the same run reads the same memory. A network's answers
are more than a cache holds, and are gone through layer by layer, so that each comes from memory.
Preparing the challenges is ahead of the answer and timed apart.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import machine
import numpy as np
from numba import njit
from numpy.typing import NDArray

from tacit.arithmetics.field.ops import Convolution, Dense, Product, Rescale, Totals
from tacit.arithmetics.field.verify.challenge import Challenge
from tacit.arithmetics.field.verify.local import depthwise, totals
from tacit.arithmetics.field.verify.prime import Prime
from tacit.arithmetics.field.verify.stage import Source, stage
from tacit.ir.ops import Pool, PoolKind

SEED = 20261127
# Rows, columns and outputs of answers that are checked and nothing else: 51 MB the largest.
ANSWERS = ((224, 224, 64), (448, 448, 64), (112, 112, 128), (56, 56, 256), (7, 7, 512))
# Side, inputs and outputs of VGG-16's convolutions, and whether a pooling follows.
VGG = (
    (224, 3, 64, False),
    (224, 64, 64, True),
    (112, 64, 128, False),
    (112, 128, 128, True),
    (56, 128, 256, False),
    (56, 256, 256, False),
    (56, 256, 256, True),
    (28, 256, 512, False),
    (28, 512, 512, False),
    (28, 512, 512, True),
    (14, 512, 512, False),
    (14, 512, 512, False),
    (14, 512, 512, True),
)
# Side, channels and stride of MobileNetV1's depthwise layers.
DEPTHWISE = (
    (112, 32, 1),
    (112, 64, 2),
    (56, 128, 1),
    (56, 128, 2),
    (28, 256, 1),
    (28, 256, 2),
    *((14, 512, 1),) * 5,
    (14, 512, 2),
    (7, 1024, 1),
)
HALVED = Pool(PoolKind.MAXIMUM, (2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1))
FIRST = Pool(PoolKind.MAXIMUM, (3, 3), (2, 2), ((1, 1), (1, 1)), (1, 1))
Step = Callable[[], object]


@dataclass(frozen=True)
class Made:
    """Made-up weights, answers and rescalings."""

    generator: np.random.Generator

    def convolution(self, inputs: int, outputs: int, size: int, stride: int = 1) -> Convolution:
        """One with as much padding as keeps the side."""
        pads = ((size // 2, size // 2),) * 2
        weight = self.weight(outputs, inputs, size, size)
        return Convolution(weight, (stride, stride), pads, (1, 1))

    def weight(self, *shape: int) -> NDArray[np.int16]:
        """Weights of eight bits."""
        return self.generator.integers(-127, 128, shape).astype(np.int16)

    def answer(self, *shape: int) -> NDArray[np.int32]:
        """A worker's answer."""
        return self.generator.integers(-(2**24), 2**24, shape, np.int32)

    def rescale(self, channels: int, sources: int = 1) -> Rescale:
        """Multipliers of 31 bits and a shift."""
        multipliers = self.generator.integers(2**30, 2**31, (sources, channels))
        offset = self.generator.integers(-(2**40), 2**40, channels)
        return Rescale(multipliers, offset, 48, 0, 255)


@dataclass(frozen=True, eq=False)
class Network:
    """What a verifier does with a network's answers, and the products that it checks."""

    steps: Sequence[tuple[str, Step]]
    products: Sequence[tuple[Product, tuple[int, ...]]]
    outputs: int


def asked(product: Product, shape: tuple[int, ...]) -> Challenge:
    """A challenge of one repetition."""
    return Challenge.fresh(product, shape, Prime.P52, 1)


def vgg(made: Made) -> Network:
    """VGG-16's convolutions and dense layers at 224x224."""
    products: list[tuple[Product, tuple[int, ...]]] = [
        (made.convolution(inputs, outputs, 3), (inputs, side, side))
        for side, inputs, outputs, _ in VGG
    ]
    dense = ((25088, 4096), (4096, 4096), (4096, 1000))
    products += [(Dense(made.weight(outputs, inputs)), (inputs,)) for inputs, outputs in dense]
    challenges = [asked(*each) for each in products]
    image = made.generator.integers(0, 256, (1, 224, 224, 3)).astype(np.uint8)
    steps: list[tuple[str, Step]] = [("input", lambda: challenges[0].right(image))]
    for k, challenge in enumerate(challenges):
        source = Source(made.answer(1, *challenge.result), challenge)
        rescale = made.rescale(challenge.result[2])
        pool = HALVED if k < len(VGG) and VGG[k][3] else None
        steps.append((f"layer{k + 1}", passed([source], rescale, pool, challenges[k + 1 : k + 2])))
    return Network(steps, products, sum(int(np.prod(each.result)) for each in challenges))


def passed(
    sources: Sequence[Source], rescale: Rescale, pool: Pool | None, consumers: Sequence[Challenge]
) -> Step:
    """One stage, to be run again and again."""
    return lambda: stage(sources, rescale, pool, consumers)


def resnet(made: Made) -> Network:
    """ResNet-18 at 224x224."""
    products: list[tuple[Product, tuple[int, ...]]] = [
        (made.convolution(3, 64, 7, 2), (3, 224, 224))
    ]
    width, side = 64, 56
    for channels in (64, 64, 128, 128, 256, 256, 512, 512):
        stride = channels // width
        products.append((made.convolution(width, channels, 3, stride), (width, side, side)))
        if stride == 2:
            products.append((made.convolution(width, channels, 1, stride), (width, side, side)))
        width, side = channels, side // stride
        products.append((made.convolution(width, width, 3), (width, side, side)))
    products.append((Dense(made.weight(1000, 512)), (512,)))
    challenges = [asked(*each) for each in products]
    image = made.generator.integers(0, 256, (1, 224, 224, 3)).astype(np.uint8)
    steps: list[tuple[str, Step]] = [("input", lambda: challenges[0].right(image))]
    answers = [Source(made.answer(1, *each.result), each) for each in challenges]
    steps.append(("stem", passed(answers[:1], made.rescale(64), FIRST, challenges[1:2])))
    k = 1
    for block, channels in enumerate((64, 64, 128, 128, 256, 256, 512, 512)):
        halves = block in {2, 4, 6}
        later = k + (3 if halves else 2)
        next_ones = challenges[later : later + (2 if block in {1, 3, 5} else 1)]
        steps.append(
            (
                f"block{block + 1}.1",
                passed(answers[k : k + 1], made.rescale(channels), None, [challenges[later - 1]]),
            )
        )
        second = answers[later - 1]
        shape = second.values.shape
        identity = Source(made.generator.integers(0, 256, shape).astype(np.uint8))
        both = [second, answers[k + 1] if halves else identity]
        consumers = next_ones if block < 7 else []
        steps.append(
            (f"block{block + 1}.2", passed(both, made.rescale(channels, 2), None, consumers))
        )
        k = later
    features = made.generator.integers(0, 256, (1, 7, 7, 512)).astype(np.uint8)
    average = Totals((7, 7), (1, 1), ((0, 0), (0, 0)))
    rescale = made.rescale(512)
    steps.append(
        (
            "average",
            lambda: stage([Source(totals(features, average))], rescale, None, challenges[-1:]),
        )
    )
    steps.append(("dense", lambda: challenges[-1].left(answers[-1].values.view(np.int32))))
    return Network(steps, products, sum(int(np.prod(each.result)) for each in challenges))


def timed(step: Step) -> float:
    """Seconds of CPU of one run."""
    begin = time.thread_time()
    step()
    return time.thread_time() - begin


def measured(network: Network, rounds: int) -> dict[str, object]:
    """A network's milliseconds, layer by layer, the least and the median of all rounds."""
    runs = np.array([[timed(step) for _, step in network.steps] for _ in range(rounds + 1)])[1:]
    prepared = []
    for _ in range(3):
        prepared.append(sum(timed(lambda each=each: asked(*each)) for each in network.products))
    return {
        "outputs": network.outputs,
        "milliseconds": round(1e3 * float(runs.sum(axis=1).min()), 3),
        "milliseconds_of_least_layers": round(1e3 * float(runs.min(axis=0).sum()), 3),
        "milliseconds_median": round(1e3 * float(np.median(runs.sum(axis=1))), 3),
        "nanoseconds_an_output": round(1e9 * float(runs.sum(axis=1).min()) / network.outputs, 3),
        "milliseconds_to_prepare": round(1e3 * min(prepared), 1),
        "microseconds_by_layer": {
            name: round(1e6 * float(best), 1)
            for (name, _), best in zip(network.steps, runs.min(axis=0), strict=True)
        },
    }


@njit(nogil=True)
def _read(values: NDArray[np.uint64]) -> np.uint64:
    total = np.uint64(0)
    for value in values:
        total ^= value
    return total


def checks(made: Made, rounds: int) -> list[dict[str, object]]:
    """The check alone, and plain reading, in turns over memory that no cache holds."""
    found = []
    for height, width, outputs in ANSWERS:
        product = made.convolution(8, outputs, 3)
        challenge = asked(product, (8, height, width))
        images = max(1, 2**26 // (4 * height * width * outputs))
        answer = made.answer(images, *challenge.result)
        words = answer.reshape(-1).view(np.uint64)
        steps = (lambda a=answer, c=challenge: c.left(a)), (lambda w=words: _read(w))
        runs = np.array([[timed(step) for step in steps] for _ in range(rounds + 1)])[1:]
        check, read = (answer.nbytes / 1e9 / float(each) for each in runs.min(axis=0))
        found.append(
            {
                "answer": [images, height, width, outputs],
                "check_gigabytes_a_second": round(check, 2),
                "read_gigabytes_a_second": round(read, 2),
                "share": round(check / read, 3),
                "share_of_medians": round(float(np.divide(*np.median(runs, axis=0)[::-1])), 3),
            }
        )
        print(json.dumps(found[-1]), flush=True)
    return found


def alone(made: Made, rounds: int) -> dict[str, object]:
    """MobileNetV1's depthwise layers, which the verifier computes by itself."""
    steps = []
    for side, channels, stride in DEPTHWISE:
        pads = ((1, 1), (1, 1))
        weight = made.weight(channels, 1, 3, 3)
        op = Convolution(weight, (stride, stride), pads, (1, 1), channels)
        x = made.generator.integers(0, 256, (1, side, side, channels)).astype(np.uint8)
        steps.append(lambda x=x, op=op: depthwise(x, op))
    runs = np.array([[timed(step) for step in steps] for _ in range(rounds + 1)])[1:]
    return {"milliseconds": round(1e3 * float(runs.sum(axis=1).min()), 3)}


def main() -> None:
    """Measure all, print a line each, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("bench/results/field_kernels.json"))
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    made = Made(np.random.default_rng(SEED))
    found: dict[str, object] = {"machine": machine.description(), "seed": SEED, "cores": 1}
    found["checks"] = checks(made, given.rounds)
    for name, build in (("vgg16", vgg), ("resnet18", resnet)):
        found[name] = measured(build(made), given.rounds)
        print(json.dumps({name: found[name]}), flush=True)
    found["mobilenet_depthwise"] = alone(made, given.rounds)
    print(json.dumps(found["mobilenet_depthwise"]), flush=True)
    given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
