"""Networks with layers of bits, in the graph's own words; their numbers are exact in doubles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from tacit.arithmetics.binary.ops import Alphabet
from tacit.ir import ops
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Graph, Op, Range, Shape
from tacit.ir.rewrite import Builder
from tests.arithmetics.binary.cases import Case, cases

BIPOLAR, HEAVISIDE = Function("bipolar"), Function("heaviside")
QUANTISERS: dict[str, Op] = {
    "bipolar": ops.Map(BIPOLAR),
    "heaviside": ops.Map(HEAVISIDE),
    "sign": ops.Map(Function("sign")),
    "ternary": ops.Map(Function("ternary", (0.5,))),
    "one bit": ops.FakeQuantise(np.array(1.0), np.array(0.0), 0, 1),
    "two bits": ops.FakeQuantise(np.array(0.25), np.array(0.0), 0, 3),
    "three bits": ops.FakeQuantise(np.array([0.5]), np.array([-1.0]), -4, 3),
}
ACTIVATIONS = {
    "none": None,
    "relu": Function("relu"),
    "relu6": Function("relu6"),
    "clamp": Function("hardtanh", (-3.0, 2.0)),
    "leaky": Function("leaky_relu", (0.25,)),
}


class Sketch:
    """A network from its input on, layer after layer."""

    def __init__(self, *shape: int, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.builder = Builder()
        self.at = self.builder.input("x", shape)

    @property
    def shape(self) -> Shape:
        return self.builder.type(self.at).shape

    def put(self, op: Op, *more: str, name: str = "step") -> Sketch:
        self.at = self.builder.put(name, op, self.at, *more)
        return self

    def quantise(self, kind: str) -> Sketch:
        return self.put(QUANTISERS[kind], name=kind.replace(" ", "_"))

    def eighths(self, *shape: int, low: int = -16, high: int = 17) -> FloatArray:
        """Numbers whose sums and products doubles hold exactly."""
        return self.random.integers(low, high, size=shape) / 8.0

    def signs(self, *shape: int, levels: tuple[float, ...] = (-1.0, 1.0)) -> FloatArray:
        return self.random.choice(np.array(levels), size=shape)

    def dense(self, outputs: int, *, scale: float = 1.0, bias: bool = True) -> Sketch:
        weight = scale * self.signs(outputs, self.shape[-1])
        return self.put(ops.Linear(weight, self.eighths(outputs) * bias), name="dense")

    def conv(self, case: Case, *, scale: float = 1.0, bias: bool = True) -> Sketch:
        window, size = case.window, case.weight().astype(np.float64)
        around = (window.stride, window.padding, window.dilation, window.groups)
        if window.border:
            self.put(ops.Pad(((0, 0), *window.padding), float(window.border)), name="pad")
            bare = tuple((0, 0) for _ in window.padding)
            around = (window.stride, bare, window.dilation, window.groups)
        shift = self.eighths(case.outputs) * bias
        return self.put(ops.Conv(scale * size, shift, *around), name="conv")

    def norm(self) -> Sketch:
        """A batch norm; some channels fall, and some are constants."""
        channels = self.shape[0]
        return self.put(ops.Affine(self.eighths(channels), self.eighths(channels)), name="norm")

    def activate(self, kind: str) -> Sketch:
        function = ACTIVATIONS[kind]
        return self if function is None else self.put(ops.Map(function), name=kind)

    def pool(self, kernel: int = 2) -> Sketch:
        rank = len(self.shape) - 1
        each = tuple(min(kernel, n) for n in self.shape[1:])
        none = ((0, 0),) * rank
        op = ops.Pool(ops.PoolKind.MAXIMUM, each, each, none, (1,) * rank, ceil=True)
        return self.put(op, name="pool")

    def flat(self) -> Sketch:
        return self.put(ops.Reshape((int(np.prod(self.shape)),)), name="flat")

    def graph(self) -> Graph:
        return ranged(self.builder.graph(self.at))


def ranged(graph: Graph) -> Graph:
    """The graph as if it were calibrated: bits need no range of anything."""
    nodes = (replace(each, type=replace(each.type, range=Range(-8.0, 8.0))) for each in graph)
    return Graph(tuple(nodes), graph.outputs)


@dataclass(frozen=True)
class Block:
    """What may lie between two layers of bits."""

    case: Case
    activation: str
    order: tuple[str, ...]
    quantiser: str

    @property
    def first(self) -> str:
        return "bipolar" if self.case.alphabet is Alphabet.BIPOLAR else "heaviside"

    def sketch(self) -> Sketch:
        """Bits, the layer, and all that comes behind it but for its own bits."""
        sketch = Sketch(*self.case.shape, seed=self.case.seed)
        sketch.quantise(self.first).conv(self.case, scale=0.25)
        steps: Mapping[str, Callable[[], Sketch]] = {
            "norm": sketch.norm,
            "pool": sketch.pool,
            "activation": lambda: sketch.activate(self.activation),
        }
        for each in self.order:
            steps[each]()
        return sketch

    def inputs(self) -> FloatArray:
        x = np.random.default_rng(self.case.seed).normal(size=(3, *self.case.shape))
        x.flat[:2] = 0.0, -0.0
        return x


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    order = draw(st.permutations(("norm", "pool", "activation")))
    kept = draw(st.integers(0, 3))
    case = draw(cases())
    quantiser = draw(st.sampled_from(sorted(QUANTISERS)))
    return Block(case, draw(st.sampled_from(sorted(ACTIVATIONS))), tuple(order[:kept]), quantiser)
