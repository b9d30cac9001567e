"""One node of an ONNX model, with its inputs as they were read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tacit.ir.functions import FloatArray
from tacit.ir.graph import Shape
from tacit.read.shared import Array, Held, Operand, Site

# Stands for the batch where a model computes with it: a prime that is nobody's extent, so that
# shapes can be worked out in plain integers and the batch be told apart afterwards.
PROBE = 10007


@dataclass(frozen=True)
class Call:
    """A node: where it is written, its inputs (None where left out), attributes and opset.

    `batch` is the extent that the model's own shape arithmetic sees as the batch.
    """

    site: Site
    inputs: tuple[Operand | None, ...]
    attributes: Mapping[str, Any]
    opset: int
    batch: int
    results: int = 1

    @property
    def x(self) -> Held:
        """The first input, which must depend on the model's input."""
        return self.held(0)

    @property
    def rank(self) -> int:
        """How many axes the first input has, the batch included."""
        return len(self.site.shape(self.x)) + 1

    def given(self, index: int) -> Operand | None:
        """The input at the index, None where it is left out."""
        return self.inputs[index] if index < len(self.inputs) else None

    def held(self, index: int) -> Held:
        """An input that must depend on the model's input."""
        value = self.given(index)
        if not isinstance(value, Held):
            raise self.site.refusal(f"its input {index} does not depend on the model's input")
        return value

    def operand(self, index: int) -> Operand:
        """An input that is a value of the graph, or a constant with one row for the batch."""
        value = self.given(index)
        if value is None:
            raise self.site.refusal(f"it has no input {index}")
        return value if isinstance(value, Held) else one_row(value, self.batch)

    def maybe_array(self, index: int) -> Array | None:
        """A constant input that may be left out."""
        value = self.given(index)
        if isinstance(value, Held):
            raise self.site.refusal(
                f"its input {index} depends on the model's input",
                hint="weights and sizes must be constants of the model",
            )
        return value

    def array(self, index: int) -> FloatArray:
        """A constant input as doubles."""
        value = self.maybe_array(index)
        if value is None:
            raise self.site.refusal(f"it has no input {index}")
        return np.asarray(value, dtype=np.float64)

    def maybe_number(self, index: int) -> float | None:
        """A constant number that may be left out."""
        value = self.maybe_array(index)
        return None if value is None else float(np.asarray(value).reshape(()))

    def integers(self, index: int, attribute: str) -> tuple[int, ...] | None:
        """Whole numbers from an input, or from the attribute that older opsets have instead."""
        value = self.maybe_array(index)
        if value is not None:
            return tuple(int(each) for each in value.reshape(-1))
        found = self.attributes.get(attribute)
        return None if found is None else tuple(int(each) for each in found)

    def axes(self, index: int) -> tuple[int, ...] | None:
        """Axes from an input or the attribute `axes`."""
        return self.integers(index, "axes")

    def each(self, name: str, rank: int, default: int = 1) -> Shape:
        """An attribute of one whole number per axis."""
        return tuple(self.attributes.get(name) or (default,) * rank)

    def integer(self, name: str, default: int) -> int:
        """A whole attribute."""
        return int(self.attributes.get(name, default))

    def number(self, name: str, default: float) -> float:
        """An attribute that is a real number."""
        return float(self.attributes.get(name, default))

    def text(self, name: str, default: str) -> str:
        """An attribute that is a word."""
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else str(value)


Handler = Callable[[Call], Held | Array | tuple[Held, ...]]


def one_row(array: Array, batch: int) -> Array:
    """The array with one row where it has the same row for everything in the batch."""
    if array.ndim and array.shape[0] == batch == PROBE and np.all(array == array[:1]):
        return array[:1]
    return array
