"""Bits put to the trial: how a graph answers with them, and what that would take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tacit.arithmetics.integers.config import Integers
from tacit.arithmetics.integers.lower import lower
from tacit.arithmetics.integers.search.aim import Examples
from tacit.arithmetics.integers.search.knobs import Knob, arithmetic_of
from tacit.arithmetics.integers.search.price import price
from tacit.errors import LoweringError, ProtocolError
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph
from tacit.ledger import Key, Ledger
from tacit.program import Json, Program
from tacit.program import lower as lowered

Widths = tuple[int, ...]


@dataclass(frozen=True)
class Trial:
    """Bits, the accuracy that they have, and their estimated price, or why there is none."""

    widths: Widths
    accuracy: float | None
    price: float | None
    reason: str | None


@dataclass(frozen=True, eq=False)
class Bench:
    """A graph, and the results of its floats, on which bits are tried; each of them once."""

    graph: Graph
    source: Graph
    examples: Examples
    exact: FloatArray
    base: Integers
    knobs: tuple[Knob, ...]
    ledger: Ledger
    told: Callable[[int], None]
    known: dict[Widths, Trial] = field(default_factory=dict)

    def trial(self, widths: Widths) -> Trial:
        """How bits do."""
        if widths not in self.known:
            found = self.ledger.get(self._key("tried", widths), lambda: self._tried(widths))
            self.known[widths] = _trial(widths, found)
            self.told(len(self.known))
        return self.known[widths]

    def refuse(self, trial: Trial, reason: str) -> None:
        """Bits that cannot be had after all."""
        self.known[trial.widths] = Trial(trial.widths, trial.accuracy, None, reason)

    def cost(self, trial: Trial) -> float | str:
        """The predicted seconds of an answer with these bits, or why there is none."""
        found = self.ledger.get(self._key("costed", trial.widths), lambda: self._costed(trial))
        match found:
            case float() | str():
                return found
            case _:
                raise _strange(found)

    def arithmetic(self, widths: Widths) -> Integers:
        """The knobs with these bits."""
        return arithmetic_of(self.base, self.knobs, widths)

    def bits(self, widths: Widths) -> dict[str, int]:
        """The bits by their names."""
        return {knob.name: width for knob, width in zip(self.knobs, widths, strict=True)}

    def _key(self, what: str, widths: Widths) -> Key:
        bits: dict[str, Json] = {**self.bits(widths)}
        return {"measured": what, "bits": bits, "accumulator": self.base.accumulator}

    def _tried(self, widths: Widths) -> Json:
        arithmetic = self.arithmetic(widths)
        try:
            words = lower(self.source, arithmetic.settings)
        except LoweringError as refused:
            return [None, None, refused.message]
        # What words mean does not depend on where they lie: nothing is laid out for a simulation.
        results = self.examples.results(Program(words, arithmetic))
        accuracy = self.examples.accuracy(results, self.exact)
        try:
            return [accuracy, price(words, arithmetic), None]
        except LoweringError as refused:
            return [accuracy, None, refused.message]

    def _costed(self, trial: Trial) -> Json:
        try:
            return lowered(self.graph, self.arithmetic(trial.widths)).cost.seconds
        except LoweringError as refused:
            return refused.message


def _trial(widths: Widths, found: Json) -> Trial:
    match found:
        case [float() | None as accuracy, float() | None as price, str() | None as reason]:
            return Trial(widths, accuracy, price, reason)
        case _:
            raise _strange(found)


def _strange(found: Json) -> ProtocolError:
    return ProtocolError(f"{found} in the ledger is no trial of bits", hint="give another file")
