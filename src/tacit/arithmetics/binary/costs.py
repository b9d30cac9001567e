"""What an answer will cost: counted products of bits and of reals, at this machine's speed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from tacit.arithmetics.binary.kernels import Kernels, found
from tacit.arithmetics.binary.ops import Alphabet, BinaryProduct, Clamps, Window
from tacit.arithmetics.binary.prepare import prepared, weight_words
from tacit.ir.graph import Graph, Node
from tacit.ir.ops import Conv, Linear
from tacit.program import Cost, Json

# The layer that speeds are measured with: a late one of a residual network, which is soon done.
CHANNELS, SIZE, TAPS = 128, 14, 3
# A layer of next to nothing: what it takes, every word takes beside its work.
FEW_CHANNELS = 32
REPETITIONS = 3
REAL_BYTES = 8


@dataclass(frozen=True)
class Speeds:
    """Seconds of one core for a product of two bits, of two reals, and for any word at all."""

    bit: float
    real: float
    word: float


def speeds() -> Speeds:
    """The speeds of this machine."""
    kernels = found()
    reals = np.ones((CHANNELS, CHANNELS))
    dense = Linear(reals, np.zeros(CHANNELS))
    products = SIZE * SIZE * (CHANNELS * TAPS) ** 2
    return Speeds(
        bit=_least(_product(kernels, CHANNELS, SIZE)) / products,
        real=_least(lambda: dense.run(reals)) / (reals.size * CHANNELS),
        word=_least(_product(kernels, FEW_CHANNELS, 1)),
    )


def _product(kernels: Kernels, channels: int, size: int) -> Callable[[], object]:
    """A convolution of an image of so many channels and of this size."""
    weight = np.ones((channels, channels, TAPS, TAPS), dtype=np.int8)
    window = Window((1, 1), ((1, 1), (1, 1)), (1, 1), border=1)
    ends = (np.full(channels, end, dtype=np.int32) for end in (-weight.size, weight.size))
    clamps = Clamps(*ends)
    op = BinaryProduct(weight, Alphabet.BIPOLAR, window, clamps)
    layer = prepared(op, (channels, size, size))
    bits = np.zeros((1, size, size, layer.border.size), dtype=np.uint32)
    return lambda: kernels.product(bits, layer, clamps)


def cost(graph: Graph) -> Cost:
    """The cost of one input."""
    machine = speeds()
    products = [(node, node.op) for node in graph if isinstance(node.op, BinaryProduct)]
    layers = [(node, node.op) for node in graph if isinstance(node.op, Linear | Conv)]
    bits = sum(node.type.size * op.fan_in for node, op in products)
    reals = sum(node.type.size * prod(op.weight.shape[1:]) for node, op in layers)
    packed = sum(weight_words(op).nbytes for _, op in products)
    real_weights = sum(op.weight.size + op.bias.size for _, op in layers) * REAL_BYTES
    widest = max(node.type.size for node in graph)
    facts: dict[str, Json] = {
        "bit_products": bits,
        "real_products": reals,
        "layers_of_bits": len(products),
        "packed_weight_bytes": packed,
        "real_weight_bytes": real_weights,
    }
    return Cost(
        seconds=bits * machine.bit + reals * machine.real + len(graph) * machine.word,
        setup_seconds=0.0,
        memory_bytes=packed + real_weights + widest * REAL_BYTES,
        key_bytes=0,
        request_bytes=_size(graph.inputs[0]),
        answer_bytes=_size(graph[graph.outputs[0]]),
        inputs_at_once=1,
        facts=facts,
    )


def _size(node: Node) -> int:
    return node.type.size * REAL_BYTES


def _least(work: Callable[[], object]) -> float:
    """The least seconds that the work takes, once what it needs is there."""
    work()
    times = []
    for _ in range(REPETITIONS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)
