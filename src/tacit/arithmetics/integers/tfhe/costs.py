"""What an answer under TFHE will cost: from a table of widths, and from concrete where it is there.

All seconds are of a reference machine, one core at 128 bits and an error of 2^-40 a look-up; no
encrypted look-up is so cheap that it could be timed here without seconds of key generation first.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit.arithmetics.integers.ops import Lookup, Product, Sums
from tacit.arithmetics.integers.tfhe import door
from tacit.arithmetics.integers.tfhe.circuit import Circuit, compiled
from tacit.arithmetics.integers.tfhe.plan import Plan
from tacit.ir.graph import Graph, Node
from tacit.program import Cost, Json

# CPU seconds of a look-up among many, by its bits, measured with concrete-python 2.11.
LOOKUP_SECONDS = {2: 0.011, 4: 0.015, 6: 0.081, 8: 0.6, 12: 2.0, 16: 2.9}
# The same by concrete's own measure of work, taken to be proportional: the median of three trees in
# bench/integers.py --engine tfhe, which took 2.6, 4.7 and 6.5 times 1e-10.
COMPLEXITY_SECONDS = 4.7e-10
# Bytes of the compressed keys and of the server's memory, by the widest look-up, for where concrete
# is not installed. Rough: keys of 4 bits and memory from 8 bits on were measured, the rest lies
# between, or comes from keys of other circuits (6 bits) and uncompressed ones (from 12 bits on).
KEY_BYTES = {2: 22e6, 4: 25e6, 6: 77e6, 8: 609e6, 12: 0.45e9, 16: 0.5e9}
MEMORY_BYTES = {2: 0.4e9, 4: 0.5e9, 6: 0.8e9, 8: 6e9, 12: 1.2e9, 16: 1.2e9}
# Making the keys takes as long as so many of the widest look-ups: 120 s for 0.6 s at 8 bits, the
# one width from which this comes.
KEY_LOOKUPS = 200
# A weight times a ciphertext: 1,000 of 8 bits took 48 ms.
WEIGHT_SECONDS = 48e-6
# Words of 64 bits: a ciphertext's without compression, of a ring of 2048 as most circuits have.
CIPHERTEXT_BYTES = 2049 * 8
SEEDED_BYTES = 24
WORD_BYTES = 8
# An interpreter with NumPy, torch and concrete loaded.
RUNTIME_BYTES = 400 << 20
# The server keeps bootstrapping keys expanded, and once more transformed.
KEPT_TWICE = 2


def cost(known: Plan, graph: Graph) -> Cost:
    """The cost of answering one input; what concrete alone knows comes from its circuit."""
    found = compiled(known) if door.installed() else None
    widths = look_ups(known)
    seconds = predicted_seconds(known)
    widest = max(widths, default=0)
    keys = _by_bits(KEY_BYTES, widest)
    memory = _by_bits(MEMORY_BYTES, widest)
    entries = sum(box.low.size for box in known.inputs.values())
    results = sum(graph[name].type.size for name in known.graph.outputs)
    request, answer = entries * SEEDED_BYTES, results * CIPHERTEXT_BYTES
    if found is not None:
        seconds = found.complexity * COMPLEXITY_SECONDS + _weight_seconds(known)
        tree = json.loads(found.specification)
        keys, memory = _key_bytes(tree["keyset"]), _memory(tree["keyset"])
        request, answer = _end_bytes(tree, "inputs"), _end_bytes(tree, "outputs")
    return Cost(
        seconds=seconds,
        setup_seconds=KEY_LOOKUPS * _by_bits(LOOKUP_SECONDS, widest),
        memory_bytes=int(memory),
        key_bytes=int(keys),
        request_bytes=request,
        answer_bytes=answer,
        inputs_at_once=1,
        facts=_facts(known, widths, found),
    )


def predicted_seconds(known: Plan) -> float:
    """CPU seconds of one answer: its look-ups by their widths, and its weights."""
    tables = (count * _by_bits(LOOKUP_SECONDS, bits) for bits, count in look_ups(known).items())
    return float(sum(tables)) + _weight_seconds(known)


def _weight_seconds(known: Plan) -> float:
    sums = (node.op for node in known.graph if isinstance(node.op, Sums))
    return WEIGHT_SECONDS * sum(int(each.nnz) for op in sums for each in op.matrices)


def look_ups(known: Plan) -> Mapping[int, int]:
    """How many look-ups of each width one answer takes."""
    found: Counter[int] = Counter()
    for node in known.graph:
        found.update(_of_word(known, node))
    return dict(sorted(found.items()))


def _of_word(known: Plan, node: Node) -> Mapping[int, int]:
    match node.op:
        case Lookup() as op:
            found = Counter({max(1, (op.entries - 1).bit_length()): node.type.size})
            if op.dropped and not known.knobs.approximate:
                # Every bit is taken off by a look-up of its own, as wide as nothing but it.
                found[1] += op.dropped * node.type.size
            return found
        case Product():
            args = [known.graph[name].op for name in node.args]
            ranges = sum(op.high - op.low for op in args if isinstance(op, Sums))
            return {max(1, ranges.bit_length()): 2 * node.type.size}
        case _:
            return {}


def _by_bits(table: Mapping[int, float], bits: int) -> float:
    """Between the widths that were measured, the logarithm is taken to be straight."""
    if not bits:
        return 0.0
    logarithms = np.log(list(table.values()))
    return float(np.exp(np.interp(bits, list(table), logarithms)))


def _facts(known: Plan, widths: Mapping[int, int], found: Circuit | None) -> dict[str, Json]:
    sums = [node.op.bits for node in known.graph if isinstance(node.op, Sums)]
    facts: dict[str, Json] = {
        "engine": "tfhe",
        "lookups": sum(widths.values()),
        "lookups_by_bits": {str(bits): count for bits, count in widths.items()},
        "accumulator_bits": max(sums, default=0),
        "error": known.knobs.error,
        "seconds_from": "a reference machine",
    }
    if found is not None:
        facts |= {"complexity": found.complexity, "bootstraps": found.bootstraps}
    return facts


def _key_bytes(keyset: Mapping[str, Any]) -> int:
    """The compressed keys: of every row of theirs the one column that a seed does not give."""
    total = 0
    for key in keyset["lweBootstrapKeys"]:
        each = key["params"]
        rows = each["inputLweDimension"] * each["levelCount"] * (each["glweDimension"] + 1)
        total += rows * each["polynomialSize"] * WORD_BYTES
    for key in keyset["lweKeyswitchKeys"]:
        each = key["params"]
        total += each["inputLweDimension"] * each["levelCount"] * WORD_BYTES
    return total


def _memory(keyset: Mapping[str, Any]) -> int:
    """The server's peak: the keys as they came and expanded."""
    total = RUNTIME_BYTES + _key_bytes(keyset)
    for key in keyset["lweBootstrapKeys"]:
        each = key["params"]
        rows = each["inputLweDimension"] * each["levelCount"] * (each["glweDimension"] + 1)
        columns = (each["glweDimension"] + 1) * each["polynomialSize"]
        total += KEPT_TWICE * rows * columns * WORD_BYTES
    for key in keyset["lweKeyswitchKeys"]:
        each = key["params"]
        rows = each["inputLweDimension"] * each["levelCount"]
        total += rows * (each["outputLweDimension"] + 1) * WORD_BYTES
    return total


def _end_bytes(tree: Mapping[str, Any], end: str) -> int:
    """The ciphertexts that go one way."""
    values = tree["circuits"][0][end]
    return sum(int(np.prod(each["rawInfo"]["shape"]["dimensions"])) * WORD_BYTES for each in values)
