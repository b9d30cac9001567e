import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.arithmetics.integers.tfhe.frames import Content, framed, unframed
from tacit.errors import ProtocolError

CIRCUIT, OTHER = bytes(32), bytes(range(32))


@given(st.binary(max_size=64))
def test_a_frame_gives_back_what_was_put_in(data: bytes) -> None:
    assert unframed(Content.VALUE, CIRCUIT, framed(Content.VALUE, CIRCUIT, data)) == data


@given(st.data())
def test_a_frame_that_is_cut_is_refused(data: st.DataObject) -> None:
    whole = framed(Content.KEYS, CIRCUIT, data.draw(st.binary(min_size=1, max_size=64)))
    end = data.draw(st.integers(0, len(whole) - 1))

    with pytest.raises(ProtocolError):
        unframed(Content.KEYS, CIRCUIT, whole[:end])


def test_a_frame_of_another_circuit_is_refused() -> None:
    with pytest.raises(ProtocolError, match="another circuit"):
        unframed(Content.KEYS, OTHER, framed(Content.KEYS, CIRCUIT, b"keys"))


def test_a_frame_of_another_kind_is_refused() -> None:
    with pytest.raises(ProtocolError, match="no keys"):
        unframed(Content.KEYS, CIRCUIT, framed(Content.VALUE, CIRCUIT, b"value"))
