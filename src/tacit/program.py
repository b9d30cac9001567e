"""Lowering: a calibrated graph and the knobs of one arithmetic make a program."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from tacit.errors import NotCalibrated, OutOfRange, ProtocolError, TypeMismatch
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph, Node, Op, Shape, Watch, evaluate
from tacit.passes.calibrate import calibrate
from tacit.passes.fold import fold
from tacit.passes.fuse import fuse
from tacit.read import read

# Told how much of the work is done: (done, total).
Progress = Callable[[int, int], None]
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True)
class Promise:
    """What an arithmetic protects, from whom, and what it leaves open."""

    hides_input: bool
    detects_cheating: bool
    assumption: str
    client_learns: tuple[str, ...]
    server_learns: tuple[str, ...]
    not_promised: tuple[str, ...]


@dataclass(frozen=True)
class Cost:
    """What one answer will cost, known before anything is encrypted.

    Seconds are of CPU (all cores added up); bytes are of memory and of messages. `facts` holds
    what only this arithmetic knows, such as levels or products.
    """

    seconds: float
    setup_seconds: float
    memory_bytes: int
    key_bytes: int
    request_bytes: int
    answer_bytes: int
    inputs_at_once: int
    facts: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Stock:
    """Where a client keeps what it may use only once, made ahead for the program of this hash.

    The ledger, which says what is used up, belongs beside the secret; the folder may lie anywhere.
    """

    program: bytes
    folder: Path
    ledger: Path


@dataclass(frozen=True, eq=False)
class Half:
    """What one party computes, and the facts of the set-up that it needs to do so."""

    graph: Graph
    facts: Mapping[str, Json]


def whole_number(value: Json) -> int:
    """A whole number among a half's facts; raises ProtocolError where it is something else."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ProtocolError("the bundle's set-up has something else where a number belongs")
    return value


def step_and_level(value: Json) -> tuple[int, int]:
    """A rotation and its level among a half's facts; raises ProtocolError for anything else."""
    match value:
        case [int(step), int(level)]:
            return step, level
        case _:
            raise ProtocolError("the bundle's set-up has a rotation without its level")


def checked_rows(x: FloatArray, shape: Shape) -> FloatArray:
    """A batch of inputs of this shape, as finite doubles, before it is sealed.

    Raises TypeMismatch for another shape or no row, OutOfRange for NaN and infinity.
    """
    rows = np.asarray(x, dtype=np.float64)
    if rows.ndim == 0 or rows.shape[1:] != shape or not len(rows):
        raise TypeMismatch(
            f"an input of shape {rows.shape} was given; (rows, {', '.join(map(str, shape))}) "
            "is expected",
            hint="the first axis is the batch, with at least one row",
        )
    if not np.all(np.isfinite(rows)):
        raise OutOfRange("the input holds NaN or infinity")
    return rows


class ClientEngine(ABC):
    """The party that holds the secret: seals inputs and opens answers."""

    @abstractmethod
    def secret(self) -> bytes:
        """The secret key, to be kept by the client alone."""

    @abstractmethod
    def write_keys(self, path: Path, *, progress: Progress | None = None) -> None:
        """Write the keys that the server needs, and that hold no secret, to a file."""

    @abstractmethod
    def seal(self, x: FloatArray, *, clip: bool = False) -> tuple[bytes, ...]:
        """A batch, encrypted; raises OutOfRange unless `clip`, which moves entries into range."""

    @abstractmethod
    def open(
        self,
        answer: Sequence[bytes],
        rows: int,
        *,
        request: Sequence[bytes] | None = None,
        flood: float = 0.0,
    ) -> FloatArray:
        """The result of the first `rows` rows of a sealed batch.

        `request` is what was sealed: an answer that is checked is checked against it. `flood` is
        the standard deviation, in the result's units, of noise that is added where the arithmetic's
        own noise would tell of the secret. It is added before a final softmax or argmax, which the
        client computes. Raises VerificationFailed where an answer is checked and false.
        """


class Interactive(ClientEngine):
    """A client that the server has to be asked several times by, one question after an answer.

    `seal` is the first question, and `open` takes the last answer.
    """

    @property
    @abstractmethod
    def rounds(self) -> int:
        """How many questions there are."""

    @abstractmethod
    def proceed(self, answer: Sequence[bytes]) -> tuple[bytes, ...]:
        """The next question, of the answer to the one before."""


class ServerEngine(ABC):
    """The party that computes and holds no secret."""

    @abstractmethod
    def answer(
        self, message: Sequence[bytes], *, progress: Progress | None = None
    ) -> tuple[bytes, ...]:
        """What a sealed batch becomes."""


# What a server makes of a question, wherever it is.
Answering = Callable[[Sequence[bytes]], Sequence[bytes]]


def exchange(
    client: ClientEngine, answering: Answering, x: FloatArray, *, clip: bool = False
) -> FloatArray:
    """The results of a batch, from all questions and answers that they take."""
    request = client.seal(x, clip=clip)
    answer = answering(request)
    match client:
        case Interactive():
            for _ in range(client.rounds - 1):
                answer = answering(client.proceed(answer))
    return client.open(answer, len(x), request=request)


