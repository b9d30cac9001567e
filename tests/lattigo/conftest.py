"""Toy parameters on both rings: small enough to be fast, and too small to protect anything."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from tacit.lattigo import (
    Ciphertext,
    Context,
    EvaluationKeys,
    Evaluator,
    Parameters,
    Ring,
    SecretKey,
    generate_primes,
)

LOG_N = 10
SCALE = 2.0**40
ROTATIONS = (1, 2, 3, 16, 32)


@pytest.fixture(scope="session", params=list(Ring), ids=lambda ring: ring.name.lower())
def parameters(request: pytest.FixtureRequest) -> Parameters:
    q, p = generate_primes(LOG_N, request.param, [55] + 5 * [40], [55, 55])
    return Parameters(log_n=LOG_N, q=q, p=p, ring=request.param, log_scale=40)


@pytest.fixture(scope="session")
def context(parameters: Parameters) -> Context:
    return Context(parameters)


@pytest.fixture(scope="session")
def secret(context: Context) -> SecretKey:
    return context.secret_key()


@pytest.fixture(scope="session")
def keys(context: Context, secret: SecretKey) -> EvaluationKeys:
    top = context.max_level
    rotations = dict.fromkeys(ROTATIONS, top) | {64: 2}
    return context.evaluation_keys(secret, relinearisation_level=top, rotations=rotations)


@pytest.fixture(scope="session")
def evaluator(context: Context, keys: EvaluationKeys) -> Evaluator:
    return Evaluator(context, keys)


@pytest.fixture(scope="session")
def seal(context: Context, secret: SecretKey) -> Callable[[NDArray[np.float64]], Ciphertext]:
    def sealed(values: NDArray[np.float64]) -> Ciphertext:
        plaintext = context.encode(values, level=context.max_level, scale=SCALE)
        return context.encrypt(plaintext, secret)

    return sealed


@pytest.fixture(scope="session")
def unseal(context: Context, secret: SecretKey) -> Callable[[Ciphertext], NDArray[np.float64]]:
    def unsealed(ciphertext: Ciphertext) -> NDArray[np.float64]:
        return context.decrypt(ciphertext, secret)

    return unsealed


@pytest.fixture
def x(context: Context) -> NDArray[np.float64]:
    return np.random.default_rng(1).uniform(-1, 1, context.slots)


@pytest.fixture
def y(context: Context) -> NDArray[np.float64]:
    return np.random.default_rng(2).uniform(-1, 1, context.slots)
