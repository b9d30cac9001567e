"""A server's words as a circuit of concrete-python, compiled once for each plan."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from tacit.arithmetics.integers.ops import Lookup, Product, Sums
from tacit.arithmetics.integers.tfhe import door
from tacit.arithmetics.integers.tfhe.plan import Plan, circuit_digest
from tacit.arithmetics.integers.tfhe.vectors import Vector, added_up, looked_up, multiplied
from tacit.errors import EngineError, ProtocolError
from tacit.ir.graph import Input, Node

# From this width on concrete splits a number into residues, which one set of parameters allows.
RESIDUES_FROM_BITS = 10
# A plan's circuit is asked for when its cost is told, when it is cut and when it is run.
KEPT = 8


@dataclass(frozen=True, eq=False)
class Circuit:
    """What was compiled; `shifts` are what to add to the results, `specification` is the client's.

    `complexity` is concrete's own measure of the work of one answer.
    """

    compiled: Any = field(repr=False)
    specification: str
    shifts: dict[str, int]

    @property
    def digest(self) -> bytes:
        """What keys and values of this circuit carry."""
        return circuit_digest(self.specification)

    @property
    def complexity(self) -> float:
        """Concrete's own measure of the work of one answer."""
        return float(self.compiled.complexity)

    @property
    def bootstraps(self) -> int:
        """How many look-ups of any width it makes."""
        return int(self.compiled.programmable_bootstrap_count)


@functools.lru_cache(maxsize=KEPT)
def compiled(known: Plan) -> Circuit:
    """The circuit of a plan; raises EngineError where concrete finds none."""
    fhe = door.library()
    shifts: dict[str, int] = {}

    def words(*values: Any) -> Any:
        """The results for traced inputs."""
        found = traced(fhe, known, values)
        shifts.update({name: int(found[name].shift[0]) for name in known.graph.outputs})
        results = tuple(found[name].value for name in known.graph.outputs)
        return results if len(results) > 1 else results[0]

    function = _function(words, len(known.inputs))
    names = ("first", "second")[: len(known.inputs)]
    try:
        made = fhe.Compiler(function, dict.fromkeys(names, "encrypted")).compile(
            _corners(known), configuration=_configuration(fhe, known)
        )
    except (RuntimeError, ValueError, AssertionError) as wrong:
        raise EngineError(
            f"concrete-python finds no circuit: {_line(wrong)}",
            hint="lower `bits` or `accumulator`, allow a larger `error`, or use engine=bgv",
        ) from wrong
    tree = json.loads(made.client.specs.program_info.serialize())
    return Circuit(made, json.dumps(tree, sort_keys=True), shifts)


def traced(fhe: ModuleType, known: Plan, values: tuple[Any, ...]) -> dict[str, Vector]:
    """Every word of the graph for traced inputs."""
    found: dict[str, Vector] = {}
    inputs = dict(zip(known.inputs, values, strict=True))
    for node in known.graph:
        if isinstance(node.op, Input):
            box = known.inputs[node.name]
            made = Vector(inputs[node.name], box.low, int((box.high - box.low).max()))
            value = fhe.hint(made.value, bit_width=made.bits)
            found[node.name] = Vector(value, made.shift, made.high)
        else:
            found[node.name] = _word(fhe, known, node, [found[name] for name in node.args])
    return found


def _word(fhe: ModuleType, known: Plan, node: Node, args: list[Vector]) -> Vector:
    match node.op:
        case Sums() as op:
            return added_up(fhe, op, args)
        case Lookup():
            return looked_up(fhe, node, args[0], approximate=known.knobs.approximate)
        case Product():
            return multiplied(fhe, args[0], args[1])
        case _:
            raise ProtocolError(f"{node.name} is no word for a server")


def _function(words: Callable[..., Any], inputs: int) -> Callable[..., Any]:
    """The words as a function whose parameters have names, by which concrete tells them apart."""

    def one(first: Any) -> Any:
        return words(first)

    def two(first: Any, second: Any) -> Any:
        return words(first, second)

    return one if inputs == 1 else two


def _corners(known: Plan) -> list[tuple[np.ndarray[tuple[int], np.dtype[np.int64]], ...]]:
    """Inputs that may be: all entries at their least, and at their largest."""
    boxes = known.inputs.values()
    return [
        tuple(np.zeros_like(box.low) for box in boxes),
        tuple(box.high - box.low for box in boxes),
    ]


def _configuration(fhe: ModuleType, known: Plan) -> Any:
    """The knobs as concrete takes them."""
    widest = max((_bits(node) for node in known.graph), default=0)
    wide = widest >= RESIDUES_FROM_BITS
    strategy = fhe.ParameterSelectionStrategy
    return fhe.Configuration(
        p_error=known.knobs.error,
        security_level=door.security_level(known.knobs.security),
        parameter_selection_strategy=strategy.MONO if wide else strategy.MULTI,
        compress_evaluation_keys=True,
        compress_input_ciphertexts=True,
        # It would write what it was given into a folder of the user's.
        dump_artifacts_on_unexpected_failures=False,
    )


def _bits(node: Node) -> int:
    """The width of a table's index."""
    match node.op:
        case Lookup() as op:
            return (op.entries - 1).bit_length() + op.dropped
        case _:
            return 0


def _line(wrong: Exception) -> str:
    """What an exception says, without its pictures of the graph."""
    lines = [line.strip() for line in str(wrong).splitlines() if line.strip()]
    return lines[0] if lines else type(wrong).__name__
