"""What bits a graph asks for, and the arithmetic that gives them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tacit.arithmetics.integers.config import Integers
from tacit.arithmetics.integers.lower import lower
from tacit.arithmetics.integers.settings import Kind, names_of
from tacit.grids import MOST_BITS
from tacit.ir.graph import Graph, Node

ROUNDING = "rounding"
# Signed weights of one bit have the same values as of two: -1, 0 and 1.
LEAST = {Kind.INPUTS: 1, Kind.WEIGHTS: 2, Kind.ACTIVATIONS: 1}
# Narrow enough that no sum of it is refused while bits are only asked for.
NARROW = 2


@dataclass(frozen=True)
class Knob:
    """One number of bits that may be chosen, by the name that `layers` takes."""

    name: str
    least: int


def knobs_of(graph: Graph, base: Integers) -> tuple[Knob, ...]:
    """All bits that the lowering of a graph asks for and that the base leaves open, in order.

    Raises LoweringError where the graph cannot be lowered with the fewest bits.
    """
    asked: dict[tuple[Kind, str], Node] = {}
    given = {
        Kind.INPUTS: base.inputs,
        Kind.WEIGHTS: base.weights,
        Kind.ACTIVATIONS: base.activations,
    }
    fixed = {name for name, _ in base.layers}

    def watch(kind: Kind, node: Node) -> None:
        if given[kind] is None and fixed.isdisjoint(names_of(kind, node)):
            asked[kind, node.name] = node

    # What is too wide all the same is refused when it is tried, with its reason.
    widest = replace(base.settings, accumulator=MOST_BITS, result=2 * MOST_BITS, watch=watch)
    lower(graph, replace(widest, bits=dict.fromkeys(Kind, NARROW)))
    origins = Counter((kind, node.origin) for (kind, _), node in asked.items())
    names = graph.by_name.keys()
    found = []
    for (kind, name), node in asked.items():
        # The user's own name for it, where nothing else is called so.
        is_own = node.origin and node.origin not in names and origins[kind, node.origin] == 1
        found.append(Knob(f"{node.origin if is_own else name}.{kind.value}", LEAST[kind]))
    rounding = [] if base.rounding is None else [Knob(ROUNDING, 1)]
    return (*found, *rounding)


def arithmetic_of(base: Integers, knobs: Sequence[Knob], widths: Sequence[int]) -> Integers:
    """The base with so many bits for every knob."""
    chosen = {knob.name: width for knob, width in zip(knobs, widths, strict=True)}
    rounding = chosen.pop(ROUNDING, base.rounding)
    return replace(base, rounding=rounding, layers=(*base.layers, *chosen.items()))
