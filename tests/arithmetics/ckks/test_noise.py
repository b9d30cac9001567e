from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tacit.arithmetics.ckks import CKKS
from tacit.arithmetics.ckks.noise import added
from tacit.arithmetics.ckks.ops import Unpack
from tacit.ir.graph import Graph, Input
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


def test_what_the_client_does_in_the_clear_adds_nothing() -> None:
    program = lower(graphs.mlp(), CKKS())
    known = CKKS().plan(program)

    clear = [n for n in program.graph if isinstance(n.op, Input | Unpack)]

    assert [added(known, node) for node in clear] == [0.0, 0.0]


def test_two_bits_of_precision_are_a_quarter_of_the_noise() -> None:
    program = lower(graphs.mlp(), CKKS(precision=24))
    known, finer = (CKKS(precision=bits).plan(program) for bits in (24, 26))
    product = next(node for node in program.graph if type(node.op).__name__ == "Product")

    bits = np.log2(finer.scales[product.name] / known.scales[product.name])

    found = added(known, product) / added(finer, product)
    # The ring may have to grow with the scale, which takes some of it back.
    assert found == pytest.approx(2.0**bits, rel=1.0)
