"""Bytes of another party: what the engine refuses of them is the other party's mistake."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from tacit.errors import EngineError, ProtocolError
from tacit.lattigo.objects import EvaluationKeys


@contextlib.contextmanager
def foreign(what: str) -> Iterator[None]:
    """Bytes of another party are being read: what the engine refuses is a ProtocolError."""
    try:
        yield
    except EngineError as wrong:
        raise ProtocolError(f"{what} is refused: {wrong.message}", hint=wrong.hint) from wrong


def require_keys(
    keys: EvaluationKeys, rotations: Mapping[int, int], relinearisation: int | None
) -> None:
    """Raises ProtocolError where a key (step to level) is missing or reaches too low a level."""
    held = keys.rotations
    short = [step for step, level in rotations.items() if held.get(step, -1) < level]
    if short:
        raise ProtocolError(
            f"{len(short)} of {len(rotations)} rotation keys are missing or too low, "
            f"the first for step {short[0]}",
            hint="make the keys with this program's client part",
        )
    there = keys.relinearisation_level
    if relinearisation is not None and (there is None or there < relinearisation):
        raise ProtocolError(
            f"the relinearisation key reaches level {there}; {relinearisation} is needed",
            hint="make the keys with this program's client part",
        )
