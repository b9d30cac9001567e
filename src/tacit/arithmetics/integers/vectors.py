"""The vectors of a program while it is lowered: what they may be, and the words that make them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tacit.arithmetics.integers.accumulators import Reach, box
from tacit.arithmetics.integers.forms import Bent
from tacit.arithmetics.integers.inputs import Source, as_vector, source_of
from tacit.arithmetics.integers.jumps import settled
from tacit.arithmetics.integers.ops import Decode, Product
from tacit.arithmetics.integers.settings import Settings
from tacit.arithmetics.integers.words import Whole, sums, tabled, whole
from tacit.errors import LoweringError
from tacit.ir.affine import Form, Matrix, identity
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Node, Op, Shape
from tacit.ir.ops import FakeQuantise, Map
from tacit.ir.rewrite import Builder

UNBENT = Map(Function("leaky_relu", (1.0,)))


class Vectors:
    """Everything that is computed so far.

    Forms may speak of a vector that is none, such as a maximum: a form of others whose reach is
    known better than theirs tells. `whole` expresses it by what is computed.
    """

    def __init__(self, builder: Builder, settings: Settings) -> None:
        self._builder = builder
        self._settings = settings
        self._reaches: dict[str, Reach] = {}
        self._joined: dict[str, Form] = {}
        self._scales: dict[str, tuple[float, float]] = {}
        self._encoded: dict[bool, str] = {}
        self._sources: list[Source] = []

    @property
    def settings(self) -> Settings:
        """How to quantise."""
        return self._settings

    def bring(self, node: Node) -> Form:
        """The input, which the client encrypts in the way that is needed."""
        self._sources = [source_of(node, self._settings)]
        self._builder.add(node)
        return identity(node.name, node.type.size)

    def take_grid(self, form: Form, grid: FakeQuantise) -> bool:
        """Whether a grid is the input's, which the client moves it to then."""
        found = None if self._encoded else self._sources[0].on_grid(form, grid)
        self._sources = [found] if found is not None else self._sources
        return found is not None

    def computed(self, bent: Bent, node: Node) -> Form:
        """The values of functions of a form, as a form of what is encrypted or looked up."""
        source = self._sources[0]
        if source.has_few_steps and source.is_function_of_entries(bent.form):
            return source.stepped(bent, self._encode(steps=True))
        return self.looked_up(bent, node)

    def looked_up(self, bent: Bent, node: Node, *, exact: bool = False) -> Form:
        """The values of functions of a form as integers on one grid.

        They are rounded to the grid of the node's range, unless they are to be `exact`.
        """
        form = settled(bent, self._of_integers(bent.form))
        found, name = self.summed(form, bent.layer, node.type.shape)
        table = tabled(bent, found, node, self._settings, exact=exact)
        looked = self.put(node, "lookup", table.word, name)
        self._reaches[looked] = table.reach
        self._scales[looked] = table.scale, float(table.zero_point)
        return as_vector(looked, table.scale, table.zero_point, bent.form.size)

    def summed(
        self, form: Form, node: Node, shape: Shape, *, last: bool = False
    ) -> tuple[Whole, str]:
        """The form in integers, and the name of the word that computes it for a layer."""
        if not form.terms:
            raise LoweringError(
                f"{node.where} does not depend on the input",
                hint="a constant needs no encryption; take it out of the model",
            )
        found = self.whole(form, node, last=last)
        terms, bias = dict(found.terms), found.bias
        for name in [each for each in terms if each in self._joined]:
            inside, matrix = self._joined[name], terms.pop(name)
            bias = bias + matrix @ inside.shift
            for other, part in inside.terms.items():
                more = Matrix(matrix @ part)
                terms[other] = Matrix(terms[other] + more) if other in terms else more
        plain = replace(found, terms=terms, bias=bias)
        return found, self.put(node, "sums", sums(plain, shape, last=last), *terms)

    def whole(self, form: Form, node: Node, *, last: bool = False) -> Whole:
        """The form in integers, of what is or can be computed; raises WidthExceeded."""
        form = self._of_integers(form)
        settings = replace(self._settings, per_channel=False) if last else self._settings
        return whole(form, self._reaches, node, settings, last=last)

    def _of_integers(self, form: Form) -> Form:
        """The form of what the client encrypts, in place of the reals of its input."""
        source = self._sources[0]
        if source.name not in form.terms:
            return form
        return source.whole(form, self._encode(steps=False))

    def product(self, forms: tuple[Form, Form], nodes: tuple[Node, Node], node: Node) -> Form:
        """Entry by entry the product of two forms, each on a grid of the activations' bits."""
        found = [self._narrow(form, of, node) for form, of in zip(forms, nodes, strict=True)]
        (first, left), (second, right) = found
        name = self.put(node, "product", Product(), left, right)
        corners = [a * b for a in (first.low, first.high) for b in (second.low, second.high)]
        self._reaches[name] = box(np.minimum.reduce(corners), np.maximum.reduce(corners))
        scale = float(first.step[0] * second.step[0])
        self._scales[name] = scale, 0.0
        return as_vector(name, scale, 0.0, forms[0].size)

    def _narrow(self, form: Form, of: Node, node: Node) -> tuple[Whole, str]:
        """A factor as centred integers: those it has, where they are few, or rounded ones."""
        half = self._settings.accumulator // 2
        found = self.whole(form, of)
        if found.bits > half or found.step.size > 1 or found.rest:
            form = self.looked_up(Bent(form, (UNBENT,), of), of)
        return self.summed(form, node, (form.size,))

    def join(self, form: Form, low: FloatArray, high: FloatArray) -> str:
        """A name for integers that are a form of others, with their own proven bounds."""
        name = f"joined_{len(self._joined)}"
        found = self._resolved(form)
        terms = {other: _rounded(each) for other, each in found.terms.items()}
        self._joined[name] = Form(terms, np.rint(found.shift))
        self._reaches[name] = box(low, high)
        return name

    def _resolved(self, form: Form) -> Form:
        """The form with joined vectors expressed by what is computed."""
        for name in [each for each in form.terms if each in self._joined]:
            matrix = form.terms[name]
            rest = {other: each for other, each in form.terms.items() if other != name}
            form = Form(rest, form.shift).plus(self._joined[name].after(matrix))
        return form

    def reach(self, name: str) -> Reach:
        """What a vector's entries may be."""
        return self._reaches[name]

    def decoded(self, form: Form, node: Node, layer: Node) -> str:
        """The name of a form's value, opened by the client; `layer` is whose weights it has."""
        known = self._as_it_is(form)
        if known is not None:
            scale, zero = self._scales[known]
            low, high = _ends(self._reaches[known])
            word = Decode(node.type.shape, scale, -zero * scale, low, high)
            return self.put(node, "opened", word, known)
        found, name = self.summed(form, layer, node.type.shape, last=True)
        scale = float(found.step[0])
        low, high = int(found.low.min()), int(found.high.max())
        word = Decode(node.type.shape, scale, found.rest * scale, low, high)
        return self.put(node, "opened", word, name)

    def _as_it_is(self, form: Form) -> str | None:
        """The vector that a form is, if it is computed already and not too wide to be opened."""
        if len(form.terms) != 1:
            return None
        ((name, matrix),) = form.terms.items()
        if name not in self._scales:
            return None
        low, high = _ends(self._reaches[name])
        if (high - low).bit_length() > self._settings.result:
            return None
        same = as_vector(name, *self._scales[name], form.size)
        equal = matrix.shape == same.terms[name].shape and np.array_equal(form.shift, same.shift)
        return name if equal and abs(matrix - same.terms[name]).max() == 0.0 else None

    def put(self, node: Node, what: str, word: Op, *args: str) -> str:
        """The name under which a word was added for a node."""
        return self._builder.put(f"{node.name}_{what}", word, *args, origin=node.origin)

    def _encode(self, *, steps: bool) -> str:
        """The name of the encrypted input, as integers or as steps."""
        source = self._sources[0]
        if steps not in self._encoded:
            word = source.steps if steps else source.grid
            name = f"{source.name}_{'steps' if steps else 'encoded'}"
            self._encoded[steps] = self._builder.put(name, word, source.name)
            self._reaches[self._encoded[steps]] = source.step_reach if steps else source.reach
        return self._encoded[steps]


def _ends(reach: Reach) -> tuple[int, int]:
    """The least and the largest of all entries."""
    return int(reach.low.min()), int(reach.high.max())


def _rounded(matrix: Matrix) -> Matrix:
    """A matrix of integers that have been through products of doubles."""
    return Matrix((np.rint(matrix.data), matrix.indices, matrix.indptr), matrix.shape)
