"""Client and server, with nothing between them but files."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tacit.errors import OutOfRange, ProtocolError, TacitError, TypeMismatch
from tacit.serve import Client, Party, Server, load_part, make_keys, make_masks, wire
from tacit.serve.keys import STAMP_BYTES, open_keys
from tests.serve.programs import Packed

# The engine adds noise below 2^-14, the default precision, to values near 1; scores reach 20.
TOLERANCE = 20 * 2**-14
# How many bytes of a secret in a row would be no accident: 128 bits never meet by chance.
WINDOW = 16
# An engine's frame begins with its kind and its parameters, which are no secret.
FRAME_HEAD = 48
FRAME_TAIL = 32
# The fixtures are read, never changed.
READ_ONLY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)


@pytest.fixture(scope="module")
def client(packed: Packed) -> Client:
    return Client(packed.bundle, secret=packed.secret)


@pytest.fixture(scope="module")
def server(packed: Packed) -> Server:
    return Server(packed.bundle, keys=packed.keys)


@pytest.fixture(scope="module")
def sealed(client: Client, packed: Packed) -> bytes:
    return client.seal(packed.inputs[:2])


@pytest.fixture(scope="module")
def answer(server: Server, sealed: bytes) -> bytes:
    return server.answer(sealed)


def windows(data: bytes) -> Iterator[bytes]:
    """The pieces of a secret; whoever holds one of them holds a part of it."""
    inside = data[FRAME_HEAD:-FRAME_TAIL]
    return (inside[start : start + WINDOW] for start in range(0, len(inside) - WINDOW, WINDOW))


def secret_of(packed: Packed) -> bytes:
    """The engine's bytes of a client's secret key."""
    return wire.decode(wire.Secret, packed.secret.read_bytes()).content


def test_encrypted_answers_are_the_simulated_ones(
    client: Client, answer: bytes, packed: Packed
) -> None:
    opened = client.open(answer)

    assert np.abs(opened - packed.program(packed.inputs[:2])).max() < TOLERANCE


def test_an_answer_belongs_to_its_request(
    client: Client, sealed: bytes, answer: bytes, packed: Packed
) -> None:
    client.open(answer, request=sealed)

    with pytest.raises(ProtocolError, match="to another request"):
        client.open(answer, request=client.seal(packed.inputs[:2]))


def test_a_flooded_result_carries_noise_of_the_size_asked_for(
    client: Client, answer: bytes
) -> None:
    exact = client.open(answer)

    noise = np.stack([client.open(answer, flood=0.5) - exact for _ in range(60)])

    # 360 normal numbers: their deviation is off by 1 / sqrt(720) = 4 %; six times that is allowed.
    assert abs(np.std(noise) / 0.5 - 1.0) < 0.23
    assert abs(np.mean(noise)) < 6 * 0.5 / np.sqrt(360)


def test_a_flood_of_zero_changes_nothing(client: Client, answer: bytes) -> None:
    assert np.array_equal(client.open(answer, flood=0.0), client.open(answer))


@pytest.mark.parametrize("flood", [-1.0, float("nan"), float("inf")])
def test_a_flood_that_is_no_deviation_is_refused(
    client: Client, answer: bytes, flood: float
) -> None:
    with pytest.raises(TypeMismatch, match="standard deviation"):
        client.open(answer, flood=flood)


def test_parts_and_keys_may_be_on_two_machines(packed: Packed) -> None:
    asking = Client(packed.bundle / "client", secret=packed.secret)
    answering = Server(packed.bundle / "server", keys=packed.keys)

    opened = asking.open(answering.answer(asking.seal(packed.inputs[:1])))

    assert np.abs(opened - packed.program(packed.inputs[:1])).max() < TOLERANCE


def test_the_same_input_is_never_sealed_alike(client: Client, packed: Packed) -> None:
    first, second = (wire.decode(wire.Sealed, client.seal(packed.inputs[:1])) for _ in range(2))

    assert first.request != second.request
    assert set(first.parts).isdisjoint(second.parts)


def test_an_input_out_of_range_is_refused(client: Client, packed: Packed) -> None:
    with pytest.raises(OutOfRange):
        client.seal(3.0 * packed.inputs[:1])


def test_an_input_out_of_range_may_be_clipped(
    client: Client, server: Server, packed: Packed
) -> None:
    seen = packed.source.inputs[0].type.range
    assert seen is not None
    wild = 3.0 * packed.inputs[:1]

    opened = client.open(server.answer(client.seal(wild, clip=True)))

    expected = packed.program(np.clip(wild, seen.low, seen.high))
    assert np.abs(opened - expected).max() < TOLERANCE


def test_an_input_of_another_shape_is_refused(client: Client) -> None:
    with pytest.raises(TypeMismatch):
        client.seal(np.zeros((1, 9)))


def test_the_secret_is_in_nothing_that_leaves_the_client(
    packed: Packed, sealed: bytes, answer: bytes
) -> None:
    server_part = b"".join(each.read_bytes() for each in (packed.bundle / "server").iterdir())
    seen_by_server = packed.keys.read_bytes() + sealed + answer + server_part
    pieces = list(windows(secret_of(packed)))

    assert len(pieces) > 100
    assert not any(piece in seen_by_server for piece in pieces)


def test_the_input_is_in_nothing_that_leaves_the_client(packed: Packed, sealed: bytes) -> None:
    assert not any(value.tobytes() in sealed for value in packed.inputs[:2].reshape(-1))


def test_the_secret_is_in_no_repr(client: Client, packed: Packed) -> None:
    frame = wire.decode(wire.Secret, packed.secret.read_bytes())

    shown = repr(client) + repr(frame) + repr(vars(client))

    assert not any(repr(piece)[2:-1] in shown for piece in windows(secret_of(packed)))


def test_the_secret_file_is_its_owners_only(packed: Packed) -> None:
    assert stat.S_IMODE(packed.secret.stat().st_mode) == 0o600


def test_keys_are_never_overwritten_unless_asked(packed: Packed, tmp_path: Path) -> None:
    secret, keys = tmp_path / "secret", tmp_path / "keys"
    make_keys(packed.bundle, secret=secret, keys=keys)
    before = secret.read_bytes()

    with pytest.raises(TacitError, match="there already"):
        make_keys(packed.bundle, secret=secret, keys=tmp_path / "others")
    kept = secret.read_bytes()
    make_keys(packed.bundle, secret=secret, keys=keys, overwrite=True)

    assert kept == before
    assert secret.read_bytes() != before
    assert not (tmp_path / "others").exists()


def test_masks_are_never_silently_left_unused(packed: Packed, tmp_path: Path) -> None:
    with pytest.raises(TypeMismatch, match="ckks masks nothing"):
        Client(packed.bundle, secret=packed.secret, masks=tmp_path / "masks")
    with pytest.raises(TypeMismatch, match="ckks masks nothing"):
        make_masks(packed.bundle, secret=packed.secret, masks=tmp_path / "masks", count=1)


def test_secret_and_public_keys_do_not_share_a_file(packed: Packed, tmp_path: Path) -> None:
    with pytest.raises(TacitError, match="one file"):
        make_keys(packed.bundle, secret=tmp_path / "k", keys=tmp_path / "k")


def test_a_secret_of_another_program_is_refused(packed: Packed, other: Packed) -> None:
    with pytest.raises(ProtocolError, match="belongs to program"):
        Client(packed.bundle, secret=other.secret)


def test_keys_of_another_program_are_refused(packed: Packed, other: Packed) -> None:
    with pytest.raises(ProtocolError, match="belongs to program"):
        Server(packed.bundle, keys=other.keys)


def test_a_message_of_another_program_is_refused(server: Server, other: Packed) -> None:
    message = Client(other.bundle, secret=other.secret).seal(other.inputs[:1])

    with pytest.raises(ProtocolError, match="belongs to program"):
        server.answer(message)


def test_a_message_under_another_key_is_refused(
    server: Server, answer: bytes, packed: Packed, tmp_path: Path
) -> None:
    make_keys(packed.bundle, secret=tmp_path / "secret", keys=tmp_path / "keys")
    stranger = Client(packed.bundle, secret=tmp_path / "secret")

    with pytest.raises(ProtocolError, match="belongs to key"):
        server.answer(stranger.seal(packed.inputs[:1]))
    with pytest.raises(ProtocolError, match="belongs to key"):
        stranger.open(answer)


@pytest.mark.parametrize("name", ["my.secret", "my.keys"])
def test_keys_are_no_message(packed: Packed, client: Client, server: Server, name: str) -> None:
    data = (packed.bundle.parent / name).read_bytes()

    with pytest.raises(ProtocolError):
        server.answer(data)
    with pytest.raises(ProtocolError):
        client.open(data)


def test_a_message_is_good_in_one_direction_only(
    client: Client, server: Server, sealed: bytes, answer: bytes
) -> None:
    with pytest.raises(ProtocolError, match="are of kind answer; sealed input is expected"):
        server.answer(answer)
    with pytest.raises(ProtocolError, match="are of kind sealed input; answer is expected"):
        client.open(sealed)


@READ_ONLY
@given(parts=st.lists(st.binary(max_size=200), min_size=1, max_size=3).map(tuple))
def test_hostile_parts_in_a_sound_frame_are_refused(
    server: Server, client: Client, sealed: bytes, answer: bytes, parts: tuple[bytes, ...]
) -> None:
    question = replace(wire.decode(wire.Sealed, sealed), parts=parts)
    reply = replace(wire.decode(wire.Answer, answer), parts=parts)

    with pytest.raises(ProtocolError):
        server.answer(wire.encode(question))
    with pytest.raises(ProtocolError):
        client.open(wire.encode(reply))


@READ_ONLY
@given(st.data())
def test_changed_ciphertexts_in_a_sound_frame_are_refused(
    server: Server, sealed: bytes, data: st.DataObject
) -> None:
    frame = wire.decode(wire.Sealed, sealed)
    part = bytearray(frame.parts[0])
    place = data.draw(st.integers(0, len(part) - 1))
    part[place] ^= data.draw(st.integers(1, 255))

    with pytest.raises(ProtocolError):
        server.answer(wire.encode(replace(frame, parts=(bytes(part), *frame.parts[1:]))))


@pytest.mark.parametrize("rows", [1, 3, wire.MOST_ROWS])
def test_an_answer_about_other_rows_is_refused(client: Client, answer: bytes, rows: int) -> None:
    frame = replace(wire.decode(wire.Answer, answer), rows=rows)

    with pytest.raises(ProtocolError):
        client.open(wire.encode(frame))


@READ_ONLY
@given(st.data())
def test_changed_keys_are_refused(packed: Packed, tmp_path: Path, data: st.DataObject) -> None:
    program = load_part(packed.bundle, Party.SERVER).program
    whole = bytearray(packed.keys.read_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    (tmp_path / "keys").write_bytes(whole)

    with pytest.raises(ProtocolError):
        open_keys(tmp_path / "keys", program)


@READ_ONLY
@given(st.data())
def test_truncated_keys_are_refused(packed: Packed, tmp_path: Path, data: st.DataObject) -> None:
    program = load_part(packed.bundle, Party.SERVER).program
    whole = packed.keys.read_bytes()
    (tmp_path / "keys").write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])

    with pytest.raises(ProtocolError):
        open_keys(tmp_path / "keys", program)


@READ_ONLY
@given(more=st.binary(min_size=1, max_size=300))
def test_keys_with_trailing_bytes_are_refused(packed: Packed, tmp_path: Path, more: bytes) -> None:
    program = load_part(packed.bundle, Party.SERVER).program
    (tmp_path / "keys").write_bytes(packed.keys.read_bytes() + more)

    with pytest.raises(ProtocolError):
        open_keys(tmp_path / "keys", program)


@pytest.mark.parametrize("content", [b"", b"not a set of keys"])
def test_a_sound_stamp_behind_no_keys_is_refused(
    packed: Packed, tmp_path: Path, content: bytes
) -> None:
    stamp = wire.decode(wire.Stamp, packed.keys.read_bytes()[-STAMP_BYTES:])
    fitting = replace(stamp, content=hashlib.sha256(content).digest())
    (tmp_path / "keys").write_bytes(content + wire.encode(fitting))

    with pytest.raises(ProtocolError):
        Server(packed.bundle, keys=tmp_path / "keys")


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_absent_keys_are_refused(packed: Packed, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").touch()

    with pytest.raises(ProtocolError, match="file of keys"):
        Server(packed.bundle, keys=tmp_path / name)


def test_progress_is_told(packed: Packed, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    make_keys(
        packed.bundle,
        secret=tmp_path / "secret",
        keys=tmp_path / "keys",
        progress=lambda done, total: told.append((done, total)),
    )

    done, total = told[-1]
    assert done == total > 0
