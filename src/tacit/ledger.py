"""The ledger: measurements that are on disk as soon as they are made, so that a search goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tacit.errors import ProtocolError
from tacit.program import Json

# What was measured, and of what; written on one line, with its keys in order.
Key = Mapping[str, Json]


@dataclass(frozen=True, eq=False)
class Ledger:
    """Measurements by what was measured; a `path` keeps them, one to a line.

    `fingerprint` stands for all that they depend on.
    """

    fingerprint: str
    path: Path | None = None
    known: dict[str, Json] = field(default_factory=dict)

    def get(self, key: Key, measure: Callable[[], Json]) -> Json:
        """What was measured before, or what `measure` gives, once that is on disk."""
        text = _text(key)
        if text not in self.known:
            found = measure()
            if self.path is not None:
                _append(self.path, {"fingerprint": self.fingerprint, **key, "found": found})
            self.known[text] = found
        return self.known[text]


def opened(path: Path | None, fingerprint: str) -> Ledger:
    """The ledger of a file, which need not be there yet.

    What a kill left of a last line is cut off. ProtocolError where the file's measurements have
    another fingerprint, or are none.
    """
    if path is None or not path.exists():
        return Ledger(fingerprint, path)
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    known: dict[str, Json] = {}
    for number, line in enumerate(content[:whole].splitlines(), start=1):
        key, found = _entry(line, f"line {number} of {path}", fingerprint)
        known[key] = found
    if whole < len(content):
        os.truncate(path, whole)
    return Ledger(fingerprint, path, known)


def _entry(line: bytes, where: str, fingerprint: str) -> tuple[str, Json]:
    try:
        entry = json.loads(line)
    except ValueError as wrong:
        raise _no_measurement(where) from wrong
    if not isinstance(entry, dict) or "found" not in entry or "fingerprint" not in entry:
        raise _no_measurement(where)
    if entry.pop("fingerprint") != fingerprint:
        raise ProtocolError(
            f"{where} was measured on another model, other data or by other settings",
            hint="give another file, or what that search was given",
        )
    found = entry.pop("found")
    return _text(entry), found


def _no_measurement(where: str) -> ProtocolError:
    return ProtocolError(f"{where} is no measurement", hint="give another file")


def _append(path: Path, entry: Key) -> None:
    """Write a line, and have it reach the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(f"{_text(entry)}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def _text(entry: Key) -> str:
    return json.dumps(entry, sort_keys=True, ensure_ascii=False, allow_nan=False)
