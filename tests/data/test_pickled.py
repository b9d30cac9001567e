from __future__ import annotations

import os
import pickle
import pickletools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.data.pickled import read_batch
from tacit.errors import ReadError
from tests.data.files import Pickler, pixels, python_batch

texts = st.binary(max_size=300)
numbers = st.integers(-(2**31), 2**31 - 1)
simple = st.dictionaries(
    st.text(st.characters(codec="ascii"), min_size=1, max_size=20),
    st.one_of(texts, numbers, st.lists(st.one_of(texts, numbers), max_size=8)),
    max_size=5,
)


class Hostile:
    """What runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("exit 1",)


def array_of(content: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    array = read_batch(content, "a test")["data"]
    assert isinstance(array, np.ndarray)
    return array


@given(simple)
def test_what_python_reads_is_what_is_read(items: dict[str, Any]) -> None:
    content = Pickler().dictionary(items)

    expected = pickle.loads(content, encoding="bytes")  # noqa: S301 - written just above

    assert {key.encode(): value for key, value in read_batch(content, "a test").items()} == expected


@given(simple, st.integers(0, 10_000), st.binary(min_size=1, max_size=3))
def test_damaged_bytes_are_read_or_refused_and_nothing_else(
    items: dict[str, Any], place: int, other: bytes
) -> None:
    content = bytearray(Pickler().dictionary({**items, "data": pixels(2, 3)}))
    start = place % len(content)
    content[start : start + len(other)] = other

    try:
        read = read_batch(bytes(content), "a test")
    except ReadError as refused:
        read = {"refused": refused.message.encode()}

    assert read


@given(simple, st.integers(1, 10_000))
def test_every_shortened_file_is_refused(items: dict[str, Any], missing: int) -> None:
    content = Pickler().dictionary({**items, "data": pixels(2, 3)})

    with pytest.raises(ReadError, match="is no batch of CIFAR"):
        read_batch(content[: -(missing % len(content)) or -1], "a test")


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_be_refused(content: bytes) -> None:
    with pytest.raises(ReadError, match="is no batch of CIFAR"):
        read_batch(content + b"\xff", "a test")


def test_the_files_of_these_tests_are_pickles_that_python_knows() -> None:
    x, y = pixels(300, 3, 32, 32), [place % 10 for place in range(300)]
    content = python_batch(x, y)

    opcodes = {opcode.name for opcode, _, _ in pickletools.genops(content)}
    theirs = pickle.loads(content, encoding="bytes")  # noqa: S301 - written just above

    assert {"SHORT_BINSTRING", "BINSTRING", "LONG_BINPUT", "GLOBAL", "REDUCE", "BUILD"} <= opcodes
    assert np.array_equal(theirs[b"data"], x.reshape(300, -1))
    assert theirs[b"labels"] == y


def test_a_batch_is_read_whole() -> None:
    x, y = pixels(300, 3, 32, 32), [place % 10 for place in range(300)]

    batch = read_batch(python_batch(x, y), "a test")

    assert list(batch) == ["batch_label", "labels", "data", "filenames"]
    assert batch["labels"] == y
    assert np.array_equal(array_of(python_batch(x, y)), x.reshape(300, -1))


@pytest.mark.parametrize("order", ["C", "F"])
def test_what_python_3_writes_in_protocol_3_is_read(order: Any) -> None:
    x = np.array(pixels(4, 6), order=order)

    content = pickle.dumps({"labels": [1, 2, 300, 4], "data": x}, protocol=3)

    assert np.array_equal(array_of(content), x)
    assert read_batch(content, "a test")["labels"] == [1, 2, 300, 4]


def test_a_hostile_pickle_is_refused_and_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    run: list[str] = []
    content = pickle.dumps({"labels": Hostile()}, protocol=2)
    monkeypatch.setattr(os, "system", run.append)

    with pytest.raises(ReadError, match=r"names b'(posix|nt)' b'system'"):
        read_batch(content, "a test")

    assert run == []


@pytest.mark.parametrize(
    "written",
    [
        {"data": np.zeros((2, 2), dtype=np.float64)},
        {"data": np.zeros((2, 2), dtype=object)},
        {"data": np.zeros(4, dtype=np.uint8)},
        {"data": np.ma.array(np.zeros((2, 2), dtype=np.uint8))},
        {"labels": {"a": 1}},
        {"labels": [[1]]},
        {"labels": (1, 2)},
        {"labels": None},
        {"labels": 2.5},
        {"labels": 2**40},
        {1: 2},
        [1, 2],
    ],
    ids=str,
)
def test_what_cifar_does_not_hold_is_refused(written: Any) -> None:
    with pytest.raises(ReadError, match="is no batch of CIFAR"):
        read_batch(pickle.dumps(written, protocol=3), "a test")


def test_a_list_that_contains_itself_is_refused() -> None:
    endless: list[Any] = [1]
    endless.append(endless)

    with pytest.raises(ReadError, match="fetches entry"):
        read_batch(pickle.dumps({"labels": endless}, protocol=2), "a test")


@pytest.mark.parametrize("protocol", [0, 1, 4, 5])
def test_other_protocols_are_refused_by_their_number(protocol: int) -> None:
    with pytest.raises(ReadError, match="protocol"):
        read_batch(pickle.dumps({"labels": [1]}, protocol=protocol), "a test")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x80\x02}.}", "does not end with one dictionary"),
        (b"\x80\x02}}.", "does not end with one dictionary"),
        (b"\x80\x02.", "does not end with one dictionary"),
        (b"\x80\x02u.", "empty stack"),
        (b"\x80\x02}(U\x01au.", "sets 1 keys and values"),
        (b"\x80\x02}U\x01aK\x01sU\x01aK\x02s.", "says 'a' twice"),
        (b"\x80\x02(q\x01h\x01.", "fetches entry 1"),
        (b"\x80\x02cposix\nsystem\nU\x01a\x85R.", "names b'posix' b'system'"),
        (b"\x80\x02cnumpy\nndarray\nK\x05\x85R.", "calls something else"),
        (b"\x80\x02i__builtin__\neval\n.", r"opcode b'i' is not used"),
        (b"\x80\x02\x80\x02}.", "of protocol 2"),
        (b"\x80\x02}U\x01aT\xff\xff\xff\xff.", "cut short"),
    ],
)
def test_each_refusal_says_why(content: bytes, why: str) -> None:
    with pytest.raises(ReadError, match=why):
        read_batch(content, "a test")


ARRAY = Pickler().array(pixels(2, 3))
BLANK = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
BYTE = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"


@pytest.mark.parametrize(
    "tail",
    [
        ARRAY + b"K\x01\x85R.",
        ARRAY + ARRAY + b"b.",
        BLANK + ARRAY + b"b.",
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n" + ARRAY + b"\x85U\x01b\x87R.",
        BYTE + b"(K\x03U\x01|" + ARRAY + b"tb.",
        BYTE + b"(K\x03U\x01|]tb.",
        BYTE + b"(K\x03U\x01|K\x05tb.",
        BYTE + b"(K\x03U\x01|K\x00" + b"\x85" * 300_000 + b"tb.",
    ],
    ids=["call", "fill", "fill with", "made of", "dtype", "list", "number", "deep"],
)
def test_pieces_in_wrong_places_are_refused(tail: bytes) -> None:
    with pytest.raises(ReadError, match=r"a tuple holds|calls something|fills in something"):
        read_batch(b"\x80\x02" + tail, "a test")


def test_an_array_of_another_size_than_its_bytes_is_refused() -> None:
    content = Pickler().dictionary({"data": pixels(2, 3)})

    with pytest.raises(ReadError, match="whole array"):
        read_batch(content.replace(b"K\x02K\x03\x86", b"K\x02K\x04\x86"), "a test")
