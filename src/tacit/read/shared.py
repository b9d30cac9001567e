"""What both doors share: a value as it is read, the site where a layer is written, refusals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tacit.errors import ReadError, TypeMismatch
from tacit.ir.graph import Op, Shape
from tacit.ir.ops import Constant
from tacit.ir.rewrite import Builder

Array = NDArray[Any]


@dataclass(frozen=True)
class Held:
    """A value that is there only once the graph runs: the name of its node."""

    name: str


# What a layer is given: a value of the graph, or an array that the model brings with it. An array
# counts its axes as the framework does, the batch included; a Held's shape leaves the batch out.
Operand = Held | Array


@dataclass(frozen=True)
class Site:
    """Where a layer is written: the graph so far, the layer's name, kind and path in the model."""

    builder: Builder
    name: str
    kind: str
    origin: str = ""

    def put(self, op: Op, *args: Held) -> Held:
        """The value of the op, under the layer's own name."""
        return self._put(self.name, op, *args)

    def step(self, label: str, op: Op, *args: Held) -> Held:
        """The value of the op as a step on the way, named after the layer and the label."""
        return self._put(f"{self.name}_{label}", op, *args)

    def constant(self, value: ArrayLike, label: str = "constant") -> Held:
        """The array as a value of the graph."""
        array = np.array(value, dtype=np.float64)
        if not np.all(np.isfinite(array)):
            raise self.refusal("it uses a constant that holds NaN or infinity")
        return self._put(f"{self.name}_{label}", Constant(array))

    def shape(self, value: Held) -> Shape:
        """The shape of the value, without the batch."""
        return self.builder.type(value.name).shape

    def axis(self, value: Held, axis: int) -> int:
        """The axis, counted with the batch or from the end, as one counted without the batch."""
        rank = len(self.shape(value)) + 1
        if not -rank <= axis < rank:
            raise self.refusal(f"it asks for axis {axis} of {rank}")
        if axis % rank == 0:
            raise self.refusal(
                "it works along the batch", hint="each row of a batch must be answered by itself"
            )
        return axis % rank - 1

    def refusal(self, why: str, *, hint: str | None = None) -> ReadError:
        """The error that names the layer."""
        where = f"{self.origin}: " if self.origin else ""
        return ReadError(f"{where}{self.kind} cannot be read: {why}", hint=hint)

    def _put(self, name: str, op: Op, *args: Held) -> Held:
        try:
            added = self.builder.put(name, op, *(each.name for each in args), origin=self.origin)
        except TypeMismatch as wrong:
            raise self.refusal(wrong.message, hint=wrong.hint) from wrong
        return Held(added)


CallT = TypeVar("CallT")


@dataclass(frozen=True)
class Layer(Generic[CallT]):
    """One row of a door's table: its title, the framework's names, how it is read, what it becomes.

    `becomes` lists the ops that can come out; none where the layer does nothing in a prediction.
    """

    title: str
    names: tuple[str, ...]
    read: Callable[[CallT], Any]
    becomes: tuple[type[Op], ...] = ()


@dataclass(frozen=True)
class Row:
    """One row of the table of supported layers."""

    layer: str
    names: tuple[str, ...]
    becomes: tuple[str, ...]


def rows(layers: Sequence[Layer[CallT]]) -> tuple[Row, ...]:
    """The table's rows, as names."""
    return tuple(
        Row(each.title, each.names, tuple(op.__name__ for op in each.becomes)) for each in layers
    )


# What would do instead of well-known layers: patterns of the kind's name, and the advice.
ADVICE: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("*layernorm*", "*groupnorm*", "*instancenorm*", "*rmsnorm*", "*localresponse*", "lrn"),
        "it divides by a statistic of the secret input; train with batch norm, which is constant "
        "when predicting",
    ),
    (
        ("*embedding*", "gather*", "index*", "take*", "onehot", "scatter*"),
        "a secret value cannot choose an entry; send one-hot vectors and use a linear layer, and "
        "pick fixed entries with slices",
    ),
    (
        ("*lstm*", "*gru*", "*rnn*", "loop", "scan", "whileloop"),
        "recurrence is not read; use convolutions over time, or unroll the cell by hand",
    ),
    (
        ("*convtranspose*", "*transposed*", "*upsample*", "resize", "interpolate", "gridsample*"),
        "use a linear layer, or a convolution with more channels and a reshape",
    ),
    (
        ("*conv3d*", "*pool3d*", "fold", "im2col", "col2im"),
        "layers over one and two axes are read; move the third into the channels",
    ),
    (
        ("*attention*", "einsum"),
        "write it with matmul, and with a polynomial in the place of the inner softmax",
    ),
    (
        (
            *("where", "masked*", "cond", "if", "isnan", "isinf", "logical*", "bitwise*"),
            *("ge", "gt", "le", "lt", "eq", "ne", "and", "or", "not", "xor"),
            *("greater*", "less*", "equal"),
        ),
        "a secret value cannot be branched on; use ReLU, a maximum, sign or a clamp",
    ),
    (
        ("round",),
        "grids are read as fake_quantize ops; write Brevitas' networks with its export_qonnx",
    ),
    (
        (
            *("log1p", "log2", "*norm", "std*", "var*", "reducel*"),
            *("cumsum", "cumprod", "floor*", "ceil", "tan"),
        ),
        "no approximation of it is offered; use a supported activation in its place",
    ),
    (
        ("rand*", "bernoulli*", "multinomial", "normal*", "*dropout"),
        "a prediction must not be drawn by chance; call eval() on the model, and take sampling out",
    ),
    (
        ("topk", "sort", "argsort", "amax", "amin", "reducemax", "reducemin", "nonzero", "argmin"),
        "compare and sort on the client, or use max-pooling or torch.maximum",
    ),
    (
        ("*quantize*", "qlinear*", "*integer", "*fakequant*"),
        "write quantisation as QuantizeLinear and DequantizeLinear, or as fake_quantize ops",
    ),
)


def unsupported(site: Site) -> ReadError:
    """The error for a layer that no table knows, with what would do instead."""
    plain = site.kind.lower().replace("_", "")
    hints = (hint for patterns, hint in ADVICE if any(fnmatch(plain, each) for each in patterns))
    general = "docs/supported-ops.md lists what can be read; write the layer with those"
    return site.refusal("it is not supported", hint=next(hints, general))
