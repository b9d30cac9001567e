"""The field: how many false products are accepted, of how many that were tried.

    python bench/field_attacks.py [--out bench/results/field_attacks.json] [--only NAME ...]
                                  [--draws 200] [--single 130] [--structured 6]
                                  [--challenges 20000] [--queries 10000]

Small networks, whose worker answers every product truly but one (tests/arithmetics/field/attacks.py
has all attacks), and goes on truly from what that leads to, so that one check alone can tell. The
verifier is the real one, with new challenges in every draw; each row of a batch is another false
answer, judged by itself. Figures count answers that really differ from the truth. The file holds:

    machine, seed, draws, targets
    networks.NAME
      knobs                   format, prime, repetitions
      products.PRODUCT        {kind, result, soundness_bits, single: {tried, accepted},
                              attacks: {ATTACK: {tried, accepted}}}
      fewest                  {single, structured}: the least counts of any product and attack
      accepted                of all of them
      honest                  {accepted, rejected}: true rows beside the false ones
      seconds
    small_prime               the same products checked modulo 257 by that many challenges each: how
      NAME.PRODUCT.FORGERY    often a forgery passed, and how far that is from 1/p in sigmas
    oracle                    {queries, accepted, seconds}: one client that tells its verdict of
                              a forgery after the other
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections import Counter
from pathlib import Path

import machine
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tacit.arithmetics.field import Field  # noqa: E402
from tacit.arithmetics.field.plan import product_of  # noqa: E402
from tacit.arithmetics.field.settings import Format  # noqa: E402
from tacit.arithmetics.field.verify.challenge import Challenge  # noqa: E402
from tacit.arithmetics.field.verify.geometry import image_shape, result_shape  # noqa: E402
from tacit.arithmetics.field.verify.prime import Prime, soundness_bits  # noqa: E402
from tests.arithmetics.field import models  # noqa: E402 (attacks are kept where they are tested)
from tests.arithmetics.field.attacks import SINGLE, Seen  # noqa: E402
from tests.arithmetics.field.campaign import Campaign, Plot, Tally, everything  # noqa: E402
from tests.arithmetics.field.scene import Scene, batch, grouped, scene, single  # noqa: E402

SEED = 20261127
TINY = 257
SLALOM = Field(format=Format.SLALOM, fraction=4, prime=Prime.SLALOM)
SCENES = {
    "grouped": (grouped, Field()),
    "residual": (models.residual, Field()),
    "grouped, 2^61-1": (grouped, Field(prime=Prime.P61)),
    "grouped, Slalom": (grouped, SLALOM),
}
# Of every product; the last is how far a rate may be from 1/p.
TARGETS = {"single": 100_000, "structured": 1_000, "accepted": 0, "sigmas": 4.0}
# So many rows at once fit in a cache.
REPETITIONS = 2000
Figures = dict[str, object]


def attacked(where: Scene, given: argparse.Namespace) -> Figures:
    """All attacks on all products of a network."""
    random, start = np.random.default_rng(SEED), time.process_time()
    plots = everything(where, single=given.single, structured=given.structured)
    tally = Campaign(where, plots, random).run(given.draws)
    if where.strength.prime.modulus < 2**32:
        # Out of range: one such row and all of its batch are refused, so they come by themselves.
        for node in where.plan.products:
            alone = [Plot(node.name, "prime_more", 1)]
            found = Campaign(where, alone, random).run(given.draws * given.structured)
            tally.tried.update(found.tried)
            tally.accepted.update(found.accepted)
    per_product = Counter()
    for (product, attack), count in tally.tried.items():
        per_product[product] += count * (attack in SINGLE)
    structured = [count for (_, attack), count in tally.tried.items() if attack not in SINGLE]
    return {
        "knobs": {
            "format": where.program.arithmetic.settings.format.value,
            "prime": where.strength.prime.value,
            "repetitions": where.strength.repetitions,
        },
        "draws": given.draws,
        "products": {node.name: told(where, node.name, tally) for node in where.plan.products},
        "fewest": {"single": min(per_product.values()), "structured": min(structured)},
        "tried": sum(tally.tried.values()),
        "accepted": sum(tally.accepted.values()),
        "honest": {"accepted": tally.honest[True], "rejected": tally.honest[False]},
        "seconds": round(time.process_time() - start, 1),
    }


def told(where: Scene, name: str, tally: Tally) -> Figures:
    """One product's figures."""
    op, shape = operand(where, name)
    counts = {
        attack: {"tried": tried, "accepted": tally.accepted[name, attack]}
        for (product, attack), tried in tally.tried.items()
        if product == name
    }
    ones = [each for attack, each in counts.items() if attack in SINGLE]
    bits = soundness_bits(op, shape, where.strength.prime, where.strength.repetitions)
    return {
        "kind": type(op).__name__
        + (f", {op.groups} groups" if getattr(op, "groups", 1) > 1 else ""),
        "result": list(result_shape(op, shape)),
        "soundness_bits": round(bits, 1),
        "single": {key: sum(each[key] for each in ones) for key in ("tried", "accepted")},
        "attacks": counts,
    }


