"""An untrusted worker's speed: exact integer products beside floats on the same device.

    python bench/field_worker.py [--device cpu] [--threads 1] [--out bench/results/worker.json]

Every back end is compared with 64-bit integers on random layers, then timed on layers of a ResNet
and on the products of whole networks with random weights, transfers to and from the device counted.
Beside it the same network runs in floats, as torch has it, nothing coming back but the last layer.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from field_stacks import SEED, as_floats, convolution, resnet, vgg
from numpy.typing import NDArray
from torch import Tensor

from tacit.arithmetics.field.ops import Convolution, Dense, Product
from tacit.arithmetics.field.promises import Mode
from tacit.arithmetics.field.worker import Products, Worker, worker_graph
from tacit.arithmetics.field.worker.found import Found, back_ends, by_definition, quickest
from tacit.ir.graph import Graph, Shape

PATIENCE = 0.25
ONE = (1, 1)
# (inputs, size, outputs, kernel, stride) of ResNet-18 at 224 x 224.
LAYERS = (
    (3, 224, 64, 7, 2),
    (64, 56, 64, 3, 1),
    (128, 28, 128, 3, 1),
    (256, 14, 256, 3, 1),
    (512, 7, 512, 3, 1),
)


def multiplications(product: Product, shape: Shape) -> int:
    """How many products of two numbers a row takes."""
    spots = np.prod(product.shape(shape)) // len(product.weight)
    return int(product.weight.size * spots)


def seconds(work: Callable[[], object]) -> float:
    """The least time of several runs, which end on the host."""
    work()
    best, spent = np.inf, 0.0
    while spent < PATIENCE:
        begin = time.perf_counter()
        work()
        taken = time.perf_counter() - begin
        best, spent = min(best, taken), spent + taken
    return float(best)


def finished(value: object) -> None:
    """Wait for the device."""
    if isinstance(value, Tensor) and value.is_cuda:
        torch.cuda.synchronize()


def exactness(products: Products, count: int) -> dict[str, int]:
    """How many random layers are wrong, plain and masked."""
    generator = np.random.default_rng(SEED)
    wrong = {"layers": count, "wrong": 0, "wrong_masked": 0}
    for _ in range(count):
        product, shape = random_layer(generator)
        image = (2, *shape[1:], shape[0]) if len(shape) == 3 else (2, *shape)
        prepared = products.prepare(product, shape)
        x = generator.integers(0, 255, image, np.uint8, endpoint=True)
        masked = generator.integers(0, 2**32 - 1, image, np.uint32, endpoint=True)
        plain = by_definition(prepared.layer, x)
        wide = by_definition(prepared.layer, masked).view(np.uint32)
        wrong["wrong"] += not np.array_equal(products.product(prepared, x), plain)
        wrong["wrong_masked"] += not np.array_equal(products.masked(prepared, masked), wide)
    return wrong


def random_layer(generator: np.random.Generator) -> tuple[Product, Shape]:
    """A layer of any kind; a third of them dense, some depthwise, weights as large as may be."""

    def extreme(*shape: int) -> NDArray[np.int16]:
        most = generator.choice([1, 127])
        return generator.integers(-most, most, shape, np.int16, endpoint=True) // most * 127

    kind = generator.integers(3)
    inner, outer = (int(each) for each in generator.integers(1, 40, 2))
    if kind == 0:
        return Dense(extreme(outer, 50 * inner)), (50 * inner,)
    groups = int(generator.integers(1, 5)) if kind == 1 else inner
    inner = inner if kind == 1 else 1
    kernel, step = int(generator.choice([1, 3, 5])), int(generator.integers(1, 3))
    sides = tuple((int(a), int(b)) for a, b in generator.integers(0, 3, (2, 2)))
    shape = (inner * groups, *(int(each) for each in generator.integers(5, 16, 2)))
    weight = extreme(outer * groups, inner, kernel, kernel)
    return Convolution(weight, (step, step), sides, ONE, groups), shape


def layer_speed(products: Products, layer: tuple[int, ...], batch: int) -> dict[str, object]:
    """Billions of products of two numbers a second: on the device, with transfers, and masked."""
    inputs, size, outputs, kernel, stride = layer
    generator = np.random.default_rng(SEED)
    product = convolution(generator, inputs, outputs, kernel, stride)
    prepared = products.prepare(product, (inputs, size, size))
    x = generator.integers(0, 255, (batch, size, size, inputs), np.uint8, endpoint=True)
    masked = generator.integers(0, 2**32 - 1, x.shape, np.uint32, endpoint=True)
    there = products.words.given(x)
    work = batch * multiplications(product, (inputs, size, size)) / 1e9
    on_device = seconds(lambda: finished(products.apply(prepared, there)))
    return {
        "layer": f"{inputs}x{size}x{size} to {outputs}, {kernel}x{kernel}/{stride}",
        "batch": batch,
        "gmac_per_second": round(work / on_device, 1),
        "with_transfers": round(work / seconds(lambda: products.product(prepared, x)), 1),
        "masked_with_transfers": round(
            work / seconds(lambda: products.masked(prepared, masked)), 1
        ),
    }


def float_speed(
    device: str, kind: torch.dtype, layer: tuple[int, ...], batch: int
) -> dict[str, object]:
    """The same layer as torch's convolution of floats, on the device."""
    inputs, size, outputs, kernel, stride = layer
    product = convolution(np.random.default_rng(SEED), inputs, outputs, kernel, stride)
    last = torch.channels_last
    x = (
        torch.rand((batch, inputs, size, size), device=device)
        .to(kind)
        .contiguous(memory_format=last)
    )
    weight = torch.from_numpy(product.weight).to(device, kind).contiguous(memory_format=last)
    work = batch * multiplications(product, (inputs, size, size)) / 1e9

    def convolved() -> None:
        with torch.inference_mode():
            sides = kernel // 2
            finished(torch.nn.functional.conv2d(x, weight, stride=stride, padding=sides))

    return {"batch": batch, "gmac_per_second": round(work / seconds(convolved), 1)}


