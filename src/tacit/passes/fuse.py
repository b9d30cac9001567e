"""Fusing: a composition that means one known scalar function becomes that function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tacit.ir.functions import FUNCTIONS, FloatArray, Function
from tacit.ir.graph import Graph, Node
from tacit.ir.ops import Add, Constant, Map, Mul, Sub
from tacit.ir.rewrite import rewrite

# Exporters round constants such as 1 / sqrt(2) to single precision, whose unit is 6e-8.
TOLERANCE = 1e-6
# Every hundredth where functions bend, and far out, where a late clamp would show.
NEAR = np.linspace(-16.0, 16.0, 3201)
FAR = np.geomspace(16.0, 1e6, 200)
# Just beside zero, lest a sign with a shift of its own be taken for one without.
BESIDE = np.array([-1e-300, 1e-300])
GRID = np.concatenate([-FAR[::-1], NEAR, FAR, BESIDE])[:, None]
# Families with thresholds of their own, which have to be among a piece's constants.
THRESHOLDED = ("ternary",)
SIGN = Function("sign")


@dataclass(frozen=True, eq=False)
class Piece:
    """Nodes that together compute a scalar function of every entry of the value `of`."""

    of: str
    inside: tuple[Node, ...]
    constants: Mapping[str, FloatArray]


def fuse(graph: Graph) -> Graph:
    """The graph with every piece of scalar arithmetic that equals a known function as one Map.

    A piece has one argument, and nothing inside it is used elsewhere. The largest that has a name
    gets it. Equal means equal to `TOLERANCE` on a grid, however the exporter wrote the function.
    """
    surroundings = _Surroundings.of(graph)

    def rule(_: Mapping[str, Node], node: Node) -> tuple[Node, ...] | None:
        found = None
        for piece in _pieces(surroundings, node):
            function = _name_of(piece)
            if function is not None:
                found = replace(node, op=Map(function), args=(piece.of,))
        return None if found is None else (found,)

    return rewrite(graph, rule)


@dataclass(frozen=True, eq=False)
class _Surroundings:
    """What is asked of a graph again and again."""

    nodes: Mapping[str, Node]
    users: Mapping[str, tuple[str, ...]]
    order: Mapping[str, int]
    outputs: tuple[str, ...]

    @classmethod
    def of(cls, graph: Graph) -> _Surroundings:
        order = {node.name: number for number, node in enumerate(graph)}
        return cls(graph.by_name, graph.users, order, graph.outputs)

    def is_hidden(self, name: str, inside: Mapping[str, Node]) -> bool:
        """Whether nobody outside sees this value."""
        return name not in self.outputs and all(user in inside for user in self.users[name])


def _pieces(around: _Surroundings, last: Node) -> Iterator[Piece]:
    """Every piece that ends in a node, from the smallest on."""
    inside: dict[str, Node] = {}
    constants: dict[str, FloatArray] = {}
    border = {last.name}
    while border:
        # Of the border what is computed last cannot be an argument of the rest.
        name = max(border, key=around.order.__getitem__)
        node = around.nodes[name]
        visible = name != last.name and not around.is_hidden(name, inside)
        if visible or not _is_scalar(node, last):
            return
        inside[name] = node
        args = {each: around.nodes[each] for each in node.args}
        numbers = {each: _number(arg) for each, arg in args.items()}
        constants |= {each: number for each, number in numbers.items() if number is not None}
        border = (border - {name}) | (args.keys() - constants.keys())
        if len(border) == 1 and around.nodes[min(border)].type.shape == last.type.shape:
            yield Piece(min(border), tuple(reversed(inside.values())), constants)


def _is_scalar(node: Node, last: Node) -> bool:
    """Whether a node works entry by entry on values of the last node's shape."""
    return isinstance(node.op, Map | Add | Sub | Mul) and node.type.shape == last.type.shape


def _number(node: Node) -> FloatArray | None:
    """The one number that a constant holds, if it does, as a batch of one."""
    match node.op:
        case Constant(value=value) if value.size and np.all(value == value.flat[0]):
            return value.reshape(-1)[:1][None]
        case _:
            return None


def _name_of(piece: Piece) -> Function | None:
    """The known function that a piece of several nodes equals, if there is one."""
    if len(piece.inside) == 1 and isinstance(piece.inside[0].op, Map):
        return None
    with np.errstate(all="ignore"):
        values = _values(piece, GRID)
        known = (Function(name) for name in FUNCTIONS if name not in THRESHOLDED)
        equal = (each for each in known if _equal(each.exact(GRID), values))
        return next(equal, None) or _thresholded(piece)


def _thresholded(piece: Piece) -> Function | None:
    """The function with jumps at one of a piece's constants that it equals, if there is one."""
    signs = sum(isinstance(node.op, Map) and node.op.function == SIGN for node in piece.inside)
    if signs < 2:
        return None
    sizes = {abs(float(each.flat[0])) for each in piece.constants.values()}
    known = (Function(name, (size,)) for name in THRESHOLDED for size in sorted(sizes) if size)
    return next((each for each in known if _equal_at_kinks(each, piece)), None)


def _equal_at_kinks(function: Function, piece: Piece) -> bool:
    """Whether both are equal on the grid, where the function jumps, and right beside that."""
    kinks = np.array(function.kinks)
    beside = [np.nextafter(kinks, far) for far in (-np.inf, np.inf)]
    grid = np.concatenate([GRID, *(each[:, None] for each in (kinks, *beside))])
    return _equal(function.exact(grid), _values(piece, grid))


def _values(piece: Piece, grid: FloatArray) -> FloatArray:
    """The piece's values on a grid."""
    values: dict[str, FloatArray] = {piece.of: grid, **piece.constants}
    for node in piece.inside:
        values[node.name] = node.op.run(*(values[name] for name in node.args))
    return values[piece.inside[-1].name]


def _equal(known: FloatArray, values: FloatArray) -> bool:
    return bool(np.allclose(values, known, rtol=TOLERANCE, atol=TOLERANCE))
