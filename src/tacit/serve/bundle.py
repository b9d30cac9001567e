"""A program as a folder of parts: the client's, the server's, and the owner's.

`client/` holds no weights and `server/` no secrets; `owner/` holds the whole program, for
evaluating it, and stays where it was made. A part is `bundle.json` (who it is for, the program's
hash, the arithmetic's knobs, a graph) and `arrays.safetensors`. The program's hash is one of both
halves, and each part carries the hashes of both, so each can be checked on its own.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from tacit.arithmetics import ARITHMETICS
from tacit.errors import ProtocolError
from tacit.files import new_folder, read_bytes
from tacit.ir.graph import Graph, Op
from tacit.ir.ops import SOURCE_OPS
from tacit.program import Arithmetic, Half, Json, Program
from tacit.serve.codec import Arrays, array_name, canonical, graph_codec, parse, record_codec

FORMAT = "tacit bundle"
VERSION = 1
DESCRIPTION = "bundle.json"
ARRAYS = "arrays.safetensors"
FIELDS = ("format", "version", "party", "program", "hashes", "content")


class Party(enum.Enum):
    """Whom a part is for; the value is its folder's name."""

    CLIENT = "client"
    SERVER = "server"
    OWNER = "owner"


@dataclass(frozen=True, eq=False)
class Part:
    """What one party computes and with which arithmetic; `program` is the program's hash."""

    party: Party
    arithmetic: Arithmetic
    half: Half
    program: bytes


@dataclass(frozen=True, eq=False)
class Original:
    """What the owner keeps: the program and, if it was given, the graph it was lowered from."""

    program: Program
    source: Graph | None


def pack(
    program: Program, folder: str | Path, *, source: Graph | None = None, overwrite: bool = False
) -> None:
    """Write a program's parts into a new folder, which is there whole or not at all.

    `source`, the calibrated graph that was lowered, lets the owner compare answers with it.
    """
    arithmetic = program.arithmetic
    client, server = arithmetic.cut(program)
    knobs = _knobs(arithmetic)
    words = _words(arithmetic)
    packed = {
        Party.CLIENT: _half(client, knobs, words),
        Party.SERVER: _half(server, knobs, words),
        Party.OWNER: _original(program, source, knobs),
    }
    hashes = {party: _hash(content) for party, (content, _) in packed.items()}
    halves = {party: hashes[party] for party in (Party.CLIENT, Party.SERVER)}
    mark = f"{Party.CLIENT.value}/{DESCRIPTION}"
    with new_folder(Path(folder), overwrite=overwrite, mark=mark) as new:
        for party, (content, arrays) in packed.items():
            known = halves | {party: hashes[party]}
            tree: dict[str, Json] = {
                "format": FORMAT,
                "version": VERSION,
                "party": party.value,
                "program": _program_hash(halves).hex(),
                "hashes": {each.value: known[each] for each in known},
                "content": content,
            }
            (new / party.value).mkdir()
            (new / party.value / DESCRIPTION).write_bytes(canonical(tree) + b"\n")
            (new / party.value / ARRAYS).write_bytes(safetensors.numpy.save(arrays))


def load_part(folder: str | Path, party: Party) -> Part:
    """A client's or a server's part, from its own folder or from the bundle's.

    Raises ProtocolError where it is missing, damaged, of another version or for another party.
    """
    content, arrays, program = _load(Path(folder), party)
    given = _exactly(content, ("arithmetic", "graph", "facts"))
    arithmetic = _arithmetic(given["arithmetic"])
    graph = graph_codec(_words(arithmetic)).read(given["graph"], arrays)
    facts = given["facts"]
    if not isinstance(facts, dict):
        raise ProtocolError("the bundle holds no facts of a set-up")
    return Part(party, arithmetic, Half(graph, facts), program)


def load_original(folder: str | Path) -> Original:
    """What the owner kept of a bundle; raises ProtocolError where that is not there."""
    content, arrays, _ = _load(Path(folder), Party.OWNER)
    given = _exactly(content, ("arithmetic", "graph", "source"))
    arithmetic = _arithmetic(given["arithmetic"])
    graph = graph_codec(arithmetic.words + tuple(SOURCE_OPS)).read(given["graph"], arrays)
    source = given["source"]
    return Original(
        Program(graph, arithmetic),
        None if source is None else graph_codec(tuple(SOURCE_OPS)).read(source, arrays),
    )


def load_program(folder: str | Path) -> Program:
    """The program that a bundle was packed from, which only its owner has."""
    return load_original(folder).program


def parts_of(folder: str | Path) -> dict[Party, Path]:
    """The parts that a folder holds, or is; raises ProtocolError where it is no bundle."""
    whole = Path(folder)
    inner = {party: whole / party.value for party in Party}
    found = {party: each for party, each in inner.items() if (each / DESCRIPTION).is_file()}
    return found or {Party(_described(whole, "part")["party"]): whole}


