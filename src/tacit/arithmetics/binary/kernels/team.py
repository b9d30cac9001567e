"""Threads that share work of some hundred microseconds: parts are taken and told done in memory.

Python's own queues wake a thread within some 50 microseconds, and so does its lock. Threads that
have just worked therefore look for more work for a while before they sleep, and who asked for work
looks on until all parts are done.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import final

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.binary.kernels.progress import DONE, PLACES, wait

Progress = NDArray[np.int64]
Work = Callable[[Progress, int], None]
Job = Callable[[], None]

# Looks, of about a nanosecond, before a thread sleeps: a network's layers follow each other sooner.
LOOKS = 1 << 19
NAP = 1e-4


@final
class Team:
    """So many threads, the caller's own among them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._calls = np.zeros(1, dtype=np.int64)
        for _ in range(size - 1):
            Thread(target=_serve, args=(self._jobs, self._calls), daemon=True).start()
        weakref.finalize(self, _dismiss, self._jobs, size - 1)

    def share(self, parts: int, worth: int, work: Work) -> None:
        """Do all parts, `work(progress, parts)`, by so many threads as they are worth."""
        size = max(1, min(self._size, worth, parts))
        progress = np.zeros(PLACES, dtype=np.int64)
        for _ in range(size - 1):
            self._jobs.put(lambda: work(progress, parts))
        if size > 1:
            self._calls += 1
        work(progress, parts)
        while not wait(progress, DONE, parts, LOOKS):
            # Another thread has parts, and no core.
            time.sleep(NAP)


def _serve(jobs: SimpleQueue[Job | None], calls: Progress) -> None:
    while (job := jobs.get()) is not None:
        job()
        # Jobs are there before calls are counted, so that none is missed.
        number = int(calls[0])
        if jobs.empty():
            wait(calls, 0, number + 1, LOOKS)


def _dismiss(jobs: SimpleQueue[Job | None], threads: int) -> None:
    for _ in range(threads):
        jobs.put(None)
