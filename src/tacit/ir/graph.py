"""What a computation is: a graph of typed nodes, each holding one op."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

import numpy as np

from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray

Shape = tuple[int, ...]
Value = TypeVar("Value")


@dataclass(frozen=True)
class Range:
    """The closed interval in which every entry of a value lies."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse an empty or infinite interval."""
        if not (np.isfinite(self.low) and np.isfinite(self.high) and self.low <= self.high):
            raise TypeMismatch(f"[{self.low}, {self.high}] is not a finite interval")

    @property
    def magnitude(self) -> float:
        """The largest absolute value in the interval."""
        return max(abs(self.low), abs(self.high))


@dataclass(frozen=True, eq=False)
class Bounds:
    """The closed interval of each entry by itself: two arrays of the value's shape."""

    low: FloatArray
    high: FloatArray

    def __post_init__(self) -> None:
        """Refuse an empty or infinite interval."""
        finite = np.all(np.isfinite(self.low)) and np.all(np.isfinite(self.high))
        if not finite or self.low.shape != self.high.shape or np.any(self.low > self.high):
            raise TypeMismatch("the bounds of an entry are no finite interval")


@dataclass(frozen=True)
class Type:
    """What is known of a value: its shape without the batch, its range, whether it is secret.

    `bounds` are those of each entry, known of inputs only: features may differ in their units.
    """

    shape: Shape
    range: Range | None = None
    secret: bool = False
    bounds: Bounds | None = None

    @property
    def size(self) -> int:
        """How many entries one value has."""
        return int(np.prod(self.shape, dtype=np.int64))


class Place(enum.Enum):
    """Who computes a node."""

    CLIENT = "client"
    SERVER = "server"


class Op(ABC):
    """What a node does; `run`, in the clear on a batch, is its definition at every level.

    Ops are frozen dataclasses; a final subclass is never subclassed again.
    """

    # Whether its arrays are the model's own numbers; the grid of an input is not.
    holds_weights: ClassVar[bool] = True

    @abstractmethod
    def shape(self, *shapes: Shape) -> Shape:
        """The shape of the result, without the batch; raises TypeMismatch."""

    @abstractmethod
    def run(self, *values: FloatArray) -> FloatArray:
        """The result on a batch: the first axis of each value and of the result is the batch."""


@dataclass(frozen=True, eq=False)
class Input(Op):
    """A value that the caller brings."""

    of: Shape

    def shape(self, *shapes: Shape) -> Shape:
        """The shape that the caller promises."""
        return self.of

    def run(self, *values: FloatArray) -> FloatArray:
        """An input is given, never computed."""
        raise TypeMismatch("an input was not given a value")


@dataclass(frozen=True, eq=False)
class Node:
    """One op on named arguments; `origin` is the path in the user's model that it came from."""

    name: str
    op: Op
    args: tuple[str, ...]
    type: Type
    origin: str = ""
    place: Place = Place.SERVER

    @property
    def where(self) -> str:
        """The name and, if it is known, the path in the user's model, for messages."""
        return f"{self.name} ({self.origin})" if self.origin else self.name


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in an order in which they can be computed, and the names of the results."""

    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a name that is used twice, or before it is there."""
        seen: set[str] = set()
        for node in self.nodes:
            missing = [name for name in node.args if name not in seen]
            if missing:
                raise TypeMismatch(
                    f"{node.name} uses {missing[0]}, which is not computed before it"
                )
            if node.name in seen:
                raise TypeMismatch(f"two nodes are called {node.name}")
            seen.add(node.name)
        absent = [name for name in self.outputs if name not in seen]
        if absent or not self.outputs:
            raise TypeMismatch(f"the graph has no result {absent[0] if absent else 'at all'}")

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __getitem__(self, name: str) -> Node:
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    @property
    def by_name(self) -> dict[str, Node]:
        """Every node under its name."""
        return {node.name: node for node in self.nodes}

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The nodes that the caller brings values for, in order."""
        return tuple(node for node in self.nodes if isinstance(node.op, Input))

    @property
    def users(self) -> dict[str, tuple[str, ...]]:
        """For every node the names of those that use it."""
        result: dict[str, tuple[str, ...]] = {node.name: () for node in self.nodes}
        for node in self.nodes:
            for name in dict.fromkeys(node.args):
                result[name] += (node.name,)
        return result

    def __call__(self, *values: FloatArray) -> FloatArray:
        """The first result on a batch, the values given in the order of the inputs."""
        names = [node.name for node in self.inputs]
        if len(values) != len(names):
            raise TypeMismatch(f"the graph takes {len(names)} inputs, not {len(values)}")
        return evaluate(self, dict(zip(names, values, strict=True)))[self.outputs[0]]


Watch = Callable[[Node, FloatArray], FloatArray | None]


def evaluate(
    graph: Graph, values: Mapping[str, FloatArray], *, watch: Watch | None = None
) -> dict[str, FloatArray]:
    """The graph's results, by name, for a batch of its inputs.

    `watch` sees every node's value as it is made, and may give another in its place.
    Raises TypeMismatch where an input is missing, has the wrong shape or is not finite.
    """

    def computed(node: Node, args: list[FloatArray]) -> FloatArray:
        value = _checked(node, values) if isinstance(node.op, Input) else node.op.run(*args)
        seen = watch(node, value) if watch else None
        return value if seen is None else seen

    known = {name: value for name, value in carried_out(graph, computed) if name in graph.outputs}
    return {name: known[name] for name in graph.outputs}


def carried_out(
    graph: Graph, compute: Callable[[Node, list[Value]], Value]
) -> Iterator[tuple[str, Value]]:
    """Every node's name and value in turn, whatever values are; no longer needed ones are let go.

    `compute` makes a node's value of its arguments'.
    """
    left = Counter(name for node in graph for name in dict.fromkeys(node.args))
    known: dict[str, Value] = {}
    for node in graph:
        known[node.name] = compute(node, [known[name] for name in node.args])
        yield node.name, known[node.name]
        for name in dict.fromkeys(node.args):
            left[name] -= 1
            if not left[name]:
                del known[name]


def _checked(node: Node, values: Mapping[str, FloatArray]) -> FloatArray:
    """The value given for an input, as finite doubles of the right shape."""
    if node.name not in values:
        raise TypeMismatch(f"input {node.name} was not given")
    value = np.asarray(values[node.name], dtype=np.float64)
    if value.shape[1:] != node.type.shape or value.ndim != len(node.type.shape) + 1:
        raise TypeMismatch(
            f"input {node.name} has shape {value.shape}, "
            f"not (batch, {', '.join(map(str, node.type.shape))})",
            hint="the first axis is the batch",
        )
    if not np.all(np.isfinite(value)):
        raise TypeMismatch(f"input {node.name} holds NaN or infinity")
    return value


def retype(node: Node, known: Mapping[str, Type]) -> Node:
    """The node with its type computed from its op and its arguments' types."""
    args = [known[name] for name in node.args]
    try:
        shape = node.op.shape(*(each.shape for each in args))
    except TypeMismatch as wrong:
        raise TypeMismatch(f"{node.where}: {wrong.message}", hint=wrong.hint) from wrong
    secret = any(each.secret for each in args) if args else node.type.secret
    return replace(node, type=replace(node.type, shape=shape, secret=secret))
