"""What an answer will take on the engine that is chosen, without preparing the program for it."""

from __future__ import annotations

from tacit.arithmetics.integers import tfhe
from tacit.arithmetics.integers.config import Integers
from tacit.arithmetics.integers.engines import EngineKind
from tacit.arithmetics.integers.search.slots import slot_seconds
from tacit.ir.graph import Graph


def price(words: Graph, arithmetic: Integers) -> float:
    """The estimated seconds of one answer; raises LoweringError where there is none."""
    if arithmetic.engine is EngineKind.TFHE:
        knobs = tfhe.Knobs(arithmetic.error, arithmetic.approximate, arithmetic.security)
        return tfhe.predicted_seconds(tfhe.plan(words, knobs))
    return slot_seconds(words, arithmetic.security)
