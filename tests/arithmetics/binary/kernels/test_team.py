from __future__ import annotations

from queue import SimpleQueue
from threading import get_ident

import numpy as np
import pytest
from numba import njit

from tacit.arithmetics.binary.kernels.progress import DONE, TAKEN, increased, wait
from tacit.arithmetics.binary.kernels.team import Progress, Team


@njit(nogil=True)
def count(hits: Progress, progress: Progress, parts: int) -> None:
    """Mark every part that is taken."""
    part = increased(progress, TAKEN)
    while part < parts:
        hits[part] += 1
        increased(progress, DONE)
        part = increased(progress, TAKEN)


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("parts", [0, 1, 1000])
def test_every_part_is_done_once(size: int, parts: int) -> None:
    hits = np.zeros(parts, dtype=np.int64)

    Team(size).share(parts, size, lambda progress, parts: count(hits, progress, parts))

    np.testing.assert_array_equal(hits, np.ones(parts))


def test_a_team_does_one_work_after_the_other() -> None:
    team, first, second = Team(2), np.zeros(100, dtype=np.int64), np.zeros(100, dtype=np.int64)

    team.share(100, 2, lambda progress, parts: count(first, progress, parts))
    team.share(100, 2, lambda progress, parts: count(second, progress, parts))

    np.testing.assert_array_equal(first, np.ones(100))
    np.testing.assert_array_equal(second, np.ones(100))


def test_work_that_is_worth_one_thread_stays_with_who_asked() -> None:
    callers: SimpleQueue[int] = SimpleQueue()

    def work(progress: Progress, parts: int) -> None:
        callers.put(get_ident())
        progress[DONE] = parts

    Team(3).share(100, 1, work)

    assert callers.get_nowait() == get_ident()
    assert callers.empty()


def test_looking_ends_when_a_count_is_there_or_when_patience_is_over() -> None:
    counts = np.array([3], dtype=np.int64)

    assert wait(counts, 0, 3, 10)
    assert not wait(counts, 0, 4, 10)
