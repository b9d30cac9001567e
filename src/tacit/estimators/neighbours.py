"""Nearest neighbours: distances between integers, so that every feature counts by its own range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sklearn import neighbors

from tacit.estimators.families import ByShares
from tacit.estimators.features import on_grids
from tacit.estimators.knobs import Bits
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph
from tacit.read import read

# Every pair of training rows is compared by a table: of as many integers as the differences of two
# distances may be. It is the largest part of the work, and grows with them.
APART = 1 << 10


class KNeighborsClassifier(ByShares, neighbors.KNeighborsClassifier):
    """The shares of classes among the nearest training rows, all of whose features are integers."""

    default_bits = 4
    # It has no other numbers than the features of its rows.
    weights_key = "op_inputs"

    def kneighbors(
        self, X: Any = None, n_neighbors: int | None = None, *, return_distance: bool = True
    ) -> Any:
        """The nearest training rows; distances are those between the rows' integers."""
        rows = None if X is None else self.quantize_input(X)
        return super().kneighbors(rows, n_neighbors, return_distance)

    def _widths(self, features: int) -> Bits:
        """The bits that are asked for; of one number, as many as differences have room for."""
        asked = super()._widths(features)
        if isinstance(self.n_bits, Mapping):
            return asked
        power = 1 if self.metric == "manhattan" or self.p == 1 else 2
        tried = range(asked.inputs, 1, -1)
        wide = (bits for bits in tried if 2 * features * ((1 << bits) - 1) ** power <= APART)
        return replace(asked, inputs=next(wide, 1))

    def _taught(self, X: FloatArray) -> FloatArray:
        return self._grids.integers(X)

    def _adopt(self) -> None:
        plain = self._plain()
        plain.fit(self._grids.integers(self._fit_X), self.classes_.take(self._y))
        self.__dict__.update(vars(plain))

    def _graph(self) -> Graph:
        return on_grids(read(self._plain()), self._grids, as_integers=True)
