"""A lock that one process at a time holds, and that its death lets go."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from tacit.errors import ProtocolError
from tacit.files import OWNER_ONLY


@contextlib.contextmanager
def alone(path: Path, *, wait: bool, doing: str) -> Iterator[None]:
    """Hold the lock of a file that is there for nothing else and is never deleted.

    Where somebody holds it and there is to be no waiting: ProtocolError.
    """
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY)
    try:
        _lock(number, wait=wait, doing=doing)
        yield
    finally:
        os.close(number)


def _lock(number: int, *, wait: bool, doing: str) -> None:
    """Lock what is opened, not for the process: threads exclude each other as processes do."""
    try:
        fcntl.flock(number, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError as held:
        raise ProtocolError(f"somebody else is {doing}", hint="wait until that is done") from held
