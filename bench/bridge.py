"""The bridge under 8 threads: 10,000 mixed operations, every result right, memory back."""

from __future__ import annotations

import argparse
import gc
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import machine
import numpy as np

from tacit import lattigo
from tacit.approx import Polynomial
from tacit.approx.plans import plan_of

WORKERS = 8
OPERATIONS = 10_000
# One round is the operations of `mixed_round`.
OPERATIONS_PER_ROUND = 16
LEVEL = 3
# log2 QP is 213, below the 218 that 128 bits allow at N = 2^13 for a uniform ternary secret.
LOG_N, LOG_Q, LOG_P = 13, [51, 37, 37, 37], [51]
# The largest error that a slot may have; rescaling at a scale of 2^37 leaves about 2^-21.
CLOSE = 1e-4
POLYNOMIAL = Polynomial((0.5, 0.25, 0.125, 1.0))
PLAN = plan_of(POLYNOMIAL)


@dataclass(frozen=True)
class Party:
    """Everything that a round needs."""

    context: lattigo.Context
    secret: lattigo.SecretKey
    evaluator: lattigo.Evaluator
    linear_map: lattigo.LinearMap
    diagonals: dict[int, np.ndarray]


def make_party(log_scale: int) -> Party:
    ring = lattigo.Ring.CONJUGATE_INVARIANT
    q, p = lattigo.generate_primes(LOG_N, ring, LOG_Q, LOG_P)
    context = lattigo.Context(lattigo.Parameters(LOG_N, q, p, ring, log_scale))
    secret = context.secret_key()
    keys = context.evaluation_keys(
        secret, relinearisation_level=LEVEL, rotations=dict.fromkeys((1, 2, 3, 16), LEVEL)
    )
    generator = np.random.default_rng(0)
    split = {0: (0, 0), 1: (0, 1), 17: (16, 1), 19: (16, 3)}
    diagonals = {offset: generator.uniform(-1, 1, context.slots) for offset in split}
    linear_map = context.linear_map(diagonals, level=LEVEL, scale=2.0**log_scale, split=split)
    return Party(context, secret, lattigo.Evaluator(context, keys), linear_map, diagonals)


def mixed_round(party: Party, generator: np.random.Generator, scale: float) -> float:
    """Sixteen operations of all kinds, and the largest error of their results."""
    context, secret, evaluator = party.context, party.secret, party.evaluator
    x, y = generator.uniform(-1, 1, (2, context.slots))
    a = context.encrypt(context.encode(x, level=LEVEL, scale=scale), secret)
    b = context.load_ciphertext(
        context.encrypt(context.encode(y, level=LEVEL, scale=scale), secret).to_bytes()
    )
    product = evaluator.rescale(evaluator.multiply(a, b))
    turned = evaluator.rotate_hoisted(product, [1, 2])
    total = evaluator.negate(evaluator.add(turned[1], turned[2]))
    mapped = evaluator.rescale(evaluator.linear_map(evaluator.subtract(a, b), party.linear_map))
    power = evaluator.evaluate(PLAN, [a], target_scale=scale)
    errors = [
        context.decrypt(total, secret) + np.roll(x * y, -1) + np.roll(x * y, -2),
        context.decrypt(mapped, secret)
        - sum(row * np.roll(x - y, -offset) for offset, row in party.diagonals.items()),
        context.decrypt(power, secret) - POLYNOMIAL(x),
    ]
    return float(np.max(np.abs(errors)))


def rounds(party: Party, seed: int, count: int, scale: float) -> list[float]:
    generator = np.random.default_rng(seed)
    return [mixed_round(party, generator, scale) for _ in range(count)]


def on_all_threads(party: Party, count: int, scale: float) -> list[float]:
    with ThreadPoolExecutor(WORKERS) as pool:
        runs = [pool.submit(rounds, party, seed, count, scale) for seed in range(WORKERS)]
        return [error for run in runs for error in run.result()]


def settled() -> dict[str, float]:
    """Handles and resident megabytes once everything unused is given back."""
    gc.collect()
    lattigo.collect()
    return {"handles": lattigo.live_handles(), "resident_mb": resident_megabytes()}


def resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main(out: Path) -> None:
    log_scale = LOG_Q[1]
    party = make_party(log_scale)
    count = -(-OPERATIONS // (OPERATIONS_PER_ROUND * WORKERS))
    on_all_threads(party, 4, 2.0**log_scale)
    before = settled()
    start, processor = time.perf_counter(), time.process_time()
    errors = on_all_threads(party, count, 2.0**log_scale)
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    after = settled()
    result = {
        "claim": "10,000 mixed operations on 8 threads: all right, memory back to the start",
        "holds": max(errors) < CLOSE
        and after["handles"] == before["handles"]
        and after["resident_mb"] < 1.1 * before["resident_mb"] + 16,
        "operations": count * WORKERS * OPERATIONS_PER_ROUND,
        "threads": WORKERS,
        "seconds": round(seconds, 3),
        "processor_seconds": round(processor, 3),
        "largest_error": max(errors),
        "wrong_results": sum(error >= CLOSE for error in errors),
        "before": before,
        "after": after,
        "parameters": {
            "log_n": LOG_N,
            "log_q": LOG_Q,
            "log_p": LOG_P,
            "ring": "conjugate-invariant",
        },
        "machine": machine.description(),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    print(f"{result['operations']} operations, holds: {result['holds']}, {seconds:.1f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("bench/results/bridge.json"))
    main(parser.parse_args().out)
