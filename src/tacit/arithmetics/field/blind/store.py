"""The store of masks: takes a query's masks and factors out, once."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tacit.arithmetics.field.blind.factors import Factors, Place
from tacit.arithmetics.field.blind.layers import Layer, numbered
from tacit.arithmetics.field.blind.ledger import Ledger, Series, State, Turn
from tacit.arithmetics.field.blind.masks import Masks
from tacit.arithmetics.field.blind.query import Query
from tacit.arithmetics.field.blind.secret import Hidden, Secret
from tacit.errors import ProtocolError


@dataclass(frozen=True, eq=False, repr=False)
class Store(Hidden):
    """A client's masks: the ledger, which it keeps beside its secret, and the folder of factors.

    The folder may lie anywhere: whoever holds it can destroy factors and count them, and can
    neither read, change nor bring back one. The ledger must not be copied or put back: nothing in
    it can tell. A client that knows better says so by `floor`, a number of indices that it knows to
    be used (a query's index plus one); a ledger below it is refused.
    """

    secret: Secret
    layers: Sequence[Layer]
    ledger: Path
    folder: Path
    floor: int = 0

    def __post_init__(self) -> None:
        """Refuse layers that cannot be told apart."""
        numbered(self.layers)

    @cached_property
    def book(self) -> Ledger:
        """The ledger; `book.create()` begins one."""
        return Ledger(self.ledger, self.secret)

    @property
    def left(self) -> int:
        """How many queries can still be taken."""
        state = self.book.read()
        return state.stop - state.upcoming

    def take(self, index: int | None = None) -> Query:
        """The next query, or a later one, which gives up all that lie between.

        The disk knows that it is used before this returns. ProtocolError is raised for an index
        that is used, TacitError where none is left; either leaves the ledger as it was. Factors
        that are absent or false cost their index: the next query is another.
        """
        before = self.book.read()
        if before.finished and not self.series_folder(before.finished[0]).is_dir():
            raise ProtocolError(
                f"the factors of query {before.upcoming} are not in {self.folder}",
                hint="is that the folder which they were made in? No mask was used",
            )
        with self.book.taking(index, floor=self.floor) as turn:
            try:
                factors = Factors(self.file(turn), Place(self.secret, turn), self.layers)
            finally:
                self._forget(before, turn)
        masks = Masks(self.secret, turn.series.name)
        return Query(turn.index, numbered(self.layers), masks, factors)

    def series_folder(self, series: Series) -> Path:
        """Where a series' files lie."""
        return self.folder / series.name.hex()

    def file(self, turn: Turn) -> Path:
        """Where the factors of a query lie."""
        return self.series_folder(turn.series) / f"{turn.index}.factors"

    def _forget(self, before: State, turn: Turn) -> None:
        """Delete what is used or given up: to make room, since its being used is in the ledger.

        All that were taken earlier are opened, and stay readable to those who took them.
        """
        for series in before.finished:
            if series.stop <= turn.index + 1:
                shutil.rmtree(self.series_folder(series), ignore_errors=True)
        for index in range(max(before.upcoming, turn.series.start), turn.index + 1):
            with contextlib.suppress(OSError):
                self.file(Turn(turn.series, index)).unlink()
