"""The ledger of masks: which series there are, and the index that comes next.

Series follow one another; their indices are one rising sequence, so that `upcoming`, which never
falls, tells used from unused. A series' name is drawn here and believed from nowhere else: factors
of a series that the ledger does not list are worth nothing, whoever brings them.

The ledger is the client's, beside its secret, and is authenticated with a key of the secret. What
it cannot tell is that it was itself put back to an earlier state, whole: a backup that is restored,
a snapshot of a machine, a copy that a second client goes on with. Masks would be used twice, and
the difference of two inputs be seen. Nothing but a count kept elsewhere can tell: `floor` takes
one. Do not restore or copy a ledger; make a new one, and new masks.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tacit.arithmetics.field.blind.locks import alone
from tacit.arithmetics.field.blind.secret import (
    PROGRAM_BYTES,
    SERIES_BYTES,
    VERSION,
    Hidden,
    Purpose,
    Secret,
)
from tacit.errors import ProtocolError, TacitError
from tacit.files import OWNER_ONLY, new_file, to_disk

MAGIC = b"tacitldg"
# Magic, version, program, upcoming index, finished series, unfinished ones (0 or 1).
HEAD = struct.Struct(f">8sH{PROGRAM_BYTES}sQIB")
# Name, first index, count.
ENTRY = struct.Struct(f">{SERIES_BYTES}sQQ")
TAG_BYTES = 32
MOST_INDICES = 1 << 63


@dataclass(frozen=True)
class Series:
    """Masks that were made together: a name that no other series has, and a range of indices."""

    name: bytes
    start: int
    count: int

    @property
    def stop(self) -> int:
        """The first index that is not its own."""
        return self.start + self.count

    @property
    def indices(self) -> range:
        """Its indices."""
        return range(self.start, self.stop)


@dataclass(frozen=True)
class State:
    """What a ledger says: nothing below `upcoming` may be used again."""

    upcoming: int = 0
    finished: tuple[Series, ...] = ()
    unfinished: Series | None = None

    @property
    def stop(self) -> int:
        """The first index that no finished series has."""
        return self.finished[-1].stop if self.finished else self.upcoming

    def after(self, index: int) -> State:
        """What it says once an index is used: series that are used up are forgotten."""
        upcoming = index + 1
        left = tuple(each for each in self.finished if each.stop > upcoming)
        return replace(self, upcoming=upcoming, finished=left)


@dataclass(frozen=True)
class Turn:
    """One query's index, and the series that it belongs to."""

    series: Series
    index: int


