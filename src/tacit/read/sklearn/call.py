"""One fitted estimator, where it stands, and the value that it is given."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tacit.errors import ReadError
from tacit.ir.functions import FloatArray, Function
from tacit.ir.ops import Affine, Linear, Map
from tacit.ir.rewrite import Builder
from tacit.read.shared import Held, Site

# 512 MiB of doubles: what one layer of a model may take.
LARGEST = 2**26


@dataclass(frozen=True)
class Call:
    """A fitted estimator, the value of shape (features,) that it is given, and its path."""

    builder: Builder
    estimator: Any
    x: Held
    path: str = ""

    @property
    def features(self) -> int:
        """How many features the estimator is given."""
        return self.builder.type(self.x.name).shape[0]

    @property
    def kind(self) -> str:
        """The class's name."""
        return type(self.estimator).__name__

    def inside(self, estimator: Any, x: Held, name: str) -> Call:
        """The call of an estimator that is part of this one."""
        return replace(self, estimator=estimator, x=x, path=self._origin(name))

    def linear(self, name: str, x: Held, weight: ArrayLike, bias: ArrayLike, origin: str) -> Held:
        """W x + b, of doubles of the graph's own."""
        W, b = self._doubles(weight, origin), self._doubles(bias, origin)
        shape = (math.prod(W.shape[:-1]), W.shape[-1])
        op = Linear(W.reshape(shape), np.broadcast_to(b, shape[:1]).copy())
        return self._site(name, origin).put(op, x)

    def affine(self, x: Held, scale: ArrayLike, offset: ArrayLike, origin: str) -> Held:
        """scale · x + offset, feature by feature."""
        op = Affine(self._doubles(scale, origin), self._doubles(offset, origin))
        return self._site("scaled", origin).put(op, x)

    def map(self, name: str, x: Held, function: Function, origin: str) -> Held:
        """A scalar function of every entry."""
        return self._site(name, origin).put(Map(function), x)

    def room(self, rows: int, columns: int, hint: str) -> None:
        """Refuse a weight that is larger than one layer may be."""
        if rows * columns > LARGEST:
            raise self.refusal(
                f"a layer of {rows} x {columns} weights is larger than {LARGEST}", hint=hint
            )

    def refusal(self, why: str, *, hint: str | None = None) -> ReadError:
        """The error that names the estimator."""
        return Site(self.builder, "", self.kind, self.path).refusal(why, hint=hint)

    def _site(self, name: str, origin: str) -> Site:
        return Site(self.builder, name, self.kind, self._origin(origin))

    def _origin(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def _doubles(self, values: ArrayLike, origin: str) -> FloatArray:
        array = np.array(values, dtype=np.float64)
        if not np.all(np.isfinite(array)):
            raise self.refusal(f"its {origin} holds NaN or infinity")
        return array
