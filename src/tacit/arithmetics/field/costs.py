"""What an answer will cost the worker and the verifier: counted work, at this machine's speed.

The speeds are those of one layer of a usual size, timed when they are first asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from tacit.arithmetics.field.ops import Convolution, Dense, Product, Rescale
from tacit.arithmetics.field.plan import Plan, Strength, is_outsourced, plan, product_of
from tacit.arithmetics.field.promises import Mode
from tacit.arithmetics.field.verify.challenge import Challenge
from tacit.arithmetics.field.verify.local import depthwise
from tacit.arithmetics.field.verify.stage import Source, stage
from tacit.arithmetics.field.worker import found
from tacit.ir.graph import Graph, Node, Shape
from tacit.program import Cost, Json

# The layer that speeds are measured with: a middle one of a residual network.
CHANNELS, SIZE, TAPS = 64, 56, 3
REPETITIONS = 3
MASKED_LIMBS = 4
WORD_BYTES = 4


@dataclass(frozen=True)
class Speeds:
    """Seconds of one core.

    They are for a multiplication of the worker's, a checked value, a weight of a challenge, a
    multiplication of the verifier's, a product, however small it is, and a weight that a worker
    loads.
    """

    multiplication: float
    checked: float
    weight: float
    local: float
    turn: float
    loaded: float


def speeds(strength: Strength) -> Speeds:
    """The speeds of this machine."""
    ones = (1, 1)
    shape = (CHANNELS, SIZE, SIZE)
    weight = np.ones((CHANNELS, CHANNELS, TAPS, TAPS), dtype=np.int16)
    op = Convolution(weight, ones, (ones, ones), ones)
    alone = Convolution(weight[:, :1], ones, (ones, ones), ones, CHANNELS)
    x = np.ones((1, SIZE, SIZE, CHANNELS), dtype=np.uint8)
    products = found()
    prepared = products.prepare(op, shape)
    y = products.product(prepared, x)
    fresh = Challenge.fresh(op, shape, strength.prime, strength.repetitions)
    next_one = Challenge.fresh(op, shape, strength.prime, strength.repetitions)
    channels = np.ones(CHANNELS, dtype=np.int64)
    rescale = Rescale(channels[None], channels, 4, 0, 255)
    small = Source(np.ones((1, 1, 1, CHANNELS), dtype=np.int32))
    result = Speeds(
        multiplication=_least(lambda: products.product(prepared, x)) / (y.size * weight[0].size),
        checked=_least(lambda: stage([Source(y, fresh)], rescale, None, [next_one])) / y.size,
        weight=_least(
            lambda: Challenge.fresh(op, shape, strength.prime, strength.repetitions).destroy()
        )
        / weight.size,
        turn=_least(lambda: stage([small], rescale, None, [])),
        loaded=_least(lambda: products.prepare(op, shape).plain) / weight.size,
        local=_least(lambda: depthwise(x, alone)) / (y.size * TAPS * TAPS),
    )
    fresh.destroy()
    next_one.destroy()
    return result


def cost(graph: Graph, mode: Mode, strength: Strength, rows: int, soundness: float) -> Cost:
    """The cost of one batch of `rows` inputs: `seconds` are the worker's."""
    known, machine = plan(graph), speeds(strength)
    outsourced = sum(_multiplications(node) for node in known.products)
    local = sum(_multiplications(node) for node in _local_products(graph))
    values = sum(node.type.size for node in known.products)
    weights = sum(product_of(node).weight.size for node in known.products)
    masked = sum(_operand_size(known, each.products[0]) for each in known.rounds)
    private = mode is Mode.PRIVATE
    limbs = MASKED_LIMBS if private else 1
    asked = masked * WORD_BYTES if private else prod(known.encode.type.shape)
    facts: dict[str, Json] = {
        "mode": mode.value,
        "prime": strength.prime.value,
        "repetitions": strength.repetitions,
        "soundness_bits": round(soundness, 1),
        "rounds": len(known.rounds) if private else 1,
        "products": len(known.products),
        "worker_multiplications": rows * outsourced,
        "verifier_multiplications": rows * local,
        "checked_values": rows * values,
        "verifier_seconds": rows * (values * machine.checked + local * machine.local)
        + len(known.products) * machine.turn,
        "challenge_seconds": weights * machine.weight,
        "unblinding_bytes": rows * values * WORD_BYTES if private else 0,
        "masking_seconds": rows * outsourced * limbs * machine.multiplication if private else 0.0,
    }
    return Cost(
        seconds=rows * outsourced * limbs * machine.multiplication
        + len(known.products) * machine.turn,
        setup_seconds=weights * machine.loaded,
        memory_bytes=weights * WORD_BYTES + rows * values * WORD_BYTES,
        key_bytes=0,
        request_bytes=rows * asked,
        answer_bytes=rows * values * WORD_BYTES,
        inputs_at_once=rows,
        facts=facts,
    )


def _least(work: Callable[[], object]) -> float:
    """The least seconds that the work takes, once what it compiles is compiled."""
    work()
    times = []
    for _ in range(REPETITIONS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def _multiplications(node: Node) -> int:
    return node.type.size * _fan_in(product_of(node))


def _fan_in(op: Product) -> int:
    return prod(op.weight.shape[1:])


def _local_products(graph: Graph) -> list[Node]:
    return [
        node
        for node in graph
        if isinstance(node.op, Dense | Convolution) and not is_outsourced(node)
    ]


def _operand_size(known: Plan, node: Node) -> int:
    shape: Shape = known.nodes[node.args[0]].type.shape
    return prod(shape)