class Ledger(Hidden):
    """A ledger's file, which every change replaces whole, on disk before it counts."""

    __slots__ = ("_key", "_program", "path")

    def __init__(self, path: Path, secret: Secret) -> None:
        self.path = path
        self._program = secret.program
        self._key = secret.key(Purpose.LEDGER)

    def create(self) -> None:
        """Write an empty ledger; one that is there stays, with TacitError."""
        self._write(State(), overwrite=False)

    def read(self) -> State:
        """What it says; ProtocolError where it is absent, changed, or of another secret."""
        try:
            return self._parsed(self.path.read_bytes())
        except FileNotFoundError as absent:
            raise _absent(self.path) from absent

    def begin(self, count: int, *, resume: bool) -> Series:
        """A series to be made: a fresh one, or the one that was begun and not finished."""
        with self._held():
            state = self.read()
            known = state.unfinished if resume else None
            _require_count(state, count, known)
            if known is not None:
                return known
            fresh = Series(secrets.token_bytes(SERIES_BYTES), state.stop, count)
            self._write(replace(state, unfinished=fresh), overwrite=True)
            return fresh

    def finish(self, series: Series) -> None:
        """Let the masks of a series be used: all of its factors are on disk."""
        with self._held():
            state = self.read()
            if state.unfinished != series:
                raise ProtocolError("the series that was made is not the one that was begun")
            done = replace(state, finished=(*state.finished, series), unfinished=None)
            self._write(done, overwrite=True)

    @contextlib.contextmanager
    def taking(self, index: int | None, *, floor: int) -> Iterator[Turn]:
        """The next index, or a later one (what lies between is given up): never again anyone's.

        The disk knows that it is used before the body begins, and nobody else takes one before
        the body ends.
        """
        with self._held():
            state = self.read()
            turn = _turn(state, state.upcoming if index is None else index, floor)
            self._write(state.after(turn.index), overwrite=True)
            yield turn

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        """Keep everybody else from changing the ledger."""
        if not self.path.exists():
            raise _absent(self.path)
        lock = self.path.with_name(f"{self.path.name}.lock")
        with alone(lock, wait=True, doing="changing the ledger"):
            yield

    def _write(self, state: State, *, overwrite: bool) -> None:
        """Replace the file; the folder reaches the disk too, or a crash could undo it."""
        try:
            with new_file(self.path, overwrite=overwrite, mode=OWNER_ONLY) as beside:
                beside.write_bytes(self._sealed(state))
            to_disk(self.path.absolute().parent)
        except OSError as failure:
            raise TacitError(
                f"the ledger at {self.path} cannot be written: {failure.strerror}",
                hint="make room; no mask was used",
            ) from failure

    def _sealed(self, state: State) -> bytes:
        unfinished = () if state.unfinished is None else (state.unfinished,)
        head = HEAD.pack(
            MAGIC, VERSION, self._program, state.upcoming, len(state.finished), len(unfinished)
        )
        entries = (
            ENTRY.pack(each.name, each.start, each.count) for each in (*state.finished, *unfinished)
        )
        content = head + b"".join(entries)
        return content + hmac.digest(self._key, content, "sha256")

    def _parsed(self, found: bytes) -> State:
        content, tag = found[:-TAG_BYTES], found[-TAG_BYTES:]
        if len(content) < HEAD.size or content[: len(MAGIC)] != MAGIC:
            raise ProtocolError(f"{self.path} is no ledger of masks")
        _, version, program, upcoming, finished, unfinished = HEAD.unpack_from(content)
        if version != VERSION:
            raise ProtocolError(f"the ledger has version {version}; {VERSION} is known")
        if program != self._program:
            raise ProtocolError(f"the ledger at {self.path} is of another program")
        # Nothing beyond is looked at before this; compared in a time that tells nothing.
        if not hmac.compare_digest(tag, hmac.digest(self._key, content, "sha256")):
            raise ProtocolError(
                f"the ledger at {self.path} was changed, or is another secret's",
                hint="make a new ledger, and new masks",
            )
        listed = tuple(Series(*each) for each in ENTRY.iter_unpack(content[HEAD.size :]))
        assert len(listed) == finished + unfinished, "what this secret has signed is well formed"
        return State(upcoming, listed[:finished], listed[finished] if unfinished else None)


def _absent(path: Path) -> ProtocolError:
    return ProtocolError(
        f"there is no ledger of masks at {path}",
        hint="begin a new one; masks that another knew are lost with it",
    )


def _require_count(state: State, count: int, known: Series | None) -> None:
    """Refuse another number of masks than a series that goes on has, and an absurd one."""
    if known is not None and known.count != count:
        raise ProtocolError(
            f"a series of {known.count} masks is not finished; {count} are asked for",
            hint=f"ask for {known.count}, or begin anew (resume=False)",
        )
    if not 0 < count <= MOST_INDICES - state.stop:
        raise ProtocolError(f"a series of {count} masks cannot be made")


def _turn(state: State, index: int, floor: int) -> Turn:
    """The series that an unused index belongs to."""
    if state.upcoming < floor:
        raise ProtocolError(
            f"the ledger was put back: it goes on at {state.upcoming}, while all below {floor} "
            "is known to be used",
            hint="make a new ledger, and new masks",
        )
    if index < state.upcoming:
        raise ProtocolError(
            f"reuse of a mask: index {index} is used; {state.upcoming} comes next",
            hint="every query takes an index of its own",
        )
    for series in state.finished:
        if index in series.indices:
            return Turn(series, index)
    raise TacitError(
        f"no mask is left for index {index}: there are {state.stop - state.upcoming} more",
        hint="make more of them, offline, on the trusted side",
    )
