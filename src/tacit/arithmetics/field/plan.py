"""Who does what, and when: a lowered graph as the steps of its verifier.

Plans are made of a graph alone, so both parties and the prediction of costs agree on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tacit.arithmetics.field.layouts import channels_of
from tacit.arithmetics.field.ops import PRODUCTS, Convolution, Dense, Encode, Product, Rescale
from tacit.arithmetics.field.verify.prime import Prime
from tacit.arithmetics.field.verify.stage import Setting
from tacit.ir.graph import Graph, Input, Node, Place, Shape
from tacit.ir.ops import Pool, PoolKind


@dataclass(frozen=True)
class Strength:
    """In which field products are checked, and by how many challenges each."""

    prime: Prime
    repetitions: int


@dataclass(frozen=True, eq=False)
class Round:
    """Products of one value as one image, which a worker computes at once."""

    value: str
    products: tuple[Node, ...]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes that are computed."""
        return self.products


@dataclass(frozen=True, eq=False)
class Pass:
    """A rescaling and the pooling behind it: one look at every entry of what a worker answered."""

    rescale: Node
    pool: Node | None

    @property
    def node(self) -> Node:
        """The node whose value comes out."""
        return self.rescale if self.pool is None else self.pool

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes that are computed."""
        return (self.rescale,) if self.pool is None else (self.rescale, self.pool)


@dataclass(frozen=True, eq=False)
class Local:
    """Any other node, which the verifier computes by itself."""

    node: Node

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The node that is computed."""
        return (self.node,)


Step = Round | Pass | Local


@dataclass(frozen=True, eq=False)
class Plan:
    """The steps from the encoded input on."""

    graph: Graph
    steps: tuple[Step, ...]

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """Every node under its name."""
        return self.graph.by_name

    @cached_property
    def encode(self) -> Node:
        """The node that makes integers of the input."""
        return next(node for node in self.graph if isinstance(node.op, Encode))

    @cached_property
    def products(self) -> tuple[Node, ...]:
        """What the worker computes, in the graph's order, which is that of its answer."""
        return tuple(node for node in self.graph if is_outsourced(node))

    @cached_property
    def rounds(self) -> tuple[Round, ...]:
        """The products by what they are of, in the order in which they can be asked for."""
        return tuple(step for step in self.steps if isinstance(step, Round))

    @cached_property
    def consumers(self) -> dict[str, tuple[Node, ...]]:
        """For every value the worker's products of it."""
        found: dict[str, tuple[Node, ...]] = {}
        for each in self.rounds:
            found[each.value] = (*found.get(each.value, ()), *each.products)
        return found

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """Every value's shape in the graph."""
        return {node.name: node.type.shape for node in self.graph}

    @cached_property
    def axes(self) -> dict[str, int]:
        """Where every node has the channels of its value, as `layouts` counts axes."""
        return {node.name: channels_of(node.op, node.type.shape) for node in self.graph}

    @cached_property
    def taken_axes(self) -> dict[str, int]:
        """Where every node has the channels of what it takes."""
        return {
            node.name: channels_of(node.op, self.shapes[node.args[0]])
            for node in self.graph
            if node.args
        }

    @cached_property
    def along(self) -> dict[str, tuple[Node, ...]]:
        """The products of every pass's value that lie in memory as it does."""
        return {
            step.node.name: tuple(
                each
                for each in self.consumers.get(step.node.name, ())
                if self.taken_axes[each.name] == self.axes[step.rescale.name]
            )
            for step in self.steps
            if isinstance(step, Pass)
        }

    @cached_property
    def settings(self) -> dict[str, Setting]:
        """Of every pass what does not change from batch to batch, once there was a batch."""
        return {}

    @cached_property
    def releases(self) -> tuple[tuple[str, ...], ...]:
        """After every step the values that nobody needs any more."""
        last = {
            name: place
            for place, step in enumerate(self.steps)
            for node in step.nodes
            for name in node.args
        }
        kept = set(self.graph.outputs)
        return tuple(
            tuple(name for name, place in last.items() if place == here and name not in kept)
            for here in range(len(self.steps))
        )

    @cached_property
    def checked_in_passing(self) -> frozenset[str]:
        """The products that only a pass reads, as they are, which therefore checks them."""
        return frozenset(node.name for node in self.products if self._is_passed(node))

    def _is_passed(self, node: Node) -> bool:
        users = self.graph.users[node.name]
        if len(users) != 1 or node.name in self.graph.outputs:
            return False
        user = self.nodes[users[0]]
        shape = node.type.shape
        return isinstance(user.op, Rescale) and channels_of(user.op, shape) == channels_of(
            node.op, shape
        )


def plan(graph: Graph) -> Plan:
    """The plan of a graph in the words of the field."""
    return Plan(graph, tuple(_steps(graph)))


def is_outsourced(node: Node) -> bool:
    """Whether a worker computes the node."""
    return node.place is Place.SERVER and isinstance(node.op, PRODUCTS)


def product_of(node: Node) -> Product:
    """The product that a node is."""
    assert isinstance(node.op, Dense | Convolution), "only products are given to a worker"
    return node.op


def _steps(graph: Graph) -> Iterator[Step]:
    asked: set[tuple[str, int]] = set()
    done: set[str] = set()
    users, nodes = graph.users, graph.by_name
    outsourced = [node for node in graph if is_outsourced(node)]
    for node in graph:
        if isinstance(node.op, Input | Encode) or node.name in done:
            continue
        if is_outsourced(node):
            image = _image(node)
            if image not in asked:
                asked.add(image)
                yield Round(image[0], tuple(each for each in outsourced if _image(each) == image))
        elif isinstance(node.op, Rescale):
            pool = _pooled(node, graph.outputs, [nodes[name] for name in users[node.name]])
            done |= {node.name} | ({pool.name} if pool else set())
            yield Pass(node, pool)
        else:
            yield Local(node)


def _image(product: Node) -> tuple[str, int]:
    """What a product is of: a value, and which axis of it are the channels."""
    return product.args[0], channels_of(product.op, product.type.shape)


def _pooled(node: Node, outputs: tuple[str, ...], users: list[Node]) -> Node | None:
    """The maximum pooling that alone takes a rescaled image."""
    if len(users) != 1 or node.name in outputs or len(node.type.shape) != 3:
        return None
    match users[0].op:
        case Pool(kind=PoolKind.MAXIMUM) if channels_of(node.op, node.type.shape) == 0:
            return users[0]
        case _:
            return None
