"""Circuits on the command line: functions for which one polynomial is not the best way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from tacit.approx.circuits import (
    LayerNorm,
    ScalarCircuit,
    Softmax,
    Tournament,
    exponential,
    gelu,
    inverse,
    inverse_square_root,
    largest,
    layer_norm,
    softmax,
    square_root,
)
from tacit.approx.composites.search import Objective
from tacit.approx.domain import Intervals
from tacit.errors import TacitError
from tacit.program import Json

Circuit = ScalarCircuit | Softmax | Tournament | LayerNorm
On = tuple[float, float]


@dataclass(frozen=True)
class Asked:
    """What is asked of a circuit; `count` is how many entries it takes, of which some take one."""

    function: str
    on: Intervals
    error: float | None
    count: int | None
    objective: Objective | None


OF_ONE: Mapping[str, Callable[[On, float], ScalarCircuit]] = MappingProxyType(
    {
        "inverse": lambda on, error: inverse(on, error=error),
        "exp": lambda on, error: exponential(on, error=error),
        "gelu": lambda on, error: gelu(on, error=error),
    }
)
ROOTS = MappingProxyType({"sqrt": square_root, "rsqrt": inverse_square_root})
# Layer norm's domain is that of the variance; the others' is that of an entry.
OF_MANY: Mapping[str, Callable[[int, On, float], Circuit]] = MappingProxyType(
    {
        "softmax": lambda count, on, error: softmax(count, on, error=error),
        "largest": lambda count, on, error: largest(count, on, error=error),
    }
)
LAYER_NORM = "layer_norm"
MANY = (*OF_MANY, LAYER_NORM)
WITH_OBJECTIVE = (*ROOTS, LAYER_NORM)
NAMES = (*OF_ONE, *ROOTS, *MANY)


def found(asked: Asked, *, planned: bool) -> dict[str, Json]:
    """The circuit's record: its errors and costs, and with its plans if they are wanted."""
    begin = time.perf_counter()
    circuit = _circuit(asked)
    seconds = time.perf_counter() - begin
    named: dict[str, Json] = {
        "function": asked.function,
        "intervals": [list(each) for each in asked.on],
    }
    told: dict[str, Json] = {
        "lower_bound": 0.0,
        "certified": False,
        "depth": circuit.depth,
        "products": circuit.products,
        "seconds": seconds,
        # A circuit is its plans, which are no sums of T_k(t) or x**k.
        **dict.fromkeys(("degrees", "coefficients", "basis")),
    }
    return {**named, **_record(circuit), **told, **({"plan": _plans(circuit)} if planned else {})}


def _circuit(asked: Asked) -> Circuit:
    name, on, error = asked.function, _on(asked), asked.error
    if name not in NAMES:
        near = get_close_matches(name, NAMES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are some for {', '.join(NAMES)}"
        raise TacitError(f"there is no circuit for {name!r}", hint=hint)
    if error is None:
        raise TacitError(f"a circuit for {name} needs an error", hint="say --error 0.001")
    if asked.objective is not None and name not in WITH_OBJECTIVE:
        raise TacitError(
            f"--objective does nothing for the circuit of {name}: it has the least depth",
            hint=f"it goes with {', '.join(WITH_OBJECTIVE)}",
        )
    if (asked.count is not None) != (name in MANY):
        is_missing = asked.count is None
        raise TacitError(
            f"{name} {'needs' if is_missing else 'takes one entry, so it takes no'} --count",
            hint="say --count 10" if is_missing else f"it goes with {', '.join(MANY)}",
        )
    objective: Objective = asked.objective or "depth"
    if name in ROOTS:
        return ROOTS[name](on, error=error, objective=objective)
    if asked.count is None:
        return OF_ONE[name](on, error)
    if name == LAYER_NORM:
        return layer_norm(asked.count, variance=on, error=error, objective=objective)
    return OF_MANY[name](asked.count, on, error)


def _on(asked: Asked) -> On:
    match asked.on:
        case [(low, high)]:
            return low, high
        case _:
            raise TacitError(
                f"a circuit for {asked.function} has one interval; {len(asked.on)} were given",
                hint="say --on LOW HIGH once",
            )


def _record(circuit: Circuit) -> dict[str, Json]:
    """What is known of a circuit's error, and of what it is made of."""
    match circuit:
        case ScalarCircuit():
            return _scalar(circuit)
        case Softmax():
            return {
                "method": "softmax",
                "error": circuit.error,
                "error_kind": "absolute",
                "measured_error": circuit.measured_error,
                "count": circuit.count,
                "subtracts_the_mean": circuit.is_centred,
                "pieces": [_piece(circuit.exponential), _piece(circuit.inverse)],
            }
        case Tournament():
            return {
                "method": "tournament",
                "error": circuit.error,
                "error_kind": "absolute",
                "measured_error": circuit.measured_error,
                "count": circuit.count,
                "rounds": circuit.rounds,
                "input": {"scale": circuit.scale, "offset": circuit.offset},
                "result": {"factor": circuit.factor, "offset": circuit.centre},
            }
        case LayerNorm():
            return {
                "method": "layer norm",
                "error": circuit.error,
                "error_kind": "absolute",
                "measured_error": circuit.measured_error,
                "count": circuit.count,
                "epsilon": circuit.epsilon,
                "pieces": [_piece(circuit.inverse_square_root)],
            }


def _scalar(circuit: ScalarCircuit) -> dict[str, Json]:
    # GELU's circuit is made for an absolute error; where there is a zero, so is every other one.
    is_absolute = circuit.function.name == "gelu" or math.isinf(circuit.relative_error)
    return {
        "method": circuit.method,
        "error": circuit.absolute_error if is_absolute else circuit.relative_error,
        "error_kind": "absolute" if is_absolute else "relative",
        "absolute_error": circuit.absolute_error,
        "relative_error": circuit.relative_error,
        "input": {"scale": circuit.scaled.scale, "offset": circuit.scaled.offset},
        "result": {"factor": circuit.scaled.factor, "offset": 0.0},
    }


def _piece(circuit: ScalarCircuit) -> dict[str, Json]:
    """A circuit within another."""
    return {
        "function": repr(circuit.function),
        "low": circuit.on[0],
        "high": circuit.on[1],
        "method": circuit.method,
        "relative_error": circuit.relative_error,
        "depth": circuit.depth,
        "products": circuit.products,
    }


def _plans(circuit: Circuit) -> list[Json]:
    """The lines of the plans; of several, each begins with its name."""
    match circuit:
        case ScalarCircuit():
            return [*circuit.plan.text().splitlines()]
        case Softmax():
            return [*_named_plan(circuit.exponential), *_named_plan(circuit.inverse)]
        case Tournament():
            return ["match:", *circuit.match.text().splitlines()]
        case LayerNorm():
            return _named_plan(circuit.inverse_square_root)


def _named_plan(piece: ScalarCircuit) -> list[Json]:
    return [f"{piece.function!r}:", *piece.plan.text().splitlines()]
