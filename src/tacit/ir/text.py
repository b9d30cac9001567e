"""A graph as text: a line for every node, as `tacit show` prints it."""

from __future__ import annotations

import enum
from dataclasses import fields
from typing import Any

import numpy as np
from scipy import sparse

from tacit.ir.functions import Function
from tacit.ir.graph import Graph, Node, Place, Range, Shape

# An array with more entries is shown as its shape only.
SHOWN_ENTRIES = 4
# The bytes of the longest integer that is a weight.
SHORT = 2


def text(graph: Graph) -> str:
    """The graph, a node a line: name, op, arguments, shape, range, secrecy, place, origin.

    Arrays of more than a few entries are shown as their shapes, and of as many coefficients only
    how many they are; nodes of which nothing else is said are the server's. The same graph always
    gives the same text.

    >>> from tacit.ir.graph import Input, Type
    >>> print(text(Graph((Node("x", Input((2, 3)), (), Type((2, 3))),), ("x",))))
    x = Input() : 2×3
    → x
    """
    lines = [_line(node) for node in graph]
    return "\n".join((*lines, f"→ {', '.join(graph.outputs)}"))


def parameter_count(graph: Graph) -> int:
    """How many numbers the ops' arrays and matrices hold: weights, biases, constants."""
    return sum(_held(node.op) for node in graph if node.op.holds_weights)


def shape_text(shape: Shape) -> str:
    """A shape as one writes it by hand."""
    return "×".join(map(str, shape)) if shape else "number"


def _line(node: Node) -> str:
    known = [f"{name}={shown}" for name, shown in _attributes(node.op)]
    brackets = f"[{', '.join(known)}]" if known else ""
    call = f"{type(node.op).__name__}{brackets}({', '.join(node.args)})"
    seen = _range(node.type.range) + (" secret" if node.type.secret else "")
    place = "" if node.place is Place.SERVER else f" at {node.place.value}"
    origin = f"  # {node.origin}" if node.origin else ""
    return f"{node.name} = {call} : {shape_text(node.type.shape)}{seen}{place}{origin}"


def _range(known: Range | None) -> str:
    return "" if known is None else f" in [{known.low:.4g}, {known.high:.4g}]"


# Every op is a dataclass, which the type Op does not say.
def _attributes(op: Any) -> list[tuple[str, str]]:
    """What an op's fields hold, as far as it is said in a word."""
    shown = ((each.name, _shown(getattr(op, each.name))) for each in fields(op))
    return [(name, said) for name, said in shown if said and name != "of"]


def _shown(value: object) -> str:
    match value:
        case np.ndarray() if value.size <= SHOWN_ENTRIES and value.ndim < 2:
            return str([float(f"{each:.4g}") for each in value.reshape(-1)])
        case np.ndarray():
            return shape_text(value.shape)
        case sparse.csr_array():
            return f"{shape_text(value.shape)} ({value.nnz} not zero)"
        case enum.Enum():
            return str(value.value)
        case Function():
            return repr(value)
        case Range():
            return f"[{value.low:.4g}, {value.high:.4g}]"
        case float():
            return f"{value:.4g}"
        case bool() | int() | str():
            return str(value)
        case tuple():
            return _several(value)
        case _:
            return ""


def _several(values: tuple[object, ...]) -> str:
    if len(values) > SHOWN_ENTRIES and all(isinstance(each, float) for each in values):
        return f"{len(values)} numbers"
    parts = [_shown(each) for each in values]
    return f"({', '.join(parts)})" if all(parts) else ""


def _held(op: Any) -> int:
    return sum(_reals(getattr(op, each.name)) for each in fields(op))


def _reals(value: object) -> int:
    match value:
        case np.ndarray():
            # Weights are reals or short integers; what is longer counts or names places.
            is_short = value.dtype.kind == "i" and value.itemsize <= SHORT
            return value.size if value.dtype.kind == "f" or is_short else 0
        case sparse.csr_array():
            return int(value.nnz)
        case tuple():
            return sum(_reals(each) for each in value)
        case _:
            return 0
