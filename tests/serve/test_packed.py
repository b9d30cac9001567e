"""Programs of bits in one file: what is written comes back, and anything else is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from tacit.arithmetics.binary import Binary
from tacit.arithmetics.binary.ops import Alphabet, Window
from tacit.arithmetics.ckks import CKKS
from tacit.errors import ProtocolError, TacitError, TypeMismatch
from tacit.program import Program, lower
from tacit.serve.packed import read_packed, write_packed
from tests.arithmetics.binary.cases import Case
from tests.arithmetics.binary.networks import Sketch

CASE = Case(
    Alphabet.BIPOLAR, 40, 64, (4, 4), (3, 3), Window((1, 1), ((1, 1), (1, 1)), (1, 1), border=1)
)


def program() -> Program:
    sketch = Sketch(*CASE.shape).quantise("bipolar").conv(CASE).norm().pool().quantise("two bits")
    return lower(sketch.flat().dense(3).norm().graph(), Binary(planes=5))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    written = tmp_path / "network.safetensors"
    write_packed(program(), written)
    return written


def header(path: Path) -> dict[str, str]:
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    found: dict[str, str] = json.loads(data[8 : 8 + size])["__metadata__"]
    return found


def rewritten(path: Path, **changes: str) -> None:
    arrays = safetensors.numpy.load_file(path)
    path.write_bytes(safetensors.numpy.save(arrays, metadata=header(path) | changes))


def test_a_program_comes_back_word_by_word(path: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(5, *CASE.shape))

    found = read_packed(path)

    write_packed(found, tmp_path / "again.safetensors")
    assert header(tmp_path / "again.safetensors") == header(path)
    assert found.arithmetic == Binary(planes=5)
    np.testing.assert_array_equal(found(x), program()(x))


def test_signs_take_a_bit_each(path: Path) -> None:
    arrays = safetensors.numpy.load_file(path)

    words = [each for each in arrays.values() if each.dtype == np.uint32]

    assert (64, 3, 3, 2) in [each.shape for each in words]
    assert not [each for each in arrays.values() if each.dtype == np.int8]


def test_the_header_names_format_version_and_layers(path: Path) -> None:
    found = header(path)

    assert (found["format"], found["version"]) == ("tacit bits", "1")
    assert set(json.loads(found["program"])) == {"knobs", "layers", "signs"}


def test_a_file_that_is_there_is_kept(path: Path) -> None:
    with pytest.raises(TacitError, match="already"):
        write_packed(program(), path)
    write_packed(program(), path, overwrite=True)


def test_a_program_of_another_arithmetic_is_refused(tmp_path: Path) -> None:
    other = Program(program().graph, CKKS())

    with pytest.raises(TypeMismatch, match="none of bits"):
        write_packed(other, tmp_path / "file")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": "2"}, "version 2"),
        ({"format": "other"}, "no program of bits"),
        ({"more": "text"}, "no program of bits"),
        ({"program": "{}"}, "fields"),
        ({"program": "no"}, "no JSON"),
    ],
)
def test_another_header_is_refused(path: Path, changes: dict[str, str], message: str) -> None:
    rewritten(path, **changes)

    with pytest.raises(ProtocolError, match=message):
        read_packed(path)


@pytest.mark.parametrize("data", [b"", b"12345678{}", b"\x02\0\0\0\0\0\0\0{}", b"\xff" * 20])
def test_other_bytes_are_refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)

    with pytest.raises(ProtocolError):
        read_packed(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="no program of bits"):
        read_packed(tmp_path / "nothing")


@pytest.mark.parametrize("bit", [0, 8])
def test_a_changed_bit_is_refused(path: Path, bit: int) -> None:
    """The first is a sign, the other lies beyond the last channel of 40."""
    arrays = safetensors.numpy.load_file(path)
    words = next(each for each in arrays.values() if each.shape == (64, 3, 3, 2))
    words[..., -1] ^= np.uint32(1 << bit)
    path.write_bytes(safetensors.numpy.save(arrays, metadata=header(path)))

    with pytest.raises(ProtocolError, match="damaged"):
        read_packed(path)


@pytest.mark.parametrize("shape", ["[]", "[64]", '"text"', "[64,40,3,4]", "[64,0,3,3]"])
def test_signs_of_another_shape_are_refused(path: Path, shape: str) -> None:
    text = header(path)["program"]
    changed = re.sub(r"\[64,40,3,3\]", shape, text)
    assert changed != text
    rewritten(path, program=changed)

    with pytest.raises(ProtocolError):
        read_packed(path)
