"""The server: answers sealed inputs with the weights and a client's keys, seeing nothing."""

from __future__ import annotations

from pathlib import Path

from tacit.program import Progress
from tacit.serve import wire
from tacit.serve.bundle import Party, load_part
from tacit.serve.keys import open_keys


class Server:
    """A program's server, with the keys that one client uploaded; it holds no secret.

    `folder` is a bundle or its server's part alone.
    """

    def __init__(
        self, folder: str | Path, *, keys: str | Path, progress: Progress | None = None
    ) -> None:
        part = load_part(folder, Party.SERVER)
        self._program = part.program
        self._key, content = open_keys(Path(keys), part.program)
        self._engine = part.arithmetic.load_server(part.half, content, progress=progress)

    def answer(self, message: bytes, *, progress: Progress | None = None) -> bytes:
        """The encrypted results of a sealed batch; raises ProtocolError for any other bytes."""
        sealed = wire.decode(wire.Sealed, message)
        wire.require_program(sealed, self._program)
        wire.require_key(sealed, self._key)
        parts = self._engine.answer(sealed.parts, progress=progress)
        return wire.encode(
            wire.Answer(self._program, self._key, sealed.request, sealed.rows, parts)
        )
