"""The sockets of a worker: who may come in, how many at a time, and how each is greeted."""

from __future__ import annotations

import os
import selectors
import socket
import ssl
import stat
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tacit.errors import ProtocolError, TacitError
from tacit.serve.worker.addresses import Address, TcpAddress, UnixAddress
from tacit.serve.worker.channels import Channel, SharedChannel, StreamChannel
from tacit.serve.worker.frames import TOKEN_BYTES, Hello, Ready, Way, expect
from tacit.serve.worker.memory import SharedMemory
from tacit.serve.worker.service import Service
from tacit.serve.worker.streams import Deadline, Mended, Stream
from tacit.serve.worker.tokens import TLS_HANDSHAKE, Tokens

# The permission bits of a socket that only its owner may open.
OWNER_ONLY = 0o600
ALL_BITS = 0o777


class Listening:
    """A worker that listens at an address; `context` is its TLS, needed over TCP."""

    def __init__(
        self,
        service: Service,
        address: Address,
        *,
        context: ssl.SSLContext | None = None,
        mode: int = OWNER_ONLY,
    ) -> None:
        self._service = service
        self._context = context
        self._tokens = Tokens()
        self._places = threading.BoundedSemaphore(service.limits.connections)
        match address:
            case UnixAddress(path):
                self._socket = _unix_socket(path, mode)
                self.address: Address = address
            case TcpAddress():
                if context is None:
                    raise TacitError("TCP needs certificates", hint="tacit certify makes them")
                self._socket = _tcp_socket(address)
                self.address = TcpAddress(address.host, self._socket.getsockname()[1])
        self._bell, self._button = socket.socketpair()

    def serve(self) -> None:
        """Take in whoever comes, until `stop` is called; then close and leave no socket behind."""
        with ExitStack() as stack:
            for sock in (self._bell, self._button, self._socket):
                stack.callback(sock.close)
            stack.callback(self._remove)
            chosen = stack.enter_context(selectors.DefaultSelector())
            chosen.register(self._socket, selectors.EVENT_READ)
            chosen.register(self._bell, selectors.EVENT_READ)
            while self._bell not in (key.fileobj for key, _ in chosen.select()):
                self._take_in()

    def stop(self) -> None:
        """End `serve`; a signal's handler may call it."""
        self._button.send(b"!")

    def _take_in(self) -> None:
        try:
            sock, _ = self._socket.accept()
        except OSError:
            # It left again before it was taken in.
            return
        if not self._places.acquire(blocking=False):
            sock.close()
            return
        threading.Thread(target=self._host, args=(sock,), daemon=True).start()

    def _host(self, sock: socket.socket) -> None:
        """Speak with one verifier; what is wrong with it ends this conversation and no other."""
        try:
            with suppress(TacitError):
                self._greet(sock, Deadline.after(self._service.limits.greeting_seconds))
        finally:
            sock.close()
            self._places.release()

    def _greet(self, sock: socket.socket, deadline: Deadline) -> None:
        if self._context is None:
            self._greet_unix(Stream(sock), deadline)
            return
        with Mended():
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(deadline.left())
            first = sock.recv(1, socket.MSG_PEEK)
        if first != bytes([TLS_HANDSHAKE]):
            # The conversation has a socket of its own, which outlives this thread.
            with _open_on_success(Stream(sock.dup())) as stream:
                self._tokens.deliver(stream, deadline)
            return
        with Mended():
            secured = self._context.wrap_socket(sock, server_side=True)
        self._greet_tcp(Stream(secured), deadline)

    def _greet_unix(self, control: Stream, deadline: Deadline) -> None:
        hello, descriptors = control.hear_with(Hello, deadline)
        with ExitStack() as stack:
            for each in descriptors:
                stack.callback(os.close, each)
            if hello.way != Way.SHARED.value or len(descriptors) != 2:
                raise ProtocolError("the verifier shares no memory")
            incoming = SharedMemory.adopt(descriptors[0], is_writable=False)
            outgoing = SharedMemory.adopt(descriptors[1], is_writable=True)
            stack.pop_all()
        channel = SharedChannel(control, outgoing=outgoing, incoming=incoming, copies=None)
        with _closing(channel):
            control.tell(self._service.welcome(bytes(TOKEN_BYTES)), deadline)
            self._service.require(hello)
            self._service.converse(channel)

    def _greet_tcp(self, control: Stream, deadline: Deadline) -> None:
        awaited = self._tokens.new()
        channel = StreamChannel(control, control)
        try:
            hello = expect(Hello, control.hear(deadline))
            control.tell(self._service.welcome(awaited.token), deadline)
            self._service.require(hello)
            match Way(hello.way):
                case Way.PLAIN:
                    channel = StreamChannel(control, awaited.stream(deadline))
                case Way.SHARED:
                    raise ProtocolError("memory is not shared across machines")
                case Way.ENCRYPTED:
                    pass
            control.tell(Ready(), deadline)
            self._service.converse(channel)
        finally:
            self._tokens.forget(awaited)
            channel.close()

    def _remove(self) -> None:
        match self.address:
            case UnixAddress(path):
                path.unlink(missing_ok=True)
            case TcpAddress():
                pass


@contextmanager
def _closing(channel: Channel) -> Iterator[None]:
    try:
        yield
    finally:
        channel.close()


@contextmanager
def _open_on_success(stream: Stream) -> Iterator[Stream]:
    try:
        yield stream
    except BaseException:
        stream.close()
        raise


def _unix_socket(path: Path, mode: int) -> socket.socket:
    """A socket with these permissions from its first moment on."""
    _clear(path)
    sock = socket.socket(socket.AF_UNIX)
    before = os.umask(ALL_BITS & ~mode)
    try:
        sock.bind(str(path))
    except OSError:
        sock.close()
        raise
    finally:
        os.umask(before)
    sock.listen()
    return sock


def _clear(path: Path) -> None:
    """Remove a socket at which nobody listens any more; anything else that is there stays."""
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise TacitError(f"{path} is there already, and no socket", hint="name another path")
    with socket.socket(socket.AF_UNIX) as trial:
        try:
            trial.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise TacitError(f"another worker listens at {path}", hint="name another path")


def _tcp_socket(address: TcpAddress) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    return socket.create_server((address.host, address.port), family=family)
