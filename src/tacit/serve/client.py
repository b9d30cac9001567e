"""The client: makes the keys, seals inputs, opens answers."""

from __future__ import annotations

import secrets
from pathlib import Path

from tacit.errors import ProtocolError, TacitError
from tacit.ir.functions import FloatArray
from tacit.program import Progress
from tacit.serve import wire
from tacit.serve.bundle import Party, load_part
from tacit.serve.files import OWNER_ONLY, new_file, read_bytes, require_free
from tacit.serve.keys import append_stamp


class Client:
    """A program's client, with the secret key that it keeps in a file.

    `folder` is a bundle or its client's part alone.
    """

    def __init__(self, folder: str | Path, *, secret: str | Path) -> None:
        part = load_part(folder, Party.CLIENT)
        frame = wire.decode(wire.Secret, read_bytes(Path(secret), "secret key"))
        wire.require_program(frame, part.program)
        self._program = part.program
        self._key = frame.key
        self._engine = part.arithmetic.load_client(part.half, frame.content)

    def seal(self, x: FloatArray, *, clip: bool = False) -> bytes:
        """A batch of inputs, encrypted, for the server.

        Raises OutOfRange where an entry is outside the calibrated range, unless `clip`, which
        moves it inside.
        """
        parts = self._engine.seal(x, clip=clip)
        request = secrets.token_bytes(wire.NAME_BYTES)
        return wire.encode(wire.Sealed(self._program, self._key, request, len(x), parts))

    def open(
        self, answer: bytes, *, request: bytes | None = None, flood: float = 0.0
    ) -> FloatArray:
        """The results of a batch; with `request`, its sealed bytes, only if they answer that.

        Results that leave the client carry noise that tells of the secret key. `flood` adds noise
        of this standard deviation, in the units of the network's outputs (before a final softmax
        or argmax), that drowns it: SECURITY.md says how much.
        """
        frame = wire.decode(wire.Answer, answer)
        wire.require_program(frame, self._program)
        wire.require_key(frame, self._key)
        if request is not None:
            asked = wire.decode(wire.Sealed, request)
            if (asked.request, asked.rows) != (frame.request, frame.rows):
                raise ProtocolError("the answer is one to another request")
        return self._engine.open(frame.parts, frame.rows, flood=flood)


def make_keys(
    folder: str | Path,
    *,
    secret: str | Path,
    keys: str | Path,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> None:
    """Make a client's keys: a secret one that it keeps, and those that the server needs, once.

    The secret's file can be read by its owner only, and is not encrypted.
    """
    private, public = Path(secret), Path(keys)
    if private.absolute() == public.absolute():
        raise TacitError("secret and public keys were to go into one file", hint="name two files")
    for path in (private, public):
        require_free(path, overwrite=overwrite)
    part = load_part(folder, Party.CLIENT)
    engine = part.arithmetic.new_client(part.half, progress=progress)
    name = secrets.token_bytes(wire.NAME_BYTES)
    with new_file(public, overwrite=overwrite) as written:
        engine.write_keys(written, progress=progress)
        append_stamp(written, program=part.program, key=name)
        with new_file(private, overwrite=overwrite, mode=OWNER_ONLY) as kept:
            kept.write_bytes(wire.encode(wire.Secret(part.program, name, engine.secret())))
