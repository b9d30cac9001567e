"""Both parties: what travels is in the clear, and the answers are those of the simulation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tacit.arithmetics.binary import Binary
from tacit.arithmetics.binary.ops import Alphabet, Window
from tacit.errors import OutOfRange, ProtocolError, TypeMismatch
from tacit.program import Program, Stocked, lower
from tacit.serve import Client, Server, load_program, make_keys, pack
from tests.arithmetics.binary.cases import Case
from tests.arithmetics.binary.networks import Sketch

CASE = Case(Alphabet.BIPOLAR, 33, 40, (5, 5), (3, 3), Window((1, 1), ((1, 1), (1, 1)), (1, 1)))
GROUPED = Case(
    Alphabet.UNIPOLAR, 40, 6, (5, 5), (3, 3), Window((2, 2), ((0, 1), (1, 0)), (1, 1), 2, 1)
)


@pytest.fixture(scope="module")
def program() -> Program:
    sketch = Sketch(*CASE.shape).quantise("bipolar").conv(CASE).norm().quantise("heaviside")
    sketch.conv(GROUPED).pool().norm().quantise("two bits").flat().dense(5)
    return lower(sketch.graph(), Binary())


def inputs(rows: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(rows, *CASE.shape))


def test_the_engine_answers_what_is_simulated(program: Program) -> None:
    x = inputs(70)

    np.testing.assert_array_equal(program.engine()(x), program(x))


def test_a_bundle_answers_what_is_simulated(program: Program, tmp_path: Path) -> None:
    x = inputs(3)
    bundle, secret, keys = (tmp_path / name for name in ("bundle", "secret", "keys"))
    pack(program, bundle)
    make_keys(bundle, secret=secret, keys=keys)
    client, server = Client(bundle, secret=secret), Server(bundle, keys=keys)

    found = client.open(server.answer(client.seal(x)))

    np.testing.assert_array_equal(found, program(x))
    np.testing.assert_array_equal(load_program(bundle)(x), program(x))


def test_the_clients_half_holds_no_weights(program: Program) -> None:
    asking, answering = program.arithmetic.cut(program)

    assert len(asking.graph) == 1
    assert asking.facts == {"answer": [5]}
    assert len(answering.graph) == len(program.graph)


def test_nobody_is_protected_and_that_is_said(program: Program) -> None:
    promise = program.arithmetic.promise
    audit = program.arithmetic.audit(program.arithmetic.cut(program)[1])

    assert (promise.hides_input, promise.detects_cheating) == (False, False)
    assert "nobody" in str(audit["protects"])
    assert audit["security_bits"] == 0
    assert len(str(audit["products"]).split(",")) >= 4


def test_costs_count_products_of_bits_and_bytes_of_words(program: Program) -> None:
    cost = program.cost

    first = 40 * 25 * 33 * 9
    assert int(str(cost.facts["bit_products"])) > first
    assert int(str(cost.facts["packed_weight_bytes"])) >= 40 * 9 * 2 * 4
    assert cost.seconds > 0.0
    assert (cost.request_bytes, cost.answer_bytes) == (8 * 33 * 25, 8 * 5)


def test_noise_changes_nothing(program: Program) -> None:
    x = inputs(2)

    np.testing.assert_array_equal(program(x, noise=np.random.default_rng(0)), program(x))


@pytest.mark.parametrize(
    "message", [(), (b"",), (b"1234567",), (b"", b""), (np.full(825, np.nan).tobytes(),)]
)
def test_a_server_refuses_other_messages(program: Program, message: tuple[bytes, ...]) -> None:
    server = program.engine().server

    with pytest.raises(ProtocolError):
        server.answer(message)


def test_a_client_refuses_other_answers_and_inputs(program: Program) -> None:
    client = program.engine().client

    with pytest.raises(ProtocolError, match="1 rows, not 2"):
        client.open((np.zeros(5).tobytes(),), 2)
    with pytest.raises(TypeMismatch):
        client.open((np.zeros(5).tobytes(),), 1, flood=1.0)
    with pytest.raises(OutOfRange):
        client.seal(np.full((1, *CASE.shape), np.inf))


def test_there_is_no_secret_and_nothing_to_fill(program: Program) -> None:
    asking, _ = program.arithmetic.cut(program)

    assert program.arithmetic.new_client(asking).secret() == b""
    with pytest.raises(ProtocolError):
        program.arithmetic.load_client(asking, b"secret")
    assert not isinstance(program.arithmetic, Stocked)


def test_a_knob_that_means_nothing_is_refused() -> None:
    with pytest.raises(TypeMismatch):
        Binary(planes=0)
