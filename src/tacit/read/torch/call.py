"""One call in an exported program, with its arguments as they were read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tacit.errors import ReadError
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Shape
from tacit.read.shared import Held, Operand, Site


@dataclass(frozen=True)
class Call:
    """A call of an aten op: where it is written, its arguments by name, and its result's type.

    An argument is a Held, a torch tensor that the model brings with it, a plain Python value, a
    list of these, or None. `batches` holds the batch's extents as the export writes them.
    """

    site: Site
    arguments: Mapping[str, Any]
    result: Any
    batches: frozenset[str]

    @property
    def x(self) -> Held:
        """The first argument, which must depend on the input."""
        return self.held(next(iter(self.arguments)))

    def get(self, name: str, default: Any = None) -> Any:
        """The argument as it is, or the default where this overload has none of that name."""
        return self.arguments.get(name, default)

    def held(self, name: str) -> Held:
        """An argument that must depend on the input."""
        value = self.arguments[name]
        if not isinstance(value, Held):
            raise self.site.refusal(f"its {name} does not depend on the input")
        return value

    def operand(self, name: str) -> Operand:
        """An argument that is a value of the graph, or a constant as an array."""
        return operand(self.arguments[name])

    def array(self, name: str) -> FloatArray:
        """A constant argument."""
        value = self.arguments[name]
        if isinstance(value, Held):
            raise self.site.refusal(
                f"its {name} depends on the input", hint="weights must be constants of the model"
            )
        return doubles(value)

    def maybe_array(self, name: str) -> FloatArray | None:
        """A constant argument that may be missing."""
        return None if self.arguments.get(name) is None else self.array(name)

    def maybe_number(self, name: str) -> float | None:
        """A number that may be missing."""
        value = self.arguments.get(name)
        return None if value is None else float(doubles(value))

    def number(self, name: str, default: float = 1.0) -> float:
        """A number, or the default where this overload has none."""
        value = self.maybe_number(name)
        return default if value is None else value

    def each(self, name: str, rank: int, default: int = 1) -> Shape:
        """One whole number per axis; a single one stands for all."""
        value = self.arguments.get(name)
        if value is None or value == []:
            return (default,) * rank
        numbers = tuple(value) if isinstance(value, list | tuple) else (value,)
        return numbers * rank if len(numbers) == 1 else numbers

    def axes(self, name: str) -> tuple[int, ...]:
        """A list of axes, all of them where it is missing or empty."""
        value = self.arguments.get(name)
        if isinstance(value, int):
            return (value,)
        return tuple(value) if value else tuple(range(len(self.site.shape(self.x)) + 1))

    def shape(self) -> Shape:
        """The result's shape without the batch, which must be its first axis."""
        return without_batch(self.site, self.result.shape, self.batches)


# What reads one kind of call; several results where the op has several.
Handler = Callable[[Call], Held | tuple[Held, ...]]


def without_batch(site: Site, sizes: torch.Size, batches: frozenset[str]) -> Shape:
    """The shape behind the batch; ReadError where the first axis is not it, or another varies."""
    written = tuple(str(size) for size in sizes)
    if not written or written[0] not in batches:
        raise site.refusal(
            f"the first axis of its result ({', '.join(written)}) is not the batch",
            hint="the batch must stay the first axis: write x.flatten(1) or x.view(x.shape[0], -1)",
        )
    varying = [size for size in written[1:] if not size.isdigit()]
    if varying:
        raise site.refusal(
            f"an axis of its result ({', '.join(written)}) has no fixed extent",
            hint="only the batch may vary; export with the other axes fixed",
        )
    return tuple(int(size) for size in sizes[1:])


def operand(value: Any) -> Operand:
    """A value of the graph as it is, anything else as an array."""
    return value if isinstance(value, Held) else doubles(value)


def doubles(value: Any) -> FloatArray:
    """A tensor or a number of the model as doubles."""
    tensor = torch.as_tensor(value).detach()
    if tensor.is_complex():
        raise ReadError("the model holds complex numbers, which cannot be read")
    array: FloatArray = np.asarray(tensor.double().cpu().numpy(), dtype=np.float64)
    return array