def operand(where: Scene, name: str):
    node = where.plan.nodes[name]
    return product_of(node), where.plan.nodes[node.args[0]].type.shape


def rates(where: Scene, name: str, challenges: int) -> Figures:
    """How often two forgeries of a product pass modulo a prime that is much too small."""
    op, shape = operand(where, name)
    random = np.random.default_rng(SEED)
    x = random.integers(0, 256, (1, *image_shape(op, shape)), np.uint8)
    true = Seen(op, shape, x, np.empty(0, np.int32), TINY, random).of(op, x)
    one, many = np.zeros_like(true), random.integers(1, TINY, true.shape, np.int32)
    # Its weight is s alone; another entry's has factors alpha and beta, which may be zero, too.
    one.reshape(-1)[0] = 1
    passed = Counter()
    for _ in range(0, challenges, REPETITIONS):
        challenge = Challenge(op, shape, TINY, REPETITIONS)
        right = challenge.right(x)
        assert np.array_equal(challenge.left(true), right), "what is true passes"
        passed["first entry"] += int((challenge.left(true + one) == right).sum())
        passed["every entry"] += int((challenge.left(true + many) == right).sum())
        challenge.destroy()
    total = -(-challenges // REPETITIONS) * REPETITIONS
    sigma = math.sqrt(total / TINY * (1 - 1 / TINY))
    return {
        forgery: {
            "challenges": total,
            "accepted": count,
            "expected": round(total / TINY, 1),
            "sigmas": round((count - total / TINY) / sigma, 2),
        }
        for forgery, count in passed.items()
    }


def oracle(queries: int) -> Figures:
    """A client that says of every forgery whether it is accepted."""
    where, start, accepted = scene(single()), time.process_time(), 0
    client, worker = where.client(), where.worker()
    request = client.seal(batch(where.program.graph, 1))
    (true,) = worker.answer(request)
    for query in range(queries):
        wrong = bytearray(true)
        wrong[query // 8 % len(true)] ^= 1 << query % 8
        accepted += client.judge([bytes(wrong)], 1, request) is not None
    assert client.judge([true], 1, request) is not None, "what is true passes"
    spent = round(time.process_time() - start, 1)
    return {"queries": queries, "accepted": accepted, "seconds": spent}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    results = ROOT / "bench" / "results" / "field_attacks.json"
    parser.add_argument("--out", type=Path, default=results)
    parser.add_argument("--only", nargs="*", choices=SCENES, default=list(SCENES))
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--single", type=int, default=130)
    parser.add_argument("--structured", type=int, default=6)
    parser.add_argument("--challenges", type=int, default=20_000)
    parser.add_argument("--queries", type=int, default=10_000)
    return parser.parse_args()


def main() -> None:
    given = arguments()
    networks: dict[str, Figures] = {}
    small: dict[str, Figures] = {}
    results: Figures = {
        "machine": machine.description(),
        "seed": SEED,
        "draws": given.draws,
        "targets": TARGETS,
        "networks": networks,
        "small_prime": {"prime": TINY, "networks": small},
    }
    for name in given.only:
        made, field = SCENES[name]
        where = scene(made(), field)
        networks[name] = attacked(where, given)
        told_of = {key: networks[name][key] for key in ("tried", "accepted", "fewest", "seconds")}
        print(name, told_of, flush=True)
    for name in [name for name in given.only if SCENES[name][1] == Field()]:
        where = scene(SCENES[name][0]())
        small[name] = {
            node.name: rates(where, node.name, given.challenges) for node in where.plan.products
        }
        print("modulo", TINY, name, small[name], flush=True)
    results["oracle"] = oracle(given.queries)
    print("oracle", results["oracle"], flush=True)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