@dataclass(frozen=True)
class Engine:
    """Both parties in one process, for evaluation and tests; real work, real keys."""

    client: ClientEngine
    server: ServerEngine

    def __call__(self, x: FloatArray) -> FloatArray:
        """The results of a batch, computed by the server without trust or without sight."""
        return exchange(self.client, self.server.answer, x)


class Arithmetic(ABC):
    """The knobs of one arithmetic; final subclasses are frozen dataclasses."""

    name: ClassVar[str]
    words: ClassVar[tuple[type[Op], ...]]

    @property
    @abstractmethod
    def promise(self) -> Promise:
        """What is protected with these knobs, from whom, and what is not."""

    @abstractmethod
    def rewrite(self, graph: Graph) -> Graph:
        """A calibrated graph in this arithmetic's words; raises LoweringError naming the node."""

    @abstractmethod
    def cost(self, program: Program) -> Cost:
        """What an answer of this program will cost on this machine."""

    @abstractmethod
    def noise(self, program: Program, generator: np.random.Generator) -> Watch:
        """What adds the engine's noise to every value of a simulation."""

    @abstractmethod
    def cut(self, program: Program) -> tuple[Half, Half]:
        """The client's half, and the server's, without secrets.

        A client that encrypts holds no weights; one that checks products holds them all.
        """

    @abstractmethod
    def new_client(self, half: Half, *, progress: Progress | None = None) -> ClientEngine:
        """The client with a fresh secret."""

    @abstractmethod
    def load_client(self, half: Half, secret: bytes) -> ClientEngine:
        """The client with a secret that it kept; raises ProtocolError."""

    @abstractmethod
    def load_server(
        self, half: Half, keys: memoryview, *, progress: Progress | None = None
    ) -> ServerEngine:
        """The server with the keys that a client wrote, as bytes; raises ProtocolError."""

    @abstractmethod
    def pair(self, program: Program, *, progress: Progress | None = None) -> Engine:
        """Both parties in this process, with fresh keys."""

    @abstractmethod
    def audit(self, half: Half) -> Mapping[str, Json]:
        """What an auditor asks: parameters, the security that they give, and by which table."""


class Stocked(Arithmetic):
    """An arithmetic whose clients use something up, such as masks, that is made ahead."""

    @abstractmethod
    def load_stocked(self, half: Half, secret: bytes, stock: Stock) -> ClientEngine:
        """The client with a secret that it kept, and a stock to take from; raises ProtocolError."""

    @abstractmethod
    def fill(
        self,
        half: Half,
        secret: bytes,
        stock: Stock,
        count: int,
        *,
        progress: Progress | None = None,
    ) -> None:
        """Put what `count` more inputs use up into a client's stock.

        Raises TypeMismatch where nothing is used up with these knobs.
        """


def noiseless(node: Node, value: FloatArray) -> None:
    """The noise of an arithmetic that has none: every value stays as it is."""


@dataclass(frozen=True, eq=False)
class Program:
    """A graph in the words of one arithmetic, with the knobs that it was lowered by."""

    graph: Graph
    arithmetic: Arithmetic

    def __call__(self, x: FloatArray, *, noise: np.random.Generator | None = None) -> FloatArray:
        """What the engine would answer for a batch, simulated in the clear.

        It evaluates what the server computes (the polynomials, not the activations that they
        stand for). With a generator, each step also gets the engine's noise.
        """
        (source,) = self.graph.inputs
        (name,) = self.graph.outputs
        watch = None if noise is None else self.arithmetic.noise(self, noise)
        return evaluate(self.graph, {source.name: np.asarray(x)}, watch=watch)[name]

    @cached_property
    def cost(self) -> Cost:
        """What one answer will cost, timed on this machine when it is first asked for."""
        return self.arithmetic.cost(self)

    def engine(self, *, progress: Progress | None = None) -> Engine:
        """Both parties in this process, with fresh keys."""
        return self.arithmetic.pair(self, progress=progress)


def lower(graph: Graph, arithmetic: Arithmetic) -> Program:
    """The calibrated graph in the words of an arithmetic.

    Raises NotCalibrated where a range is missing, LoweringError (or its kinds DepthExceeded and
    WidthExceeded) where the arithmetic cannot express a node.
    """
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        count = f"{len(graph.inputs)} inputs and {len(graph.outputs)} results"
        raise TypeMismatch(f"the graph has {count}", hint="lower a graph of one input, one result")
    bare = next((node for node in graph if node.type.range is None), None)
    if bare is not None:
        raise NotCalibrated(f"{bare.name} has no range", hint="call calibrate(graph, batches)")
    return Program(arithmetic.rewrite(fuse(fold(graph))), arithmetic)


def compile(model: object, data: FloatArray, arithmetic: Arithmetic) -> Program:  # noqa: A001
    """Read, calibrate and lower in one: `data` are typical inputs, their first axis the rows.

    `model` is whatever `read` takes; it is not changed.
    """
    return lower(calibrate(read(model, data[:2]), data), arithmetic)
