"""A worker in a process of its own is asked in both modes, and then cheats: what happens."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from tacit.arithmetics.field import Field, Mode, Work, report
from tacit.cli.hired import Hired, hired
from tacit.cli.screen import Screen
from tacit.cli.shipped import Shipped
from tacit.errors import VerificationFailed
from tacit.ir.functions import FloatArray
from tacit.program import ClientEngine, Program, exchange
from tacit.serve import Client, make_keys, make_masks, pack
from tacit.serve.worker import Connection, connect

# False answers for every product: enough to see, and judged in a second.
TRIES = 20
# A first question, before any is timed, has kernels compiled and memory fetched.
FIRST = 1


@dataclass(frozen=True, eq=False)
class Asked:
    """A mode's answers to all digits: scores, and what the first question's values looked like.

    `seconds` are `making_masks` ahead, `asking` (the worker's work and the way there and back) and
    `checking` (all that the verifier does); `sent` are bytes.
    """

    scores: FloatArray
    first: bytes
    questions: int
    seconds: Mapping[str, float]
    sent: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Tampered:
    """A product whose answers were made false, how often, and how often that was seen."""

    work: Work
    tried: int
    rejected: int


@dataclass(frozen=True, eq=False)
class Story:
    """What happened in both modes, and what became of false answers."""

    shipped: Shipped
    arithmetic: Field
    clear: FloatArray
    simulated: FloatArray
    workers: Mapping[Mode, Hired]
    asked: Mapping[Mode, Asked]
    tampered: tuple[Tampered, ...]
    verdict: str


@dataclass(frozen=True, eq=False)
class _Meeting:
    """A verifier and its worker, who has another process."""

    engine: ClientEngine
    connection: Connection
    worker: Hired
    masking: float


@dataclass(frozen=True, eq=False)
class _Watch:
    """A connection of which every question and answer is noted."""

    connection: Connection
    questions: list[Sequence[bytes]] = field(default_factory=list)
    answers: list[Sequence[bytes]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def __call__(self, question: Sequence[bytes]) -> Sequence[bytes]:
        """The worker's answer."""
        start = time.perf_counter()
        answer = [bytes(each) for each in self.connection.answer(question)]
        self.seconds.append(time.perf_counter() - start)
        self.questions.append(question)
        self.answers.append(answer)
        return answer


def play(
    arithmetic: Field, shipped: Shipped, programs: Mapping[Mode, Program], screen: Screen
) -> Story:
    """Have workers asked for all digits in every mode, then change answers on their way."""
    open_program = programs[Mode.INTEGRITY]
    products = report(open_program.graph, arithmetic)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        meetings = {
            mode: stack.enter_context(
                _meeting(program, Path(folder) / mode.value, len(shipped.digits), screen)
            )
            for mode, program in programs.items()
        }
        batch = arithmetic.batch
        with screen.progress("the verifier asks"):
            asked = {mode: _ask(each, shipped.digits, batch) for mode, each in meetings.items()}
            first = shipped.digits[:batch]
            tampered, verdict = _tamper(meetings[Mode.INTEGRITY], first, products)
    return Story(
        shipped=shipped,
        arithmetic=arithmetic,
        clear=shipped.network(shipped.digits),
        simulated=open_program(shipped.digits),
        workers={mode: each.worker for mode, each in meetings.items()},
        asked=asked,
        tampered=tampered,
        verdict=verdict,
    )


@contextlib.contextmanager
def _meeting(program: Program, folder: Path, count: int, screen: Screen) -> Iterator[_Meeting]:
    """Pack, make keys and masks, start a worker, and connect; the worker ends with the body."""
    bundle, secret = folder / "bundle", folder / "my.secret"
    masks = folder / "my.masks" if program.arithmetic.promise.hides_input else None
    # A folder of its own: a sandboxed worker may write where its socket lies.
    socket = folder / "meeting" / "socket"
    socket.parent.mkdir(parents=True)
    pack(program, bundle)
    make_keys(bundle / "client", secret=secret, keys=folder / "my.keys")
    client, masking = bundle / "client", 0.0
    if masks is not None:
        with screen.progress("the verifier makes masks"):
            masking = _masked(partial(make_masks, client, secret=secret, masks=masks), count)
    with contextlib.ExitStack() as stack:
        with screen.progress("a worker starts"):
            worker = stack.enter_context(hired(bundle / "server", socket))
        verifier = Client(client, secret=secret, masks=masks)
        connection = stack.enter_context(connect(worker.address, verifier.program))
        yield _Meeting(verifier.engine, connection, worker, masking)


def _masked(make: Callable[..., None], count: int) -> float:
    """The seconds that masks for so many digits take, once the first ones are made."""
    clock: list[float] = []
    make(count=FIRST + count, progress=lambda *_: clock.append(time.perf_counter()))
    return clock[-1] - clock[FIRST - 1]


def _ask(meeting: _Meeting, digits: FloatArray, batch: int) -> Asked:
    """All digits, batch by batch, after a question that is not timed."""
    exchange(meeting.engine, _Watch(meeting.connection), digits[:FIRST])
    watch, start = _Watch(meeting.connection), time.perf_counter()
    parts = [
        exchange(meeting.engine, watch, digits[begin : begin + batch])
        for begin in range(0, len(digits), batch)
    ]
    total, asking = time.perf_counter() - start, sum(watch.seconds)
    return Asked(
        scores=np.concatenate(parts),
        # Beside the values a question holds a tag, or which products are asked for.
        first=max(watch.questions[0], key=len),
        questions=len(watch.questions),
        seconds={
            "making_masks": meeting.masking,
            "asking": asking,
            "checking": total - asking,
        },
        sent={
            "question_bytes": sum(len(part) for each in watch.questions for part in each),
            "answer_bytes": sum(len(part) for each in watch.answers for part in each),
        },
    )


def _tamper(
    meeting: _Meeting, digits: FloatArray, products: Sequence[Work]
) -> tuple[tuple[Tampered, ...], str]:
    """Change one entry of the worker's answer on its way, again and again, product by product."""
    request = meeting.engine.seal(digits)
    answer = _Watch(meeting.connection)(request)
    judge = partial(_judged, meeting.engine, request, len(digits))
    assert judge(answer) is None, "what nobody changed is true"
    asked = [work for work in products if work.soundness_bits is not None]
    verdicts = [
        [judge(_forged(answer, number)) for _ in range(TRIES)] for number in range(len(asked))
    ]
    tampered = tuple(
        Tampered(work, TRIES, sum(each is not None for each in found))
        for work, found in zip(asked, verdicts, strict=True)
    )
    return tampered, next((each for found in verdicts for each in found if each), "")


def _forged(answer: Sequence[bytes], number: int) -> list[bytes]:
    """The answer with one entry of a product off by one."""
    values = np.frombuffer(answer[number], "<i4").copy()
    values[secrets.randbelow(values.size)] += 1
    return [*answer[:number], values.tobytes(), *answer[number + 1 :]]


def _judged(
    engine: ClientEngine, request: Sequence[bytes], rows: int, answer: Sequence[bytes]
) -> str | None:
    """What is said of a false answer; none of a true one."""
    try:
        engine.open(answer, rows, request=request)
    except VerificationFailed as false:
        return false.message
    return None
