"""Several workers for many questions: what one of them fails at, another one does.

A worker that is slow, leaves, says nonsense or whose answer is judged false is dropped for good.
Only what the judge found true is ever returned, whoever answered it.
"""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Generic, TypeAlias, TypeVar

from tacit.errors import EngineError, ProtocolError, TacitError, VerificationFailed
from tacit.program import Progress
from tacit.serve.worker.connection import Connection, Setting, connect
from tacit.serve.worker.memory import Piece

Result = TypeVar("Result")
Parts: TypeAlias = Sequence[Piece]
Copied: TypeAlias = tuple[memoryview, ...]
# What a job's answer means, or None where it is false; called by one thread, for one at a time.
Judge: TypeAlias = Callable[[int, Copied], Result | None]

FALSE = "its answer is false"
# How often workers that take too long are looked for.
TICK_SECONDS = 0.05
# While one question is computed, the next one already waits for its turn.
AHEAD = 2


@dataclass(frozen=True)
class Patience:
    """How long a worker may take: `factor` times the median of the others, within two borders."""

    least_seconds: float = 5.0
    factor: float = 10.0
    most_seconds: float = 60.0

    def seconds(self, others: Sequence[float]) -> float:
        """What is patience, after others took so long."""
        usual = self.factor * statistics.median(others) if others else self.most_seconds
        return min(max(usual, self.least_seconds), self.most_seconds)


@dataclass(frozen=True, eq=False)
class _Lane:
    """A connection and the thread that waits for it."""

    connection: Connection
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    @property
    def address(self) -> str:
        return self.connection.address


class Pool:
    """Workers that are asked at once; two connections to one worker share its fate."""

    def __init__(
        self,
        connections: Sequence[Connection],
        *,
        patience: Patience | None = None,
        unreached: Mapping[str, str] | None = None,
    ) -> None:
        self.patience = Patience() if patience is None else patience
        self._lanes = tuple(_Lane(each) for each in connections)
        self._dropped = dict(unreached or {})

    @classmethod
    def open(
        cls,
        addresses: Sequence[str],
        program: bytes,
        setting: Setting | None = None,
        *,
        patience: Patience | None = None,
    ) -> Pool:
        """The workers at these addresses; those that cannot be reached count as dropped.

        Raises EngineError where none can.
        """

        def reached(address: str) -> Connection | TacitError:
            try:
                return connect(address, program, setting)
            except (EngineError, ProtocolError) as wrong:
                return wrong

        with ThreadPoolExecutor(max(1, len(addresses))) as threads:
            found = list(threads.map(reached, addresses))
        wrongs = {
            address: each.message
            for address, each in zip(addresses, found, strict=True)
            if isinstance(each, TacitError)
        }
        connections = [each for each in found if isinstance(each, Connection)]
        if not connections:
            raise nobody_left(wrongs)
        return cls(connections, patience=patience, unreached=wrongs)

    @property
    def dropped(self) -> Mapping[str, str]:
        """Who was dropped, by address, and why."""
        return MappingProxyType(self._dropped)

    @property
    def connections(self) -> tuple[Connection, ...]:
        """Those that are still asked."""
        return tuple(lane.connection for lane in self.lanes)

    @property
    def lanes(self) -> tuple[_Lane, ...]:
        """Those that are still asked, with their threads."""
        return tuple(lane for lane in self._lanes if lane.address not in self._dropped)

    def answers(
        self,
        jobs: Sequence[Parts],
        judge: Judge[Result],
        *,
        sizes: Callable[[int], Sequence[int]] | None = None,
        progress: Progress | None = None,
    ) -> list[Result]:
        """What the judge makes of the answer to every job, in the order of the jobs.

        `judge` is given a job's number and its answer, and gives None where that is false; `sizes`,
        if given, tells what the parts of a job's answer must measure in bytes. Raises
        VerificationFailed where nobody is left and somebody cheated, EngineError where nobody is
        left and nobody did.
        """
        try:
            return _Round(self, jobs, judge, sizes, progress).results()
        except BaseException:
            # Questions may be out whose answers nobody would wait for.
            self.close()
            raise

    def drop(self, address: str, reason: str, busy: Sequence[_Lane]) -> None:
        """Ask a worker no more; a cheater hears one word, unless it is still at work."""
        for lane in self.lanes:
            if lane.address != address:
                continue
            if lane in busy:
                lane.connection.abort()
            elif reason == FALSE:
                lane.connection.reject()
            else:
                lane.connection.close()
            # What still waits for this thread fails at once, on a closed connection.
            lane.thread.shutdown(wait=False)
        self._dropped.setdefault(address, reason)

    def close(self) -> None:
        """Close all connections."""
        for lane in self._lanes:
            lane.connection.abort()
            lane.thread.shutdown(cancel_futures=True)
            lane.connection.close()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(eq=False)
