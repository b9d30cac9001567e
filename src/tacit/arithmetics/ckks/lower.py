"""A calibrated graph becomes words of CKKS: what is affine is gathered, what is not is evaluated.

Every value is kept as an affine function of encrypted vectors (a Form) until something that is
not affine needs it; only then is it computed, as one linear map. So batch norms, poolings,
residual additions, reshapes and the normalisation of an activation's input cost no level of their
own. A vector holds its value divided by a known factor, so that its entries stay near [-1, 1].
The words come out with every vector laid out flat; `packing` finds better layouts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tacit.arithmetics.ckks.activations import Approximate, Recipe
from tacit.arithmetics.ckks.ops import Evaluate, LinearMap, Pack, Product, Unpack
from tacit.arithmetics.ckks.tuned import recipe_of_tuned
from tacit.errors import DepthExceeded, LoweringError
from tacit.ir import affine, ops
from tacit.ir.affine import Form
from tacit.ir.functions import Function
from tacit.ir.graph import Graph, Input, Node, Range, Shape, Type
from tacit.ir.rewrite import Builder
from tacit.ir.windows import adaptive, pooled
from tacit.passes.ends import at_end, placed
from tacit.slots.layout import Layout, flat, power_of_two


def lower(graph: Graph, approximate: Approximate, *, margin: float) -> Graph:
    """The graph in words of CKKS; ranges are widened by `margin` of their width on each side."""
    builder = Builder()
    lowering = _Lowering(builder, approximate, margin, at_end(graph, "CKKS"))
    for node in graph:
        lowering.take(node, graph)
    name = lowering.at_client(graph[graph.outputs[0]])
    return placed(builder.graph(name), ends=(Pack, Unpack))


def widened(seen: Range, margin: float) -> Range:
    """The range with `margin` of its width added on each side."""
    more = margin * (seen.high - seen.low)
    return Range(seen.low - more, seen.high + more)


@dataclass(frozen=True)
class _Aim:
    """What a linear map is to hold: (form - centre) / radius, for a tensor of this shape."""

    form: Form
    centre: float
    radius: float
    of: Shape


class _Lowering:
    """Node after node, the form of each value and the words added for it."""

    def __init__(
        self, builder: Builder, approximate: Approximate, margin: float, client: frozenset[str]
    ) -> None:
        self._builder = builder
        self._approximate = approximate
        self._margin = margin
        self._client = client
        self._forms: dict[str, Form] = {}
        self._opened: dict[str, str] = {}
        self._factors: dict[str, float] = {}

    def take(self, node: Node, graph: Graph) -> None:
        """Add what this node needs."""
        if node.name in self._client:
            args = tuple(self.at_client(graph[name]) for name in node.args)
            put = Node(node.name, node.op, args, node.type, node.origin)
            self._opened[node.name] = self._builder.add(put)
            return
        shapes = tuple(graph[name].type.shape for name in node.args)
        self._forms[node.name] = self._form(node, shapes, graph)

    def at_client(self, node: Node) -> str:
        """The name of the node's value in the clear at the client."""
        if node.name not in self._opened:
            self._opened[node.name] = self._unpack(node)
        return self._opened[node.name]

    def _form(self, node: Node, shapes: tuple[Shape, ...], graph: Graph) -> Form:
        forms = tuple(self._forms[name] for name in node.args)
        match node.op:
            case Input():
                return self._pack(node)
            case ops.Constant():
                return affine.constant(node.op.value)
            case _:
                found = affine.apply(node.op, forms, shapes)
        if found is not None:
            return found
        if all(not form.terms for form in forms):
            value = node.op.run(
                *(f.shift.reshape(1, *s) for f, s in zip(forms, shapes, strict=True))
            )
            return affine.constant(value)
        return self._bent(node, forms, shapes, tuple(_range(graph[name]) for name in node.args))

    def _bent(
        self,
        node: Node,
        forms: tuple[Form, ...],
        shapes: tuple[Shape, ...],
        ranges: tuple[Range, ...],
    ) -> Form:
        """The form of what is not affine, which has to be computed."""
        match node.op:
            case ops.Map(function=function):
                return self._map(function, forms[0], widened(ranges[0], self._margin), node)
            case ops.Approximated():
                return self._computed(_tuned(node, node.op, ranges[0]), forms[0], node)
            case ops.Mul() | ops.MatMul():
                return self._times(node, forms, shapes, ranges)
            case ops.Pool(kind=ops.PoolKind.MAXIMUM):
                return self._tournament(node, forms[0], pooled(node.op, shapes[0]), ranges[0])
            case ops.AdaptivePool(kind=ops.PoolKind.MAXIMUM):
                seen = adaptive(node.op, shapes[0])
                return self._tournament(node, forms[0], seen, ranges[0])
            case _:
                raise LoweringError(
                    f"{node.where}: CKKS has no {type(node.op).__name__}",
                    hint="see docs/supported-ops.md for what can be lowered",
                )

    def _pack(self, node: Node) -> Form:
        seen = _range(node)
        radius = (seen.high - seen.low) / 2 or seen.magnitude or 1.0
        centre = (seen.high + seen.low) / 2
        if seen.low >= 0.0 or seen.high <= 0.0:
            # Zero stays zero: an image's dark border costs no offset in the first layer.
            radius, centre = seen.magnitude or 1.0, 0.0
        source = self._builder.add(replace(node, type=Type(node.type.shape, seen, secret=True)))
        pack = Pack(node.type.shape, centre, radius, seen, _flat(node.type.size))
        name = self._builder.put(f"{node.name}_packed", pack, source)
        self._factors[name] = radius
        form = affine.identity(name, node.type.size).scaled(radius)
        return Form(form.terms, form.shift + centre)

    def _unpack(self, node: Node) -> str:
        form, seen = self._forms[node.name], _range(node)
        if not form.terms:
            raise LoweringError(
                f"{node.where} does not depend on the input",
                hint="a constant needs no encryption; take it out of the model",
            )
        single = self._as_it_is(form)
        if single is None:
            radius = widened(seen, self._margin).magnitude or 1.0
            single = self._linear(_Aim(form, 0.0, radius, node.type.shape), node, last=True)
        else:
            radius = self._factors[single]
        op = Unpack(node.type.shape, 0.0, radius, _flat(node.type.size))
        return self._builder.put(f"{node.name}_opened", op, single, origin=node.origin)

    def _as_it_is(self, form: Form) -> str | None:
        """The vector that the form is, but for its factor, if it is computed already."""
        if len(form.terms) != 1 or np.any(form.shift):
            return None
        ((name, matrix),) = form.terms.items()
        computed = not isinstance(self._builder.op(name), Pack)
        same = affine.identity(name, form.size).scaled(self._factors[name]).terms[name]
        equal = matrix.shape == same.shape and abs(matrix - same).max() == 0.0
        return name if computed and equal else None

    def _linear(self, aim: _Aim, node: Node, *, last: bool = False) -> str:
        names = tuple(aim.form.terms)
        matrices = tuple(affine.Matrix(each / aim.radius) for each in aim.form.terms.values())
        offset = (aim.form.shift - aim.centre) / aim.radius
        sources = tuple(_flat(each.shape[1]) for each in matrices)
        op = LinearMap(matrices, offset, aim.of, sources, _flat(aim.form.size), last)
        return self._builder.put(f"{node.name}_linear", op, *names, origin=node.origin)

    def _vector(self, name: str, factor: float, size: int) -> Form:
        self._factors[name] = factor
        return affine.identity(name, size).scaled(factor)

    def _map(self, function: Function, form: Form, seen: Range, node: Node) -> Form:
        if function.name == "square":
            radius = seen.magnitude or 1.0
            name = self._linear(_Aim(form, 0.0, radius, node.type.shape), node)
            product = self._product(name, name, node)
            return self._vector(product, radius**2, form.size)
        try:
            recipe = self._approximate(function, seen)
        except DepthExceeded as deep:
            raise DepthExceeded(f"{node.where}: {deep.message}", hint=deep.hint) from deep
        return self._computed(recipe, form, node)

    def _computed(self, recipe: Recipe, form: Form, node: Node) -> Form:
        if recipe.approximation.is_affine:
            return _line(form, recipe)
        name = self._linear(_Aim(form, recipe.centre, recipe.radius, node.type.shape), node)
        op = _evaluation(recipe, form.size)
        value = self._builder.put(f"{node.name}_poly", op, name, origin=node.origin)
        return self._vector(value, recipe.factor, form.size)

    def _product(self, first: str, second: str, node: Node) -> str:
        size = self._builder.type(first).size
        word = Product(_flat(size))
        return self._builder.put(f"{node.name}_product", word, first, second, origin=node.origin)

    def _times(
        self,
        node: Node,
        forms: tuple[Form, ...],
        shapes: tuple[Shape, ...],
        ranges: tuple[Range, ...],
    ) -> Form:
        """The product of two encrypted values, of entries or of matrices."""
        if isinstance(node.op, ops.MatMul):
            left, right, total = affine.matmul_parts(shapes)
            of: Shape = (left.shape[0],)
            spread = [forms[0].after(left), forms[1].after(right)]
        else:
            of, total = node.type.shape, None
            pairs = zip(forms, shapes, strict=True)
            spread = [affine.broadcast(form, shape, of) for form, shape in pairs]
        radii = [widened(each, self._margin).magnitude or 1.0 for each in ranges]
        names = [
            self._linear(_Aim(form, 0.0, radius, of), node)
            for form, radius in zip(spread, radii, strict=True)
        ]
        product = self._product(names[0], names[1], node)
        result = self._vector(product, radii[0] * radii[1], spread[0].size)
        return result if total is None else result.after(total)

    def _tournament(self, node: Node, form: Form, windows: affine.IndexArray, seen: Range) -> Form:
        """max(a, b) = (a + b) / 2 + |a - b| / 2, in rounds over the columns of `windows`."""
        players = [
            form.after(affine.selection(windows[:, column], form.size))
            for column in range(windows.shape[1])
        ]
        wide = widened(seen, self._margin)
        apart = Range(wide.low - wide.high, wide.high - wide.low)
        while len(players) > 1:
            pairs = list(zip(players[0::2], players[1::2], strict=False))
            winners = [self._larger(pair, apart, node) for pair in pairs]
            players = winners + players[2 * len(pairs) :]
        return players[0]

    def _larger(self, pair: tuple[Form, Form], apart: Range, node: Node) -> Form:
        first, second = pair
        distance = self._map(Function("abs"), first.plus(second.scaled(-1.0)), apart, node)
        return first.plus(second).plus(distance).scaled(0.5)


