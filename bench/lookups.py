"""Look-up tables under BGV: what a table of so many entries takes on every slot at once.

    python bench/lookups.py [--out bench/results/lookups.json] [--sizes 16 64 256 1024]

A random table on m consecutive integers is a polynomial of degree m - 1 modulo 65537 (decision 015
says what for). It is evaluated on all slots of the smallest ring with 128 bits of security that has
its depth, decrypted, and compared entry by entry.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import machine
import numpy as np

from tacit.approx.fixed import interpolate
from tacit.lattigo import security
from tacit.lattigo.integers import (
    PLAINTEXT_MODULUS,
    Context,
    Evaluator,
    evaluate,
    secure_parameters,
)

SIZES = (16, 64, 256, 1024)
SEED = 20261127


def measured(size: int) -> dict[str, object]:
    """One table of so many entries."""
    generator = np.random.default_rng(SEED)
    table = generator.integers(0, PLAINTEXT_MODULUS, size)
    plan = interpolate([int(each) for each in table], PLAINTEXT_MODULUS).plan
    parameters = secure_parameters(plan.depth)
    context = Context(parameters)
    secret = context.secret_key()
    keys = context.evaluation_keys(secret, relinearisation_level=context.max_level, rotations={})
    evaluator = Evaluator(context, keys)
    x = generator.integers(0, size, context.slots)
    given = context.encrypt(context.encode(x, level=context.max_level), secret)
    seconds = []
    for _ in range(3):
        begin = time.process_time()
        result = evaluate(evaluator, plan, [given])
        seconds.append(time.process_time() - begin)
    opened = context.decrypt(result, secret) % PLAINTEXT_MODULUS
    return {
        "entries": size,
        "depth": plan.depth,
        "products": plan.products,
        "log2_ring_degree": parameters.log_n,
        "log2_qp": round(security.log_qp(parameters.q, parameters.p), 1),
        "slots": context.slots,
        "equal": bool(np.array_equal(opened, table[x])),
        "noise_budget_bits_left": round(context.noise_budget(result, secret), 1),
        "cpu_seconds": round(min(seconds), 4),
        "microseconds_a_value": round(min(seconds) / context.slots * 1e6, 2),
    }


def main() -> None:
    """Measure every size, print a line each, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("bench/results/lookups.json"))
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    given = parser.parse_args()
    tables = []
    for size in given.sizes:
        tables.append(measured(size))
        print(json.dumps(tables[-1]), flush=True)
    found = {"machine": machine.description(), "seed": SEED, "tables": tables}
    given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
