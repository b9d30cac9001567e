"""Files and folders that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from tacit.errors import ProtocolError, TacitError

# What the umask leaves of it.
EVERYBODY = 0o666
OWNER_ONLY = 0o600


def require_free(path: Path, *, overwrite: bool) -> None:
    """Refuse a path that is taken, before any work is done for it."""
    if path.exists() and not overwrite:
        raise _taken(path)


@contextlib.contextmanager
def new_file(path: Path, *, overwrite: bool = False, mode: int = EVERYBODY) -> Iterator[Path]:
    """A file beside `path` to be written, which becomes `path` at the end if all went well.

    A full disk, an error or a kill leaves what was at `path` as it was.
    """
    require_free(path, overwrite=overwrite)
    beside = _beside(path)
    os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
    try:
        yield beside
        to_disk(beside)
        if not overwrite:
            _claim(path)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextlib.contextmanager
def new_folder(path: Path, *, overwrite: bool = False, mark: str = "") -> Iterator[Path]:
    """A folder beside `path` to be filled, which becomes `path` at the end if all went well.

    What is overwritten must hold the file `mark`, or it is not ours to delete.
    """
    require_free(path, overwrite=overwrite)
    if path.exists() and not (path / mark).is_file():
        raise TacitError(f"{path} is no bundle and is not overwritten", hint="choose another name")
    beside = _beside(path)
    beside.mkdir(parents=True)
    try:
        yield beside
        for file in beside.rglob("*"):
            to_disk(file)
        _swap(beside, path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def read_bytes(path: Path, what: str) -> bytes:
    """A file's bytes; a file that is not there is a TacitError that says what it should be."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as absent:
        raise ProtocolError(f"there is no {what} at {path}") from absent


def _beside(path: Path) -> Path:
    """A name in the same folder that nobody else has."""
    return path.absolute().parent / f".{path.name}.{secrets.token_hex(4)}.partial"


def _claim(path: Path) -> None:
    """Take a name that is free; of two who try at once, one is refused."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY))
    except FileExistsError as there:
        raise _taken(path) from there


def _swap(beside: Path, path: Path) -> None:
    """Put a folder into another's place; the old one is deleted only after that."""
    if not path.exists():
        beside.rename(path)
        return
    old = _beside(path)
    path.rename(old)
    try:
        beside.rename(path)
    except OSError:
        old.rename(path)
        raise
    shutil.rmtree(old)


def to_disk(path: Path) -> None:
    """Have a file, or the names in a folder, reach the disk before whatever comes next."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _taken(path: Path) -> TacitError:
    return TacitError(
        f"{path} is there already",
        hint="choose another name, or overwrite it on purpose (--overwrite, overwrite=True)",
    )