def _tuned(node: Node, op: ops.Approximated, seen: Range) -> Recipe:
    """The recipe of polynomials that the model brings; errors name the node."""
    try:
        return recipe_of_tuned(op, seen)
    except LoweringError as wrong:
        raise LoweringError(f"{node.where}: {wrong.message}", hint=wrong.hint) from wrong


def _evaluation(recipe: Recipe, size: int) -> Evaluate:
    """The word of a recipe that is not affine."""
    low, high = recipe.centre - recipe.radius, recipe.centre + recipe.radius
    found = recipe.approximation
    return Evaluate(found, recipe.stands_for, low, high, recipe.error, _flat(size))


def _line(form: Form, recipe: Recipe) -> Form:
    """The recipe of degree at most one on the form: affine, and so nothing is computed."""
    constant, slope = (*recipe.approximation.stages[0].coefficients, 0.0)[:2]
    unit = form.plus(affine.constant(np.full(form.size, -recipe.centre))).scaled(1 / recipe.radius)
    line = unit.scaled(slope).plus(affine.constant(np.full(form.size, constant)))
    return line.scaled(recipe.factor)


def _flat(size: int) -> Layout:
    return flat(size, power_of_two(size))


def _range(node: Node) -> Range:
    assert node.type.range is not None, "lower() has checked that every node is calibrated"
    return node.type.range
