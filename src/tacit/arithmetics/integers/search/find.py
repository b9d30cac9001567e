"""The search: every uniform width, the descent from the best, and real prices at the end."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from tacit.arithmetics.integers.search.aim import Aim, Examples
from tacit.arithmetics.integers.search.descent import Goal, settled
from tacit.arithmetics.integers.search.found import Found, Point
from tacit.arithmetics.integers.search.knobs import knobs_of
from tacit.arithmetics.integers.search.trials import Bench, Trial
from tacit.errors import LoweringError, NotCalibrated
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph
from tacit.ir.text import text
from tacit.ledger import opened
from tacit.passes.fold import fold
from tacit.passes.fuse import fuse
from tacit.program import Progress

# Each of these widths is tried for all numbers alike, as far as they can be so narrow.
UNIFORM = range(1, 9)
# How many trials a search is expected to take, for its progress: some for every pair of numbers.
TRIALS_PER_PAIR = 4
# What takes more than this share of a price is about as dear.
NEARLY = 0.95


def find_bits(
    graph: Graph,
    examples: Examples,
    aim: Aim | None = None,
    *,
    ledger: Path | None = None,
    progress: Progress | None = None,
) -> Found:
    """The cheapest bits of inputs, weights and activations with which a calibrated graph answers.

    Accuracies are simulated and exact; prices are estimates for BGV, and the real prediction is
    made for what is found. Every measurement is in the file `ledger` as soon as it is made: a
    search that was stopped goes on there, to the same end. Raises LoweringError, or its kinds
    WidthExceeded and DepthExceeded, where no uniform width can be had.
    """
    wanted = aim or Aim()
    bench = _bench(graph, examples, wanted, ledger, progress)
    exact = examples.accuracy(bench.exact, bench.exact)
    least = wanted.least(exact)
    uniform = _uniform(bench)
    costed: dict[Trial, float] = {}
    scale = None
    if wanted.seconds is not None:
        cheapest = min(uniform, key=lambda each: each.price or 0.0)
        scale = _scale(bench, cheapest, costed)
    deep = math.inf
    while True:
        budget = math.inf if wanted.seconds is None or scale is None else wanted.seconds / scale
        best = _best(bench, Goal(least, min(budget, deep)))
        if best in costed:
            break
        found = _scale(bench, best, costed)
        if found is None and best.price is not None:
            # Estimates miss a bit of a prime here and there: what is about as dear is as deep.
            deep = NEARLY * best.price
        scale = found or scale
    return _found(bench, best, costed, wanted, exact)


def _bench(
    graph: Graph,
    examples: Examples,
    aim: Aim,
    ledger: Path | None,
    progress: Progress | None,
) -> Bench:
    if any(node.type.range is None for node in graph):
        raise NotCalibrated("the graph has no ranges", hint="call calibrate(graph, batches)")
    source, exact = fuse(fold(graph)), examples.results(graph)
    base = aim.knobs
    mark = _fingerprint(graph, examples, exact, repr(replace(base, accumulator=1)))

    knobs = knobs_of(source, base)
    expected = len(UNIFORM) + TRIALS_PER_PAIR * len(knobs) ** 2

    def told(count: int) -> None:
        if progress:
            progress(count, max(count, expected))

    return Bench(graph, source, examples, exact, base, knobs, opened(ledger, mark), told)


def _fingerprint(graph: Graph, examples: Examples, exact: FloatArray, knobs: str) -> str:
    """What is another one for other weights, data or knobs."""
    found = hashlib.sha256(f"{text(graph)} {knobs}".encode())
    for array in (examples.x, exact, *([] if examples.y is None else [examples.y])):
        found.update(f"{array.dtype} {array.shape}".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def _uniform(bench: Bench) -> list[Trial]:
    """Those that can be had, the narrowest first."""
    tried = [_alike(bench, bits) for bits in UNIFORM]
    had = [each for each in tried if each.reason is None]
    if not had:
        raise LoweringError(
            f"no width from {UNIFORM[0]} to {UNIFORM[-1]} can be had; with {UNIFORM[0]}, "
            f"{tried[0].reason}",
            hint="allow wider accumulators, or train with a bound (tacit.tune.quantise)",
        )
    return had


def _alike(bench: Bench, bits: int) -> Trial:
    return bench.trial(tuple(max(bits, knob.least) for knob in bench.knobs))


def _best(bench: Bench, goal: Goal) -> Trial:
    """The best that descents lead to: from the best uniform width, and from the one below it."""
    uniform = _uniform(bench)
    first = min(range(len(uniform)), key=lambda place: goal.rank(uniform[place]))
    for start in uniform[max(0, first - 1) : first + 1]:
        settled(bench, start, goal)
    had = (each for each in bench.known.values() if each.reason is None)
    return settled(bench, min(had, key=goal.rank), goal)


def _scale(bench: Bench, trial: Trial, costed: dict[Trial, float]) -> float | None:
    """The predicted seconds of an estimated one; None where the bits cannot be had after all."""
    cost = bench.cost(trial)
    if isinstance(cost, str):
        bench.refuse(trial, cost)
        return None
    assert trial.price, "what is costed has a price"
    costed[trial] = cost
    return cost / trial.price


def _found(bench: Bench, best: Trial, costed: dict[Trial, float], aim: Aim, exact: float) -> Found:
    assert best.price, "what is found can be had"
    assert best.accuracy is not None, "what is found can be had"
    scale = costed[best] / best.price
    points = tuple(
        Point(
            bench.bits(each.widths),
            each.accuracy,
            None if each.price is None else costed.get(each, scale * each.price),
            each.reason,
        )
        for each in bench.known.values()
    )
    seconds, least = costed[best], aim.least(exact)
    is_quick = aim.seconds is None or seconds <= aim.seconds
    return Found(
        arithmetic=bench.arithmetic(best.widths),
        bits=bench.bits(best.widths),
        accuracy=best.accuracy,
        seconds=seconds,
        exact=exact,
        target=least,
        is_met=is_quick and (least is None or best.accuracy >= least),
        tried=points,
    )
