"""The client: makes the keys, seals inputs, opens answers."""

from __future__ import annotations

import secrets
from pathlib import Path

from tacit.errors import ProtocolError, TacitError, TypeMismatch
from tacit.files import OWNER_ONLY, new_file, read_bytes, require_free
from tacit.ir.functions import FloatArray
from tacit.program import ClientEngine, Progress, Stock, Stocked
from tacit.serve import wire
from tacit.serve.bundle import Part, Party, load_part
from tacit.serve.keys import append_stamp

# What says which masks are used up has the secret's name with this behind it.
LEDGER = ".ledger"


class Client:
    """A program's client, with the secret key that it keeps in a file.

    `folder` is a bundle or its client's part alone; `masks` is the folder that `make_masks` filled,
    for a program whose inputs are masked.
    """

    def __init__(
        self, folder: str | Path, *, secret: str | Path, masks: str | Path | None = None
    ) -> None:
        part = load_part(folder, Party.CLIENT)
        frame = _kept(part, secret)
        self._program = part.program
        self._key = frame.key
        self._engine = (
            part.arithmetic.load_client(part.half, frame.content)
            if masks is None
            else _stocked(part).load_stocked(part.half, frame.content, _stock(part, secret, masks))
        )

    @property
    def program(self) -> bytes:
        """The program's hash, by which workers are known."""
        return self._program

    @property
    def engine(self) -> ClientEngine:
        """What seals and opens, for a server that is at hand."""
        return self._engine

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

        An answer that is checked needs it; VerificationFailed is raised where it is false.

        Results that leave the client carry noise that tells of the secret key. `flood` adds noise
        of this standard deviation, in the units of the network's outputs (before a final softmax
        or argmax), that drowns it: SECURITY.md says how much.
        """
        frame = wire.decode(wire.Answer, answer)
        wire.require_program(frame, self._program)
        wire.require_key(frame, self._key)
        asked = None if request is None else wire.decode(wire.Sealed, request)
        if asked is not None and (asked.request, asked.rows) != (frame.request, frame.rows):
            raise ProtocolError("the answer is one to another request")
        parts = None if asked is None else asked.parts
        return self._engine.open(frame.parts, frame.rows, request=parts, flood=flood)


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


def make_masks(
    folder: str | Path,
    *,
    secret: str | Path,
    masks: str | Path,
    count: int,
    progress: Progress | None = None,
) -> None:
    """Make masks for `count` more inputs ahead, into a folder; each of them is used up once.

    What says which are used up is a ledger beside the secret: keep both, and keep them together. A
    run that was stopped is gone on with by the next one.
    """
    part = load_part(folder, Party.CLIENT)
    stock = _stock(part, secret, masks)
    content = _kept(part, secret).content
    _stocked(part).fill(part.half, content, stock, count, progress=progress)


def _kept(part: Part, secret: str | Path) -> wire.Secret:
    frame = wire.decode(wire.Secret, read_bytes(Path(secret), "secret key"))
    wire.require_program(frame, part.program)
    return frame


def _stocked(part: Part) -> Stocked:
    match part.arithmetic:
        case Stocked() as found:
            return found
        case other:
            raise TypeMismatch(
                f"{other.name} masks nothing", hint="leave out the masks: nothing is used up"
            )


def _stock(part: Part, secret: str | Path, masks: str | Path) -> Stock:
    kept = Path(secret)
    return Stock(part.program, Path(masks), kept.with_name(kept.name + LEDGER))
