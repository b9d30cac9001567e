"""Levels: how often every word divides the modulus, and what each division has to take off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tacit.arithmetics.integers.bgv.tables import circuits, least_depth
from tacit.arithmetics.integers.ops import Decode, Encode, Lookup, Product, Sums
from tacit.ir.graph import Graph, Node
from tacit.lattigo.integers import MapSlots, Multiply, each_steps, plan_steps
from tacit.lattigo.integers.chains import Kind, step_bits

# Half the bits of a usual t, for estimates of what bringing vectors to one factor costs.
MATCHING_BITS = 8


@dataclass(frozen=True)
class Demands:
    """What a graph asks of parameters: its divisions, the highest level first, and the last map.

    `levels` are those of every word's result; what is decrypted has level 0.
    """

    levels: Mapping[str, int]
    divisions: tuple[Kind, ...]
    last: MapSlots | None


def steps_of(node: Node, modulus: int) -> tuple[tuple[Kind, ...], int]:
    """The divisions of a word in order, and the multiples that its result still sums.

    Those of sums are given without their terms.
    """
    match node.op:
        case Sums(last=last):
            return (() if last else (MapSlots(1),)), 0
        case Lookup() as op if len(op.tables) > 1:
            return each_steps(op.entries << op.dropped), 0
        case Lookup() as op:
            return plan_steps(circuits(op, modulus)[0].plan)
        case Product():
            return (Multiply(),), 0
        case _:
            return (), 0


def takes(node: Node, modulus: int) -> int:
    """The levels that a word takes."""
    return len(steps_of(node, modulus)[0])


def least_levels(graph: Graph, modulus: int) -> dict[str, int]:
    """The products in a row that follow every word's result at least, whatever the plans are."""
    taken = {
        node.name: least_depth(node.op, modulus)
        if isinstance(node.op, Lookup)
        else int(isinstance(node.op, Product))
        for node in graph
    }
    return _levels(graph, taken)


def demands(graph: Graph, terms: Mapping[str, int], log_n: int, modulus: int) -> Demands:
    """What the graph asks for in a ring, computed modulo `modulus`.

    `terms` gives for every linear map the rotated inputs that one of its slots may add up.
    """
    steps = {node.name: steps_of(node, modulus) for node in graph}
    found = _levels(graph, {name: len(each) for name, (each, _) in steps.items()})
    kinds: dict[int, Kind] = {}
    last: list[MapSlots] = []
    for node in graph:
        left = max((steps[name][1] for name in node.args), default=0)
        own = terms.get(node.name, 1) * _matching(node, modulus)
        divided = [_with(step, node, own, left) for step in steps[node.name][0][:1]]
        for place, step in enumerate([*divided, *steps[node.name][0][1:]]):
            level = found[node.name] + len(steps[node.name][0]) - place
            before = kinds.get(level, step)
            kinds[level] = max(before, step, key=lambda each: step_bits(each, log_n, modulus))
        if isinstance(node.op, Sums) and node.op.last:
            last.append(MapSlots(own, left))
        if isinstance(node.op, Decode) and left:
            # Multiples that no map follows are as one term of a map that are.
            last.append(MapSlots(1, left))
    widest = max(last, key=lambda each: step_bits(each, log_n, modulus), default=None)
    ordered = (kinds.get(level, Multiply()) for level in range(max(kinds, default=0), 0, -1))
    return Demands(found, tuple(ordered), widest)


def _with(step: Kind, node: Node, terms: int, left: int) -> Kind:
    """A word's first division, with what it knows of its arguments."""
    match step:
        case MapSlots() if isinstance(node.op, Sums):
            return MapSlots(terms, left)
        case _:
            return replace(step, multiples=max(step.multiples, left))


def _matching(node: Node, modulus: int) -> int:
    """By how much the noise of sums is that of more terms, since vectors have other factors.

    Two are brought to one factor by integers of about the root of t, more by some up to t/2; the
    noise of a multiple is that of as many terms as its square.
    """
    match node.op:
        case Sums(layout=layout) if len(node.args) > 1:
            pair = len(node.args) == 2 and layout is not None and layout.ciphertexts == 1
            return modulus if pair else (modulus // 2) ** 2
        case _:
            return 1


def _levels(graph: Graph, taken: Mapping[str, int]) -> dict[str, int]:
    result = dict.fromkeys((node.name for node in graph), 0)
    for node in reversed(graph.nodes):
        at = result[node.name] + taken[node.name]
        for name in node.args:
            result[name] = max(result[name], at)
    return result


def width(graph: Graph) -> int:
    """How many integers must be told from one another: of look-ups' arguments and of results."""
    sizes = [2]
    for node in graph:
        match node.op:
            case Sums(low=low, high=high) | Decode(low=low, high=high):
                sizes.append(high - low + 1)
            case Lookup() as op:
                sizes.append((op.entries << op.dropped) + 1)
                sizes.append(int(op.tables.max() - op.tables.min()) + 1)
            case Encode() as op if op.high.size:
                sizes.append(int((op.high - op.low).max()) + 1)
            case _:
                pass
    return max(sizes)
