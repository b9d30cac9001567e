"""The least time of several pieces of work, measured in turns so that all see the same machine."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


def nothing() -> object:
    """What a work needs that needs nothing."""
    return None


@dataclass(frozen=True)
class Work:
    """What is timed, and what is made anew before every time and not timed, such as a challenge."""

    run: Callable[[object], object]
    prepare: Callable[[], object] = nothing


def least(works: Mapping[str, Work], *, rounds: int) -> dict[str, float]:
    """Every work's least CPU seconds of so many rounds, after one that does not count.

    The least is what the work takes when nobody disturbs it; turns spread what does. All threads
    of the process are added up, so that none helps unseen.
    """
    found = dict.fromkeys(works, float("inf"))
    gc.collect()
    for turn in range(rounds + 1):
        for name, work in works.items():
            seconds = _once(work)
            found[name] = min(found[name], seconds) if turn else found[name]
    return found


def _once(work: Work) -> float:
    given = work.prepare()
    begin = time.process_time()
    work.run(given)
    return time.process_time() - begin
