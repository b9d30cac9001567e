"""A program of bits in one file: safetensors, with a description as JSON in its header.

docs/bits.md says what lies where. Signs take one bit each in it; whatever is read back is the
program that was written, word by word.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from tacit.arithmetics.binary import Binary
from tacit.arithmetics.binary.ops import SignArray
from tacit.arithmetics.binary.packing import WordArray, packed, unpacked, word_count
from tacit.errors import ProtocolError, TypeMismatch
from tacit.files import new_file, read_bytes
from tacit.ir.ops import SOURCE_OPS
from tacit.program import Json, Program, whole_number
from tacit.serve.codec import (
    Arrays,
    array_name,
    canonical,
    graph_codec,
    parse,
    record_codec,
)

FORMAT = "tacit bits"
VERSION = 1
# The names in the file's header.
FIELDS = ("format", "version", "program")
PARTS = ("knobs", "layers", "signs")
WORDS = (*Binary.words, *SOURCE_OPS)
SIGNS = np.dtype(np.int8)


def write_packed(program: Program, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a program of bits to a file, which is there whole or not at all."""
    if not isinstance(program.arithmetic, Binary):
        raise TypeMismatch(
            f"a program of {program.arithmetic.name} is none of bits",
            hint="lower the graph with Binary(), or use pack for any arithmetic",
        )
    arrays: Arrays = {}
    layers = graph_codec(WORDS).write(program.graph, arrays)
    signs = {name: [*each.shape] for name, each in arrays.items() if each.dtype == SIGNS}
    stored = {name: _packed(each) if name in signs else each for name, each in arrays.items()}
    tree: dict[str, Json] = {
        "knobs": record_codec(Binary).write(program.arithmetic, {}),
        "layers": layers,
        "signs": dict(signs),
    }
    header = {
        "format": FORMAT,
        "version": str(VERSION),
        "program": canonical(tree).decode("ascii"),
    }
    with new_file(Path(path), overwrite=overwrite) as file:
        file.write_bytes(safetensors.numpy.save(stored, metadata=header))


def read_packed(path: str | Path) -> Program:
    """The program in a file; raises ProtocolError where it is damaged, or of another version."""
    data = read_bytes(Path(path), "program of bits")
    tree = _program(_header(data))
    try:
        stored: Arrays = safetensors.numpy.load(data)
    except (safetensors.SafetensorError, KeyError, ValueError) as wrong:
        raise ProtocolError(f"{Path(path).name} is damaged: {wrong}") from wrong
    signs = tree["signs"]
    if not isinstance(signs, dict):
        raise ProtocolError("the file does not say which arrays are signs")
    arrays = {name: _array(name, each, signs) for name, each in stored.items()}
    knobs = record_codec(Binary).read(tree["knobs"], {})
    graph = graph_codec(WORDS).read(tree["layers"], arrays)
    assert isinstance(knobs, Binary), "the codec reads what it is made for"
    return Program(graph, knobs)


def _packed(signs: SignArray) -> WordArray:
    """(outputs, inputs, *kernel) as words (outputs, *kernel, words); a bit is 1 where negative."""
    return packed(np.moveaxis(signs < 0, 1, -1))


def _array(name: str, stored: NDArray[Any], signs: Mapping[str, Json]) -> NDArray[Any]:
    """An array as it was, if it is what its name says."""
    found = stored
    if name in signs:
        found = _unpacked(stored, signs[name])
    if array_name(found) != name:
        raise ProtocolError("the file is damaged: an array is not what it was")
    return found


def _unpacked(stored: NDArray[Any], given: Json) -> SignArray:
    shape = tuple(whole_number(each) for each in given) if isinstance(given, list) else ()
    if len(shape) < 2 or min(shape) < 1:
        raise ProtocolError("the file gives signs no shape")
    outputs, inputs, *kernel = shape
    if stored.dtype != np.uint32 or stored.shape != (outputs, *kernel, word_count(inputs)):
        raise ProtocolError(f"the file has other words than {prod(shape)} signs take")
    bits = unpacked(stored.astype(np.uint32), inputs)
    if not np.array_equal(packed(bits), stored):
        raise ProtocolError("the file is damaged: bits beyond the last channel are not 0")
    return np.moveaxis(1 - 2 * bits.astype(np.int8), -1, 1).astype(np.int8, order="C")


def _header(data: bytes) -> Mapping[str, str]:
    """The text fields of the file's header."""
    size = int.from_bytes(data[:8], "little")
    try:
        found = json.loads(data[8 : 8 + size]).get("__metadata__", {})
    except (ValueError, RecursionError, AttributeError) as wrong:
        raise ProtocolError("this is no safetensors file") from wrong
    if set(found) != set(FIELDS) or found["format"] != FORMAT:
        raise ProtocolError("this is no program of bits", hint="write it with write_packed")
    if found["version"] != str(VERSION):
        raise ProtocolError(
            f"the file has version {found['version']}; version {VERSION} is understood",
            hint="write it again with this version of tacit",
        )
    return dict(found)


def _program(header: Mapping[str, str]) -> dict[str, Json]:
    tree = parse(header["program"].encode())
    if not isinstance(tree, dict) or set(tree) != set(PARTS):
        raise ProtocolError(f"the file has not the fields {', '.join(PARTS)}")
    return tree
