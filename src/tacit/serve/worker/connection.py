"""The verifier's end of a conversation with one worker, whom it believes nothing."""

from __future__ import annotations

import secrets
import socket
import ssl
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tacit.errors import EngineError, ProtocolError, TacitError
from tacit.serve.worker.addresses import Address, TcpAddress, UnixAddress, parse
from tacit.serve.worker.channels import Channel, SharedChannel, StreamChannel
from tacit.serve.worker.frames import (
    NAME_BYTES,
    Answered,
    Ask,
    Failed,
    Hello,
    Ready,
    Rejected,
    Way,
    Welcome,
    expect,
)
from tacit.serve.worker.memory import Copies, Piece, SharedMemory, octets
from tacit.serve.worker.streams import Deadline, Mended, Stream
from tacit.serve.worker.tls import verifier_context
from tacit.serve.worker.tokens import opening

# The last word to a worker is not waited for.
PARTING_SECONDS = 1.0
PEER = struct.Struct("3i")


@dataclass(frozen=True)
class Setting:
    """How a verifier speaks to workers.

    `certificates` is its folder of them, needed over TCP, where `encrypt` sends tensors through TLS
    as well. `user` is the number of the user that must own a worker on this machine, None for any.
    `connect_seconds` and `answer_seconds` are waited at most, `most_bytes` taken as an answer.
    """

    certificates: Path | None = None
    encrypt: bool = False
    user: int | None = None
    connect_seconds: float = 10.0
    answer_seconds: float = 60.0
    most_bytes: int = 2**30


@dataclass(frozen=True)
class Health:
    """What a worker says of itself, which nobody has to believe.

    `exact` is whether its back end passed the self-test; `rows` is its largest batch, 0 for any.
    """

    backend: str
    exact: bool
    threads: int
    rows: int


class Connection:
    """A worker that can be asked, one question after the other; after any error, it is closed."""

    def __init__(self, address: str, channel: Channel, health: Health, setting: Setting) -> None:
        self.address = address
        self.health = health
        self._channel = channel
        self._setting = setting
        self._is_open = True
        self._using = threading.Lock()

    def answer(
        self,
        parts: Sequence[Piece],
        timeout: float | None = None,
        *,
        sizes: Sequence[int] | None = None,
    ) -> tuple[memoryview, ...]:
        """What the worker makes of the parts, in private memory that nobody else can change.

        `timeout` is for question and answer together; `sizes`, if given, are what the answer's
        parts must measure in bytes. Raises ProtocolError for nonsense, EngineError where the
        worker is slow, gone or unable, and closes the connection. The memory is used again once no
        view of it is left.
        """
        seconds = self._setting.answer_seconds if timeout is None else timeout
        with self._using:
            if not self._is_open:
                raise EngineError("the connection is closed")
            try:
                return self._answer(parts, Deadline.after(seconds), sizes)
            except BaseException:
                self._close()
                raise

    def reject(self) -> None:
        """Tell the worker the one word that it may learn of a verdict, and close.

        A worker that another thread waits for hears nothing.
        """
        if not self._using.acquire(blocking=False):
            self.abort()
            return
        try:
            if self._is_open:
                self._channel.tell(Rejected(), Deadline.after(PARTING_SECONDS))
        except EngineError:
            # Whether a rejected worker hears it is its own affair.
            return
        finally:
            self._close()
            self._using.release()

    def abort(self) -> None:
        """End all waiting for this worker, from any thread; whoever waits closes the connection."""
        self._channel.abort()

    def close(self) -> None:
        """Close the connection; if another thread waits for it, have that one close it."""
        self.abort()
        with self._using:
            self._close()

    def _close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._channel.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(
        self, parts: Sequence[Piece], deadline: Deadline, sizes: Sequence[int] | None
    ) -> tuple[memoryview, ...]:
        request = secrets.token_bytes(NAME_BYTES)
        asked = Ask(request, tuple(len(octets(part)) for part in parts))
        self._channel.send(asked, parts, deadline)
        match self._channel.hear(deadline):
            case Failed() as failed if failed.request == request:
                raise EngineError(f"the worker says that it failed: {failed.reason}")
            case frame:
                answered = expect(Answered, frame)
        if answered.request != request:
            raise ProtocolError("the worker answered another question")
        self._require_bearable(answered.sizes, sizes)
        return self._channel.take(answered.sizes, deadline)

    def _require_bearable(self, sizes: tuple[int, ...], wanted: Sequence[int] | None) -> None:
        if wanted is not None and tuple(wanted) != sizes:
            raise ProtocolError("the worker's answer has other sizes than the program's")
        if sum(sizes) > self._setting.most_bytes:
            raise ProtocolError(
                f"the worker's answer has {sum(sizes)} bytes; {self._setting.most_bytes} are taken"
            )


