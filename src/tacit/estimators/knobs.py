"""The parameters that estimators have beside those of their namesakes, and what they ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from numbers import Integral
from types import MappingProxyType
from typing import Any

import numpy as np
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    StrOptions,
    validate_parameter_constraints,
)

from tacit.arithmetics.integers import EngineKind, Integers
from tacit.arithmetics.integers.ops import Lookup
from tacit.errors import TacitError, WidthExceeded
from tacit.grids import MOST_BITS
from tacit.ir.graph import Graph
from tacit.program import Program, lower

ENGINES = frozenset(kind.value for kind in EngineKind)
# What scikit-learn checks before it fits.
CONSTRAINTS: Mapping[str, list[Any]] = MappingProxyType(
    {
        "n_bits": [Interval(Integral, 1, MOST_BITS, closed="both"), dict],
        "engine": [StrOptions(set(ENGINES))],
        "batch": [Interval(Integral, 1, None, closed="left"), None],
    }
)
# No look-up reads a result, so the weights or leaves that it sums may be finer than the inputs.
FINER = 4


@dataclass(frozen=True)
class Bits:
    """The bits of features, and those that the weights or leaves may have, best first."""

    inputs: int
    weights: tuple[int, ...]


def check(name: str, values: Mapping[str, Any]) -> None:
    """Raises InvalidParameterError, which is a ValueError, where a knob means nothing."""
    validate_parameter_constraints(dict(CONSTRAINTS), dict(values), caller_name=name)


def bits_of(n_bits: int | Mapping[str, int], default: int, key: str) -> Bits:
    """What `n_bits` asks for; `key` is what the model's own numbers are called in it.

    One number is that of the inputs: weights get a few bits more, or as many of these as fit.
    """
    if not isinstance(n_bits, Mapping):
        finest = min(n_bits + FINER, MOST_BITS)
        return Bits(n_bits, tuple(range(finest, n_bits - 1, -1)))
    known = {"op_inputs": default, key: default} | dict(n_bits)
    unknown = sorted(known.keys() - {"op_inputs", key})
    wrong = [each for each, value in known.items() if not _is_width(value)]
    if unknown or wrong:
        raise InvalidParameterError(
            f"n_bits has {(unknown or wrong)[0]!r}: {known[(unknown or wrong)[0]]!r}; it holds "
            f"'op_inputs' and {key!r}, from 1 to {MOST_BITS}"
        )
    return Bits(known["op_inputs"], (known[key],))


def _is_width(value: object) -> bool:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and value in range(1, MOST_BITS + 1)


def lowered(graph: Graph, bits: Bits, engine: str, batch: int | None) -> tuple[Program, int]:
    """The calibrated graph with as fine weights as its results have room for, and their bits.

    TFHE pays for wide results behind look-ups with larger parameters, or finds none.
    """
    *finer, coarsest = bits.weights
    knobs = Integers(bits=bits.inputs, weights=coarsest, engine=EngineKind(engine), batch=batch)
    if knobs.engine is EngineKind.TFHE:
        plain = lower(graph, knobs)
        if any(isinstance(node.op, Lookup) for node in plain.graph):
            return plain, coarsest
    for weights in finer:
        with suppress(WidthExceeded):
            return lower(graph, replace(knobs, weights=weights)), weights
    return lower(graph, knobs), coarsest


@contextmanager
def as_value_errors(name: str) -> Iterator[None]:
    """What cannot be lowered is told in the errors that scikit-learn's users expect."""
    try:
        yield
    except TacitError as wrong:
        raise InvalidParameterError(f"{name} cannot be lowered: {wrong}") from wrong
