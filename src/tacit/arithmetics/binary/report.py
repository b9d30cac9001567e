"""The layers of a program: what they multiply, how often, and what their weights take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from math import prod

from tacit.arithmetics.binary.ops import (
    BinaryProduct,
    Clamps,
    Reals,
    Thresholds,
    Totals,
    Transform,
)
from tacit.arithmetics.binary.prepare import weight_words
from tacit.ir.graph import Graph, Node
from tacit.ir.ops import Conv, Linear
from tacit.program import Json

REALS = "reals"


@dataclass(frozen=True)
class Layer:
    """One layer: its place in the user's model, its name, and what one input takes.

    `multiplies` says what comes in: bits, bipolar or unipolar, or reals. A layer of bits has a
    product for each pair of a plane of its inputs and a plane of its weights, of which there are
    `input_bits` and `weight_bits`; reals have none. `products` counts those of single bits, or of
    reals; `gives` is what becomes of the sums.
    """

    at: str
    name: str
    multiplies: str
    input_bits: int | None
    weight_bits: int | None
    products: int
    gives: str
    weight_bytes: int

    def record(self) -> dict[str, Json]:
        """All of it, by name."""
        return asdict(self)


def report(graph: Graph) -> tuple[Layer, ...]:
    """All layers of a program's graph, in order."""
    return tuple(_layers(graph))


def _layers(graph: Graph) -> Iterator[Layer]:
    nodes = graph.by_name
    in_totals = {name for node in graph if isinstance(node.op, Totals) for name in node.args}
    for node in graph:
        match node.op:
            case BinaryProduct(transform=transform) if node.name not in in_totals:
                yield _of_bits(node, [node], transform)
            case Totals(transform=transform):
                yield _of_bits(node, _planes(node, nodes), transform)
            case Linear(weight) | Conv(weight):
                products = node.type.size * prod(weight.shape[1:])
                at = node.origin or node.name
                yield Layer(at, node.name, REALS, None, None, products, REALS, weight.nbytes)
            case _:
                pass


def _planes(node: Node, nodes: Mapping[str, Node]) -> list[Node]:
    """The products that a total is of."""
    return [nodes[name] for name in node.args]


def _of_bits(node: Node, planes: list[Node], transform: Transform) -> Layer:
    """A layer whose products are those of these planes; the last word is the node's."""
    ops = [each.op for each in planes if isinstance(each.op, BinaryProduct)]
    inputs = len({each.args for each in planes})
    return Layer(
        at=node.origin or node.name,
        name=node.name,
        multiplies=f"{ops[0].alphabet.value} bits",
        input_bits=inputs,
        weight_bits=len(ops) // inputs,
        products=sum(node.type.size * op.fan_in for op in ops),
        gives=_given(transform),
        # The planes of the inputs share their weights.
        weight_bytes=sum(weight_words(op).nbytes for op in ops) // inputs,
    )


def _given(transform: Transform) -> str:
    match transform:
        case Clamps():
            return "integers"
        case Reals():
            return REALS
        case Thresholds(alphabet=alphabet):
            return f"{alphabet.value} bits"