def connect(address: str, program: bytes, setting: Setting | None = None) -> Connection:
    """A connection to the worker at `unix:/path` or `tcp:host:port` that holds this program.

    `program` is the program's hash. Raises EngineError where nobody listens, ProtocolError where
    somebody else does.
    """
    chosen = Setting() if setting is None else setting
    deadline = Deadline.after(chosen.connect_seconds)
    channel, welcome = _join(parse(address), program, chosen, deadline)
    health = Health(welcome.backend, welcome.exact, welcome.threads, welcome.rows)
    return Connection(address, channel, health, chosen)


def _join(
    where: Address, program: bytes, setting: Setting, deadline: Deadline
) -> tuple[Channel, Welcome]:
    match where:
        case UnixAddress():
            return _join_unix(where, program, setting, deadline)
        case TcpAddress():
            return _join_tcp(where, program, setting, deadline)


def _join_unix(
    where: UnixAddress, program: bytes, setting: Setting, deadline: Deadline
) -> tuple[Channel, Welcome]:
    sock = socket.socket(socket.AF_UNIX)
    control = Stream(sock)
    questions = SharedMemory.create(is_writable=True)
    answers = SharedMemory.create(is_writable=False)
    channel = SharedChannel(control, outgoing=questions, incoming=answers, copies=Copies())
    try:
        with Mended():
            sock.settimeout(deadline.left())
            sock.connect(str(where.path))
            _require_user(sock, setting.user)
        files = (questions.descriptor, answers.descriptor)
        control.tell_with(Hello(program, Way.SHARED.value), files, deadline)
        return channel, _welcomed(control, program, deadline)
    except BaseException:
        channel.close()
        raise


def _join_tcp(
    where: TcpAddress, program: bytes, setting: Setting, deadline: Deadline
) -> tuple[Channel, Welcome]:
    if setting.certificates is None:
        raise TacitError("a worker over TCP needs certificates", hint="tacit certify makes them")
    context = verifier_context(setting.certificates)
    way = Way.ENCRYPTED if setting.encrypt else Way.PLAIN
    control, peer = _secured(where, context, deadline)
    streams = [control]
    try:
        control.tell(Hello(program, way.value), deadline)
        welcome = _welcomed(control, program, deadline)
        if way is Way.PLAIN:
            with Mended():
                # The same machine again, whatever its name means by now.
                streams.append(Stream(socket.create_connection(peer, deadline.left())))
            streams[-1].send(opening(welcome.token), deadline)
        expect(Ready, control.hear(deadline))
        return StreamChannel(control, streams[-1]), welcome
    except BaseException:
        for each in streams:
            each.close()
        raise


def _secured(
    where: TcpAddress, context: ssl.SSLContext, deadline: Deadline
) -> tuple[Stream, tuple[str, int]]:
    """A TLS connection, and the address that was really reached."""
    with Mended():
        plain = socket.create_connection((where.host, where.port), deadline.left())
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            host, port, *_ = plain.getpeername()
            plain.settimeout(deadline.left())
            return Stream(context.wrap_socket(plain)), (host, port)
        except BaseException:
            plain.close()
            raise


def _welcomed(control: Stream, program: bytes, deadline: Deadline) -> Welcome:
    welcome = expect(Welcome, control.hear(deadline))
    if welcome.program != program:
        raise ProtocolError(
            f"the worker holds program {welcome.program.hex()[:12]}; this is {program.hex()[:12]}",
            hint="give both sides parts of one bundle",
        )
    return welcome


def _require_user(sock: socket.socket, user: int | None) -> None:
    """Refuse a worker whose process belongs to somebody else."""
    if user is None:
        return
    _, found, _ = PEER.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size))
    if found != user:
        raise ProtocolError(f"the worker belongs to user {found}; {user} was expected")