def _half(half: Half, knobs: Json, words: tuple[type[Op], ...]) -> tuple[Json, Arrays]:
    arrays: Arrays = {}
    graph = graph_codec(words).write(half.graph, arrays)
    return {"arithmetic": knobs, "graph": graph, "facts": dict(half.facts)}, arrays


def _original(program: Program, source: Graph | None, knobs: Json) -> tuple[Json, Arrays]:
    arrays: Arrays = {}
    graph = graph_codec(_words(program.arithmetic)).write(program.graph, arrays)
    kept = None if source is None else graph_codec(tuple(SOURCE_OPS)).write(source, arrays)
    return {"arithmetic": knobs, "graph": graph, "source": kept}, arrays


def _words(arithmetic: Arithmetic) -> tuple[type[Op], ...]:
    """What a lowered graph may hold: the arithmetic's words, and ops of a client in the clear."""
    return (*arithmetic.words, *SOURCE_OPS)


def _knobs(arithmetic: Arithmetic) -> Json:
    return [arithmetic.name, record_codec(type(arithmetic)).write(arithmetic, {})]


def _arithmetic(tree: Json) -> Arithmetic:
    match tree:
        case [str(name), knobs] if name in ARITHMETICS:
            found = record_codec(ARITHMETICS[name]).read(knobs, {})
            assert isinstance(found, Arithmetic), "the table holds arithmetics only"
            return found
        case _:
            raise ProtocolError(
                "the bundle names no arithmetic that is known here",
                hint=f"known are {', '.join(ARITHMETICS)}",
            )


def _hash(content: Json) -> str:
    """The hash of a part's content; arrays are named in it by their own hashes."""
    return hashlib.sha256(canonical(content)).hexdigest()


def _program_hash(halves: Mapping[Party, str]) -> bytes:
    text = f"{FORMAT} {VERSION} {halves[Party.CLIENT]} {halves[Party.SERVER]}"
    return hashlib.sha256(text.encode()).digest()


def _load(folder: Path, party: Party) -> tuple[Json, Arrays, bytes]:
    """A part's content, its arrays and the program's hash, all of them checked."""
    inner = folder / party.value
    found = inner if (inner / DESCRIPTION).is_file() else folder
    given = _described(found, f"{party.value}'s part")
    if given["party"] != party.value:
        raise ProtocolError(f"{found} is the {given['party']}'s part, not the {party.value}'s")
    program = _checked_hash(given, party)
    return given["content"], _load_arrays(found / ARRAYS, given["content"]), program


def _described(folder: Path, what: str) -> dict[str, Json]:
    """The fields of the description in a part's folder."""
    data = read_bytes(folder / DESCRIPTION, f"{what} of a bundle")
    given = _exactly(parse(data), FIELDS)
    if canonical(given) + b"\n" != data:
        raise ProtocolError(f"{folder / DESCRIPTION} is not written as it should be")
    if (given["format"], given["version"]) != (FORMAT, VERSION):
        raise ProtocolError(
            f"{folder} is written as {given['format']!r} {given['version']!r}; "
            f"{FORMAT!r} {VERSION} is understood",
            hint="use one version of tacit everywhere",
        )
    if given["party"] not in {party.value for party in Party}:
        raise ProtocolError(f"{folder} is for nobody who is known here")
    return given


def _checked_hash(given: Mapping[str, Json], party: Party) -> bytes:
    """The program's hash, if the content is the one that was hashed."""
    names = tuple({Party.CLIENT.value, Party.SERVER.value, party.value})
    hashes = {Party(name): str(value) for name, value in _exactly(given["hashes"], names).items()}
    program = _program_hash(hashes)
    if hashes[party] != _hash(given["content"]) or given["program"] != program.hex():
        raise ProtocolError(f"the {party.value}'s part is damaged: its hash does not match")
    return program


def _load_arrays(path: Path, content: Json) -> Arrays:
    """The arrays of a part, if each is what its name says and is named in the content."""
    data = read_bytes(path, "file of arrays")
    try:
        arrays: Arrays = safetensors.numpy.load(data)
    except (safetensors.SafetensorError, KeyError, ValueError) as wrong:
        raise ProtocolError(f"{path.name} is damaged: {wrong}") from wrong
    text = canonical(content).decode()
    for name, array in arrays.items():
        if array_name(np.asarray(array)) != name or name not in text:
            raise ProtocolError(f"{path.name} is damaged: an array is not what it was")
    return arrays


def _exactly(tree: Json, names: tuple[str, ...]) -> dict[str, Json]:
    """The tree, if it has exactly these fields."""
    if not isinstance(tree, dict) or set(tree) != set(names):
        raise ProtocolError(f"the bundle has not the fields {', '.join(names)}")
    return tree
