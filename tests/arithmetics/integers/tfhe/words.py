"""Small graphs in words, as lowering would make them."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from tacit.arithmetics.integers.ops import Decode, Encode, Lookup, Product, Sums
from tacit.ir.affine import IndexArray, Matrix
from tacit.ir.graph import Graph, Input, Node, Op, Place, Type

NO_GROUP: IndexArray = np.zeros(0, dtype=np.int64)


def encode(low: list[int], high: list[int], *, steps: bool = False) -> Encode:
    size = len(low)
    ends = np.array(low, dtype=np.int64), np.array(high, dtype=np.int64)
    limits = ends[0].astype(np.float64), ends[1].astype(np.float64)
    return Encode((size,), np.ones(size), np.zeros(size), *ends, *limits, steps)


def sums(weights: list[list[int]], bias: list[int], low: int, high: int) -> Sums:
    matrix = Matrix(sparse.csr_array(np.array(weights, dtype=np.float64)))
    return Sums((matrix,), np.array(bias, dtype=np.float64), (len(bias),), low, high)


def lookup(
    tables: list[list[int]], low: int, group: IndexArray = NO_GROUP, *, dropped: int = 0
) -> Lookup:
    return Lookup(np.array(tables, dtype=np.int64), low, "a table", group, dropped)


def chain(*words: Op) -> Graph:
    """The words one after another, the first for the input, the last for the result."""
    first = words[0]
    assert isinstance(first, Encode)
    shape = first.of
    nodes = [Node("x", Input(shape), (), Type(shape, secret=True), place=Place.CLIENT)]
    for number, word in enumerate(words):
        nodes.append(added(word, f"word_{number}", nodes[-1]))
    return Graph(tuple(nodes), (nodes[-1].name,))


def table_graph(low: int, high: int, *, dropped: int = 0, tables: int = 1) -> Graph:
    """Four entries from `low` to `high`, each looked up; with two tables, in turns."""
    half = (1 << dropped) >> 1
    ends = (low + half) >> dropped, (high + half) >> dropped
    row = list(range(ends[0], ends[1] + 1))
    group = np.arange(4) % 2 if tables > 1 else NO_GROUP
    same = np.eye(4, dtype=int).tolist()
    word = lookup([row, [-each for each in row]][:tables], ends[0], group, dropped=dropped)
    linear = sums(same, [0] * 4, low, high)
    least = -max(abs(each) for each in ends)
    return chain(encode([low] * 4, [high] * 4), linear, word, Decode((4,), 1.0, 0.0, least, -least))


def product_graph(low: list[int], high: list[int]) -> Graph:
    """Every entry of the input times the negative of its neighbour."""
    size = len(low)
    turned = np.roll(-np.eye(size), 1, axis=0).astype(int).tolist()
    most = max(abs(each) for each in (*low, *high))
    nodes = [Node("x", Input((size,)), (), Type((size,), secret=True), place=Place.CLIENT)]
    nodes.append(added(encode(low, high), "encoded", nodes[0]))
    same = np.eye(size, dtype=int).tolist()
    nodes.append(added(sums(same, [0] * size, min(low), max(high)), "left", nodes[1]))
    nodes.append(added(sums(turned, [0] * size, -max(high), -min(low)), "right", nodes[1]))
    nodes.append(added(Product(), "product", nodes[2], nodes[3]))
    nodes.append(added(Decode((size,), 1.0, 0.0, -most * most, most * most), "opened", nodes[4]))
    return Graph(tuple(nodes), ("opened",))


def added(word: Op, name: str, *args: Node) -> Node:
    shape = word.shape(*(each.type.shape for each in args))
    place = Place.CLIENT if isinstance(word, Encode | Decode) else Place.SERVER
    return Node(
        name, word, tuple(each.name for each in args), Type(shape, secret=True), place=place
    )
