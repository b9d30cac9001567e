from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tacit.arithmetics.ckks import CKKS
from tacit.arithmetics.ckks.noise import AT_ONCE, added
from tacit.arithmetics.ckks.ops import Unpack
from tacit.ir.graph import Graph, Input
from tacit.ir.ops import ArgMax
from tacit.ir.rewrite import Builder
from tacit.program import lower
from tests.arithmetics.ckks import graphs


@pytest.mark.parametrize("make", [graphs.mlp, graphs.residual, graphs.gated])
def test_simulated_noise_is_as_large_as_the_engines(make: Callable[[], Graph]) -> None:
    # 512 inputs share a ciphertext, so that one answer shows hundreds of errors.
    program = lower(make(), CKKS(batch=512))
    x = 0.9 * graphs.inputs(program.graph, rows=512)

    simulated = np.std(program(x, noise=np.random.default_rng(1)) - program(x))
    real = np.std(program.engine()(x) - program(x))

    assert 1 / 3 < simulated / real < 3


def test_noise_of_a_polynomial_is_as_large_as_the_engines() -> None:
    program = lower(graphs.mlp("sigmoid"), CKKS(batch=512))
    x = 0.9 * graphs.inputs(program.graph, rows=512)

    simulated = np.std(program(x, noise=np.random.default_rng(1)) - program(x))
    real = np.std(program.engine()(x) - program(x))

    assert 1 / 3 < simulated / real < 3


@pytest.mark.parametrize(
    ("function", "error", "precision"),
    [
        ("tanh", 2**-9, 14),
        ("relu", 2**-12, 14),
        pytest.param("abs", 2**-11, 14, marks=pytest.mark.slow),
        ("sign", 2**-6, 14),
        # Its noise passes the margins between the stages: there it explodes.
        pytest.param("relu", 2**-13, 4, marks=pytest.mark.slow),
    ],
)
def test_every_step_of_an_evaluation_adds_the_engines_noise(
    function: str, error: float, precision: int
) -> None:
    arithmetic = CKKS(error=error, precision=precision, batch=512)
    program = lower(graphs.perceptron(function), arithmetic)
    x = graphs.inputs(program.graph, rows=512)

    simulated = np.std(program(x, noise=np.random.default_rng(1)) - program(x))
    real = np.std(program.engine()(x) - program(x))

    # Measured 0.89 to 1.10; steep places near zero, where few entries are, weigh most.
    assert 1 / 1.5 < simulated / real < 1.5


def test_an_entry_gets_the_same_noise_wherever_it_stands() -> None:
    program = lower(graphs.perceptron("relu"), CKKS(error=2**-7))
    x = np.repeat(graphs.inputs(program.graph, rows=1), 2 * AT_ONCE // 16, axis=0)

    off = program(x, noise=np.random.default_rng(1)) - program(x)

    first, second = np.split(off.std(axis=1), 2)
    assert np.std(off, axis=0).min() > 0.0
    assert first.mean() == pytest.approx(second.mean(), rel=0.1)


def test_what_the_client_does_in_the_clear_adds_nothing() -> None:
    program = lower(graphs.mlp(), CKKS())
    known = CKKS().plan(program)

    clear = [n for n in program.graph if isinstance(n.op, Input | Unpack)]

    assert [added(known, node) for node in clear] == [0.0, 0.0]


def test_a_class_that_the_client_picks_stays_a_whole_number() -> None:
    builder = Builder()
    scores = graphs.dense(builder, builder.input("x", (8,)), 4, 1)
    program = lower(graphs.seen(builder, builder.put("class", ArgMax(0), scores)), CKKS())

    found = program(graphs.inputs(program.graph), noise=np.random.default_rng(1))

    assert found.dtype == program(graphs.inputs(program.graph)).dtype


def test_two_bits_of_precision_are_a_quarter_of_the_noise() -> None:
    program = lower(graphs.mlp(), CKKS(precision=24))
    known, finer = (CKKS(precision=bits).plan(program) for bits in (24, 26))
    product = next(node for node in program.graph if type(node.op).__name__ == "Product")

    bits = np.log2(finer.scales[product.name] / known.scales[product.name])

    found = added(known, product) / added(finer, product)
    # The ring may have to grow with the scale, which takes some of it back.
    assert found == pytest.approx(2.0**bits, rel=1.0)
