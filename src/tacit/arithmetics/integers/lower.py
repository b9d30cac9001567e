"""A calibrated graph becomes sums and look-ups on small integers.

As under CKKS, every value is kept as an affine function of vectors (a Form) until something that is
not affine needs it. Scalar functions are kept as well, and become one table together with the
requantisation behind them. A function of single entries of the input costs no table at all: the
client encrypts the input as steps, of which every such function is a sum.
"""

from __future__ import annotations

from tacit.arithmetics.integers.forms import Bent, chosen, moved, weighted
from tacit.arithmetics.integers.inputs import grids_of_input
from tacit.arithmetics.integers.ops import Decode, Encode
from tacit.arithmetics.integers.settings import Settings
from tacit.arithmetics.integers.tournament import largest
from tacit.arithmetics.integers.vectors import Vectors
from tacit.errors import LoweringError
from tacit.ir import affine, ops
from tacit.ir.affine import Form
from tacit.ir.graph import Graph, Input, Node
from tacit.ir.rewrite import Builder
from tacit.ir.windows import adaptive, pooled
from tacit.passes.ends import at_end, placed


def lower(graph: Graph, settings: Settings) -> Graph:
    """The graph in words of small integers.

    Raises LoweringError, or WidthExceeded naming the layer whose sums are too wide.
    """
    builder = Builder()
    vectors = Vectors(builder, settings)
    lowering = _Lowering(builder, vectors, at_end(graph, "Integers"), grids_of_input(graph))
    for node in graph:
        lowering.take(node, graph)
    name = lowering.at_client(graph[graph.outputs[0]])
    return placed(builder.graph(name), ends=(Encode, Decode))


class _Lowering:
    """Node after node, what is known of each value."""

    def __init__(
        self, builder: Builder, vectors: Vectors, client: frozenset[str], grids: frozenset[str]
    ) -> None:
        self._builder = builder
        self._vectors = vectors
        self._client = client
        self._grids = grids
        self._values: dict[str, Form | Bent] = {}
        self._opened: dict[str, str] = {}
        self._layers: dict[str, Node] = {}

    def take(self, node: Node, graph: Graph) -> None:
        """Add what this node needs."""
        if node.name in self._client:
            names = tuple(self.at_client(graph[name]) for name in node.args)
            put = Node(node.name, node.op, names, node.type, node.origin)
            self._opened[node.name] = self._builder.add(put)
            return
        args = [graph[name] for name in node.args]
        is_layer = isinstance(node.op, ops.Linear | ops.Conv) or not args
        self._layers[node.name] = node if is_layer else self._layers[args[0].name]
        self._values[node.name] = self._value(node, args)

    def at_client(self, node: Node) -> str:
        """The name of the node's value in the clear at the client."""
        if node.name not in self._opened:
            self._opened[node.name] = self._vectors.decoded(
                self._form(node), node, self._layers[node.name]
            )
        return self._opened[node.name]

    def _value(self, node: Node, args: list[Node]) -> Form | Bent:
        match node.op:
            case Input():
                return self._vectors.bring(node)
            case ops.Constant():
                return affine.constant(node.op.value)
            case ops.Map() | ops.Approximated() | ops.FakeQuantise():
                return self._bent(node, self._values[args[0].name])
            case ops.Reshape() | ops.Permute() | ops.Slice():
                return self._moved(node, args[0])
            case _:
                return self._affine(node, args)

    def _affine(self, node: Node, args: list[Node]) -> Form:
        forms = tuple(self._form(each) for each in args)
        shapes = tuple(each.type.shape for each in args)
        found = affine.apply(node.op, forms, shapes)
        if found is not None:
            return weighted(found)
        if all(not form.terms for form in forms):
            values = (f.shift.reshape(1, *s) for f, s in zip(forms, shapes, strict=True))
            return affine.constant(node.op.run(*values))
        return self._several(node, args, forms)

    def _several(self, node: Node, args: list[Node], forms: tuple[Form, ...]) -> Form:
        """What is a function of several entries, and not affine."""
        shapes = tuple(each.type.shape for each in args)
        match node.op:
            case ops.Pool(kind=ops.PoolKind.MAXIMUM):
                windows = pooled(node.op, shapes[0])
                return largest(self._vectors, forms[0], windows, args[0], node)
            case ops.AdaptivePool(kind=ops.PoolKind.MAXIMUM):
                windows = adaptive(node.op, shapes[0])
                return largest(self._vectors, forms[0], windows, args[0], node)
            case ops.Mul():
                pairs = zip(forms, shapes, strict=True)
                first, second = (affine.broadcast(f, s, node.type.shape) for f, s in pairs)
                return self._vectors.product((first, second), (args[0], args[1]), node)
            case ops.MatMul():
                left, right, total = affine.matmul_parts(shapes)
                spread = (forms[0].after(left), forms[1].after(right))
                return self._vectors.product(spread, (args[0], args[1]), node).after(total)
            case _:
                raise LoweringError(
                    f"{node.where}: Integers has no {type(node.op).__name__}",
                    hint="see docs/supported-ops.md for what can be lowered",
                )

    def _form(self, node: Node) -> Form:
        """The node's value as an affine function; what is bent is computed."""
        value = self._values[node.name]
        found = self._vectors.computed(value, node) if isinstance(value, Bent) else value
        self._values[node.name] = found
        return found

    def _moved(self, node: Node, arg: Node) -> Form | Bent:
        """Entries change places; functions of them need not be computed for that."""
        value = self._values[arg.name]
        form = value.form if isinstance(value, Bent) else value
        found = chosen(form, moved(node.op, arg.type.shape, form.size))
        return Bent(found, value.functions, value.layer) if isinstance(value, Bent) else found

    def _bent(self, node: Node, value: Form | Bent) -> Form | Bent:
        """One more function on top of what is not computed yet."""
        op = node.op
        bare = value if isinstance(value, Form) else None
        if isinstance(op, ops.FakeQuantise):
            taken = node.name in self._grids and bare is not None
            if taken and bare is not None and self._vectors.take_grid(bare, op):
                return bare
            if op.scale.size > 1:
                raise LoweringError(
                    f"{node.where} quantises every channel by itself",
                    hint="quantise activations with one scale; weights and inputs may have several",
                )
        bent = (
            Bent(bare, (op,), self._layers[node.name])
            if bare is not None
            else self._longer(value, node)
        )
        if not bent.form.terms:
            return affine.constant(bent.values(bent.form.shift[None]))
        return bent

    @staticmethod
    def _longer(value: Form | Bent, node: Node) -> Bent:
        assert isinstance(value, Bent), "what is no form is bent"
        return Bent(value.form, (*value.functions, node.op), value.layer)