def network_speed(
    graph: Graph, products: Products, batch: int, kinds: list[torch.dtype]
) -> dict[str, object]:
    """Images a second: the worker from message to answer, and floats beside it."""
    worker = Worker(worker_graph(graph, Mode.INTEGRITY), Mode.INTEGRITY, products=products)
    generator = np.random.default_rng(SEED)
    message = [generator.integers(0, 255, (batch, 224, 224, 3), np.uint8, endpoint=True).tobytes()]
    answer = worker.answer(message)
    device = str(getattr(products.words, "device", "cpu"))
    return {
        "batch": batch,
        "answer_megabytes": round(sum(map(len, answer)) / 1e6, 1),
        "images_per_second": round(batch / seconds(lambda: worker.answer(message)), 2),
        "without_copies_into_bytes": round(batch / seconds(lambda: worker.arrays(message)), 2),
        "floats": {
            str(kind): round(batch / float_seconds(as_floats(graph, device, kind, batch)), 2)
            for kind in kinds
        },
    }


def float_seconds(run: Callable[[], Tensor]) -> float:
    """The least time of a network in floats."""
    return seconds(lambda: finished(run()))


def measured(device: str, threads: int | None) -> dict[str, object]:
    """Everything, on one device."""
    cuda = device == "cuda"
    known = [each for each in back_ends(threads) if each.name.endswith("cuda") == cuda]
    found: Found = quickest(tuple(known))
    best = found.products
    kinds = [torch.float32, torch.float16] if cuda else [torch.float32]
    batches = (1, 16) if cuda else (1,)
    return {
        "machine": {
            "device": torch.cuda.get_device_name() if cuda else platform.machine(),
            "threads": torch.get_num_threads(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": torch.__version__,
        },
        "found": found.facts,
        "exactness": {each.name: exactness(each, 200) for each in known},
        "layers": {
            each.name: [layer_speed(each, layer, batch) for batch in batches for layer in LAYERS]
            for each in known
            # A processor without instructions for bytes is not worth the minute that it takes.
            if each.name == best.name or each.name != "torch-int8-cpu"
        },
        "floats": {
            str(kind): [
                float_speed(device, kind, layer, batch) for batch in batches for layer in LAYERS
            ]
            for kind in kinds
        },
        "whole_networks": {
            name: [network_speed(graph, best, batch, kinds) for batch in rows]
            for name, graph, rows in (
                ("resnet-18", resnet(), (1, 16, 64) if cuda else (1,)),
                ("vgg-16", vgg(), batches),
            )
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=["cuda", "cpu"])
    parser.add_argument("--threads", type=int)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    device = chosen.device or ("cuda" if torch.cuda.is_available() else "cpu")
    begin = time.perf_counter()
    found = measured(device, chosen.threads)
    found["seconds"] = round(time.perf_counter() - begin, 1)
    text = json.dumps(found, indent=2)
    print(text)
    if chosen.out:
        chosen.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
