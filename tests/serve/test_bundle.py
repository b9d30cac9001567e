"""A bundle's parts hold what their party may see, and are read whole or refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tacit.arithmetics.ckks import CKKS
from tacit.arithmetics.ckks.ops import LinearMap
from tacit.errors import ProtocolError, TacitError
from tacit.ir.functions import FloatArray
from tacit.ir.text import parameter_count
from tacit.program import lower
from tacit.serve import Party, load_original, load_part, load_program, pack, parts_of
from tacit.serve.bundle import ARRAYS, DESCRIPTION
from tacit.serve.codec import canonical
from tests.serve.programs import Packed

PARTIES = st.sampled_from([Party.CLIENT, Party.SERVER])
FILES = st.sampled_from([DESCRIPTION, ARRAYS])
# The fixture is read, never changed: each example damages a copy of its own.
READ_ONLY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def weights(packed: Packed) -> list[FloatArray]:
    """The numbers in the matrices of a program's words."""
    return [
        matrix.data
        for node in packed.program.graph
        if isinstance(node.op, LinearMap)
        for matrix in node.op.matrices
    ]


def damaged(packed: Packed, folder: Path, file: str, data: bytes) -> Path:
    """A copy of a bundle with one file's bytes replaced."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(packed.bundle, folder)
    (folder / file).write_bytes(data)
    return folder


def test_the_owners_program_computes_the_same(packed: Packed) -> None:
    program = load_program(packed.bundle)

    assert program.arithmetic == packed.program.arithmetic
    assert np.array_equal(program(packed.inputs), packed.program(packed.inputs))


def test_the_owners_network_computes_the_same(packed: Packed) -> None:
    source = load_original(packed.bundle).source

    assert source is not None
    assert np.array_equal(source(packed.inputs), packed.source(packed.inputs))


def test_a_bundle_may_be_packed_without_its_network(packed: Packed, tmp_path: Path) -> None:
    pack(packed.program, tmp_path / "bundle")

    assert load_original(tmp_path / "bundle").source is None


def test_both_parts_belong_to_one_program(packed: Packed) -> None:
    client, server = (load_part(packed.bundle, each) for each in (Party.CLIENT, Party.SERVER))

    assert client.program == server.program


def test_the_same_program_has_the_same_hash(packed: Packed, tmp_path: Path) -> None:
    pack(packed.program, tmp_path / "again")

    first, second = (load_part(each, Party.CLIENT) for each in (packed.bundle, tmp_path / "again"))

    assert first.program == second.program


def test_other_weights_have_another_hash(packed: Packed, other: Packed) -> None:
    first, second = (load_part(each.bundle, Party.CLIENT) for each in (packed, other))

    assert first.program != second.program


def test_other_knobs_have_another_hash(packed: Packed, tmp_path: Path) -> None:
    pack(lower(packed.source, CKKS(margin=0.2)), tmp_path / "other")

    first, second = (load_part(each, Party.SERVER) for each in (packed.bundle, tmp_path / "other"))

    assert first.program != second.program


def test_the_clients_part_holds_no_weights(packed: Packed) -> None:
    client = load_part(packed.bundle, Party.CLIENT)
    files = b"".join(each.read_bytes() for each in (packed.bundle / "client").iterdir())
    numbers = np.concatenate(weights(packed))

    assert parameter_count(client.half.graph) == 0
    assert not any(value.tobytes() in files for value in numbers)
    assert not any(repr(float(value)).encode() in files for value in numbers)


def test_the_servers_part_holds_the_weights(packed: Packed) -> None:
    files = b"".join(each.read_bytes() for each in (packed.bundle / "server").iterdir())

    assert all(each.tobytes() in files for each in weights(packed))


def test_a_part_is_read_from_its_own_folder(packed: Packed, tmp_path: Path) -> None:
    shutil.copytree(packed.bundle / "client", tmp_path / "mine")

    assert load_part(tmp_path / "mine", Party.CLIENT).program
    assert list(parts_of(tmp_path / "mine")) == [Party.CLIENT]


def test_a_part_is_for_its_party_only(packed: Packed) -> None:
    with pytest.raises(ProtocolError, match="is the client's part, not the server's"):
        load_part(packed.bundle / "client", Party.SERVER)


def test_only_the_owner_has_the_program(packed: Packed, tmp_path: Path) -> None:
    shutil.copytree(packed.bundle / "server", tmp_path / "server")

    with pytest.raises(ProtocolError, match="not the owner's"):
        load_program(tmp_path / "server")


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="there is no client's part"):
        load_part(tmp_path, Party.CLIENT)


def test_a_bundle_is_not_overwritten_unless_asked(packed: Packed, tmp_path: Path) -> None:
    pack(packed.program, tmp_path / "bundle")

    with pytest.raises(TacitError, match="there already"):
        pack(packed.program, tmp_path / "bundle")
    pack(packed.program, tmp_path / "bundle", overwrite=True)

    assert [each.name for each in tmp_path.iterdir()] == ["bundle"]


@pytest.mark.parametrize("number", [0, 2, "1", None])
def test_another_version_is_refused(packed: Packed, tmp_path: Path, number: object) -> None:
    tree = json.loads((packed.bundle / "client" / DESCRIPTION).read_bytes())
    data = canonical(tree | {"version": number}) + b"\n"

    with pytest.raises(ProtocolError, match="is understood"):
        load_part(damaged(packed, tmp_path / "b", f"client/{DESCRIPTION}", data), Party.CLIENT)


@READ_ONLY
@given(PARTIES, FILES, st.data())
def test_a_changed_byte_is_refused(
    packed: Packed, tmp_path: Path, party: Party, file: str, data: st.DataObject
) -> None:
    whole = bytearray((packed.bundle / party.value / file).read_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    folder = damaged(packed, tmp_path / "b", f"{party.value}/{file}", bytes(whole))

    with pytest.raises(ProtocolError):
        load_part(folder, party)


@READ_ONLY
@given(PARTIES, FILES, st.data())
def test_a_truncated_file_is_refused(
    packed: Packed, tmp_path: Path, party: Party, file: str, data: st.DataObject
) -> None:
    whole = (packed.bundle / party.value / file).read_bytes()
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    folder = damaged(packed, tmp_path / "b", f"{party.value}/{file}", cut)

    with pytest.raises(ProtocolError):
        load_part(folder, party)


@READ_ONLY
@given(PARTIES, FILES, st.binary(min_size=1, max_size=64))
def test_trailing_bytes_are_refused(
    packed: Packed, tmp_path: Path, party: Party, file: str, more: bytes
) -> None:
    whole = (packed.bundle / party.value / file).read_bytes()
    folder = damaged(packed, tmp_path / "b", f"{party.value}/{file}", whole + more)

    with pytest.raises(ProtocolError):
        load_part(folder, party)


@READ_ONLY
@given(PARTIES, FILES, st.binary(max_size=256))
def test_random_files_are_refused(
    packed: Packed, tmp_path: Path, party: Party, file: str, data: bytes
) -> None:
    folder = damaged(packed, tmp_path / "b", f"{party.value}/{file}", data)

    with pytest.raises(ProtocolError):
        load_part(folder, party)
