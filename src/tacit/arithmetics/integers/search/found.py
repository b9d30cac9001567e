"""What a search has found, and all that it tried."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tacit.arithmetics.integers.config import Integers
from tacit.program import Json


@dataclass(frozen=True, eq=False)
class Point:
    """Bits that were tried: `reason` says why they cannot be had, if so.

    `accuracy` is None where sums are too wide; `seconds`, an estimate that is on the scale of the
    real prediction for what was found, is None for all that cannot be had.
    """

    bits: Mapping[str, int]
    accuracy: float | None
    seconds: float | None
    reason: str | None = None

    def record(self) -> dict[str, Json]:
        """All of it, in numbers and names."""
        return {
            "bits": {**self.bits},
            "accuracy": self.accuracy,
            "seconds": self.seconds,
            "reason": self.reason,
        }


@dataclass(frozen=True, eq=False)
class Found:
    """The bits that were found, how they do, and everything that was tried, in that order.

    `seconds` are predicted for one encrypted answer on this machine. `exact` is the float graph's
    accuracy, `target` what was asked for, None for the best there is; `is_met` tells whether the
    target and the bound on seconds are kept.
    """

    arithmetic: Integers
    bits: Mapping[str, int]
    accuracy: float
    seconds: float
    exact: float
    target: float | None
    is_met: bool
    tried: tuple[Point, ...]

    @property
    def front(self) -> tuple[Point, ...]:
        """What nothing else beats in accuracy and seconds, the cheapest first."""
        return front(self.tried)

    def record(self) -> dict[str, Json]:
        """All of it, in numbers and names."""
        return {
            "float_accuracy": self.exact,
            "accuracy": self.accuracy,
            "target": self.target,
            "is_met": self.is_met,
            "predicted_seconds": self.seconds,
            "bits": {**self.bits},
            "tried": len(self.tried),
            "front": [each.record() for each in self.front],
        }


def front(points: Iterable[Point]) -> tuple[Point, ...]:
    """The points that none is as good as in seconds and accuracy."""
    had = [(p.seconds, p.accuracy, p) for p in points if None not in (p.seconds, p.accuracy)]
    kept: list[Point] = []
    best = float("-inf")
    for seconds, accuracy, point in sorted(had, key=lambda each: (each[0], -(each[1] or 0.0))):
        assert seconds is not None, "those without were left out"
        if accuracy is not None and accuracy > best:
            best = accuracy
            kept.append(point)
    return tuple(kept)