class _Task:
    """A job that a worker has, since when its thread came to it, and how long that took."""

    number: int
    lane: _Lane
    parts: Parts
    sizes: Sequence[int] | None
    started: float | None = None
    seconds: float = 0.0

    def run(self, patience: float) -> Copied:
        """Ask, and wait."""
        self.started = time.monotonic()
        answer = self.lane.connection.answer(self.parts, patience, sizes=self.sizes)
        self.seconds = time.monotonic() - self.started
        return answer


@dataclass(frozen=True, eq=False)
class _Round(Generic[Result]):
    """One list of jobs on its way; all of this happens in the caller's thread."""

    pool: Pool
    jobs: Sequence[Parts]
    judge: Judge[Result]
    sizes: Callable[[int], Sequence[int]] | None
    progress: Progress | None
    done: dict[int, Result] = field(default_factory=dict)
    flying: dict[Future[Copied], _Task] = field(default_factory=dict)
    times: dict[str, list[float]] = field(default_factory=dict)

    def results(self) -> list[Result]:
        """All results, in order."""
        waiting = deque(range(len(self.jobs)))
        while len(self.done) < len(self.jobs):
            self._hand_out(waiting)
            if not self.flying:
                raise nobody_left(self.pool.dropped)
            landed, _ = wait(self.flying, timeout=TICK_SECONDS, return_when=FIRST_COMPLETED)
            # In the order of asking: what failed first is why a worker is dropped.
            for future in [each for each in self.flying if each in landed]:
                waiting.extendleft(self._land(future))
            self._drop_slow()
        return [self.done[number] for number in range(len(self.jobs))]

    def _hand_out(self, waiting: deque[int]) -> None:
        """Give every worker a job, and one ahead while there are more jobs than workers."""
        lanes = self.pool.lanes
        for ahead in range(AHEAD):
            for lane in lanes:
                if ahead and len(waiting) <= len(lanes):
                    return
                if waiting and self._busy().count(lane) <= ahead:
                    self._give(lane, waiting.popleft())

    def _give(self, lane: _Lane, number: int) -> None:
        sizes = None if self.sizes is None else self.sizes(number)
        task = _Task(number, lane, self.jobs[number], sizes)
        future = lane.thread.submit(task.run, self.pool.patience.most_seconds)
        self.flying[future] = task

    def _land(self, future: Future[Copied]) -> list[int]:
        """Judge what came back; gives the job's number where it has to be done again."""
        task = self.flying.pop(future)
        if task.lane.address in self.pool.dropped:
            if task.lane not in self._busy():
                task.lane.connection.close()
            return [task.number]
        try:
            answer = future.result()
        except (EngineError, ProtocolError) as wrong:
            self._drop(task.lane, wrong.message)
            return [task.number]
        result = self.judge(task.number, answer)
        if result is None:
            self._drop(task.lane, FALSE)
            return [task.number]
        self.times.setdefault(task.lane.address, []).append(task.seconds)
        self.done[task.number] = result
        if self.progress is not None:
            self.progress(len(self.done), len(self.jobs))
        return []

    def _drop_slow(self) -> None:
        now = time.monotonic()
        for future, task in tuple(self.flying.items()):
            if task.started is None or future.done():
                continue
            address = task.lane.address
            others = [each for who, taken in self.times.items() if who != address for each in taken]
            limit = self.pool.patience.seconds(others)
            if now - task.started > limit and address not in self.pool.dropped:
                self._drop(task.lane, f"it took more than {limit:.3g} s")

    def _drop(self, lane: _Lane, reason: str) -> None:
        self.pool.drop(lane.address, reason, self._busy())

    def _busy(self) -> list[_Lane]:
        return [task.lane for task in self.flying.values()]


def nobody_left(dropped: Mapping[str, str]) -> TacitError:
    """What is raised where every worker was dropped."""
    told = "; ".join(f"{address}: {reason}" for address, reason in dropped.items())
    if FALSE in dropped.values():
        return VerificationFailed(f"no worker is left that answers truly ({told})")
    return EngineError(f"no worker is left ({told or 'there was none'})")
