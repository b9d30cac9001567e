"""Memory: what two processes share, and the private copies that are made of it.

Shared memory is two files in memory (`memfd_create`), for questions and for answers. Both are made
by the verifier and sealed against shrinking before the worker gets them, so that no worker can cut
a file under the verifier, which reading a mapping of it would not survive (SIGBUS). The worker may
change the bytes at any time. Therefore the verifier reads an answer exactly once: into a copy.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import stat
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from tacit.errors import EngineError, ProtocolError

Piece: TypeAlias = bytes | bytearray | memoryview
# Files grow by whole megabytes, so that questions of almost one size are not mapped anew.
GRAIN = 2**20
# One copy is judged while the next one is made, and a caller may keep some.
KEPT = 4


class SharedMemory:
    """A file in memory that two processes have, mapped as far as it is needed."""

    def __init__(self, descriptor: int, *, is_writable: bool) -> None:
        self.descriptor = descriptor
        self._is_writable = is_writable
        self._mapped: mmap.mmap | None = None

    @classmethod
    def create(cls, *, is_writable: bool) -> SharedMemory:
        """A new file that can grow and never shrink; `is_writable` is for this process alone."""
        try:
            descriptor = os.memfd_create("tacit", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        except AttributeError as absent:
            raise EngineError(
                "this system has no shared memory that can be sealed", hint="tcp:127.0.0.1:PORT"
            ) from absent
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
        return cls(descriptor, is_writable=is_writable)

    @classmethod
    def adopt(cls, descriptor: int, *, is_writable: bool) -> SharedMemory:
        """A file that another process made; raises ProtocolError where it may be cut."""
        try:
            seals = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
        except OSError as wrong:
            raise ProtocolError("what was handed over is no memory") from wrong
        if not seals & fcntl.F_SEAL_SHRINK or not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ProtocolError("the memory that was handed over may be cut")
        return cls(descriptor, is_writable=is_writable)

    def write(self, parts: Sequence[Piece]) -> None:
        """Put the parts one behind the other."""
        pieces = [octets(part) for part in parts]
        sizes = [len(piece) for piece in pieces]
        for piece, place in zip(pieces, split(self.view(sum(sizes)), sizes), strict=True):
            copy(piece, place)

    def view(self, size: int) -> memoryview:
        """The first bytes; raises ProtocolError where the file holds fewer and is not ours."""
        if not size:
            return memoryview(b"")
        if self._mapped is None or len(self._mapped) < size:
            self._mapped = self._map(size)
        return memoryview(self._mapped)[:size]

    def close(self) -> None:
        """Forget the file; views that somebody has stay good."""
        self._mapped = None
        os.close(self.descriptor)

    def _map(self, size: int) -> mmap.mmap:
        there = os.fstat(self.descriptor).st_size
        if there < size:
            if not self._is_writable:
                raise ProtocolError(f"{size} bytes are announced and {there} there")
            size = -(-size // GRAIN) * GRAIN
            os.ftruncate(self.descriptor, size)
        access = mmap.ACCESS_WRITE if self._is_writable else mmap.ACCESS_READ
        return mmap.mmap(self.descriptor, size, access=access)


class Copies:
    """Private memory that is used again once nobody looks at it any more.

    New memory costs more than a copy: the system clears every page before it is touched first.
    """

    def __init__(self) -> None:
        self._kept: tuple[bytearray, ...] = ()

    def take(self, size: int) -> memoryview:
        """Memory of this size for whoever asks, until the last view of it is gone."""
        free = next((each for each in self._kept if len(each) > size and _unseen(each)), None)
        if free is None:
            free = bytearray(size + 1)
            larger = (each for each in self._kept if len(each) > size or not _unseen(each))
            self._kept = (*larger, free)[-KEPT:]
        return memoryview(free)[:size]


def octets(part: Piece) -> memoryview:
    """Any contiguous memory as bytes, without a copy."""
    return memoryview(part).cast("B") if memoryview(part).nbytes else memoryview(b"")


def copy(source: memoryview, target: memoryview) -> None:
    """Copy bytes, while other threads go on."""
    if not source.nbytes:
        return
    np.copyto(np.frombuffer(target, np.uint8), np.frombuffer(source, np.uint8))


def split(whole: memoryview, sizes: Sequence[int]) -> tuple[memoryview, ...]:
    """The parts of these sizes that lie one behind the other."""
    ends = np.cumsum(sizes).tolist()
    return tuple(whole[end - size : end] for size, end in zip(sizes, ends, strict=True))


def _unseen(buffer: bytearray) -> bool:
    """Whether no view of a buffer is left: only then does Python let its length change.

    One byte goes and comes again, for which nothing is moved.
    """
    try:
        buffer.pop()
    except BufferError:
        return False
    buffer.append(0)
    return True
