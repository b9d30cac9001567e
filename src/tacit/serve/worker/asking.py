"""Asking workers: batches are spread over them, and only what passed its checks comes back."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

import numpy as np

from tacit.arithmetics.field.checker import READY
from tacit.arithmetics.field.client import Client as Checking
from tacit.arithmetics.field.client import PrivateClient
from tacit.arithmetics.field.conversation import Conversation
from tacit.arithmetics.field.verifier import Judged
from tacit.errors import EngineError, ProtocolError, TypeMismatch
from tacit.ir.functions import FloatArray
from tacit.program import ClientEngine, Progress
from tacit.serve.worker.connection import Connection
from tacit.serve.worker.pool import FALSE, Pool, nobody_left


def ask(
    client: ClientEngine,
    pool: Pool,
    x: FloatArray,
    *,
    clip: bool = False,
    progress: Progress | None = None,
) -> FloatArray:
    """The results of all rows, in order, every product of them checked.

    A worker that is slow, leaves or cheats is dropped, and its batch is redone by another. Raises
    VerificationFailed where nobody is left and somebody cheated, EngineError where nobody is left
    and nobody did, OutOfRange for an input outside the calibrated range unless `clip`.
    """
    match client:
        case Checking():
            batches = _batches(client.rows, pool, x)
            return np.concatenate(_openly(client, pool, batches, progress, clip=clip))
        case PrivateClient():
            batches = _batches(client.rows, pool, x)
            return np.concatenate(_Talks(client, pool, batches, progress).results(clip=clip))
        case _:
            raise TypeMismatch(
                "workers are asked by programs of the field alone",
                hint="what is encrypted is sealed, answered and opened (tacit seal)",
            )


def _batches(rows: int, pool: Pool, x: FloatArray) -> list[FloatArray]:
    """The rows in pieces that everybody takes."""
    most = min([rows, *(each.health.rows for each in pool.connections if each.health.rows)])
    return [x[start : start + most] for start in range(0, max(len(x), 1), most)]


def _openly(
    client: Checking,
    pool: Pool,
    batches: Sequence[FloatArray],
    progress: Progress | None,
    *,
    clip: bool,
) -> list[FloatArray]:
    """In integrity mode: one question a batch; challenges are made while workers compute."""
    questions = [client.seal(batch, clip=clip) for batch in batches]
    unprepared = deque(range(len(batches)))

    def prepare() -> None:
        if unprepared:
            unprepared.popleft()
            aside.submit(client.prepare)

    def judge(number: int, answer: Sequence[bytes | memoryview]) -> FloatArray | None:
        prepare()
        return client.judge(answer, len(batches[number]), questions[number])

    def sizes(number: int) -> Sequence[int]:
        return client.answer_sizes(len(batches[number]))

    with ThreadPoolExecutor(1) as aside:
        for _ in range(READY):
            prepare()
        jobs = [[each[0]] for each in questions]
        return pool.answers(jobs, judge, sizes=sizes, progress=progress)


class _Talks:
    """In private mode: a conversation a batch, each with one worker from its first question on."""

    def __init__(
        self,
        client: PrivateClient,
        pool: Pool,
        batches: Sequence[FloatArray],
        progress: Progress | None,
    ) -> None:
        self._client = client
        self._pool = pool
        self._batches = batches
        self._progress = progress
        self._waiting: SimpleQueue[int] = SimpleQueue()
        self._done: dict[int, FloatArray] = {}

    def results(self, *, clip: bool) -> list[FloatArray]:
        """The results of every batch."""
        for number in range(len(self._batches)):
            self._waiting.put(number)
        while len(self._done) < len(self._batches):
            connections = self._pool.connections
            if not connections:
                raise nobody_left(self._pool.dropped)
            with ThreadPoolExecutor(len(connections)) as threads:
                talks = [threads.submit(self._talk_on, each, clip=clip) for each in connections]
            for each in talks:
                each.result()
        return [self._done[number] for number in range(len(self._batches))]

    def _talk_on(self, connection: Connection, *, clip: bool) -> None:
        """One batch after the other with one worker, until none waits or the worker fails."""
        while True:
            try:
                number = self._waiting.get_nowait()
            except Empty:
                return
            try:
                # What is wrong with the masks or the input is no worker's fault.
                talk = self._client.conversation(self._batches[number], clip=clip)
                found, reason = _talked(connection, talk)
            except BaseException:
                self._waiting.put(number)
                raise
            if found is None:
                # Its masks are used up with the worker: another one is asked under fresh ones.
                self._waiting.put(number)
                self._pool.drop(connection.address, reason, ())
                return
            self._done[number] = found
            if self._progress is not None:
                self._progress(len(self._done), len(self._batches))


def _talked(connection: Connection, talk: Conversation) -> tuple[FloatArray | None, str]:
    """The results of a conversation, or none and why the worker is to be dropped."""
    try:
        found: tuple[bytes, ...] | Judged = talk.first
        while isinstance(found, tuple):
            found = talk.told(connection.answer(found, sizes=talk.answer_sizes))
    except (EngineError, ProtocolError) as wrong:
        return None, wrong.message
    finally:
        talk.close()
    return (found.results, "") if found.passed.all() else (None, FALSE)
