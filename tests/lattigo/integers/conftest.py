"""Toy parameters of both schemes: small enough to be fast, and too small to protect anything."""

import pytest

from tacit.lattigo.integers import Context, Evaluator, Parameters, Scheme, parameters_for
from tests.lattigo.integers.scene import Scene, Vector

LOG_N = 11
DEPTH = 4
ROTATIONS = (1, 3)


@pytest.fixture(scope="session", params=list(Scheme), ids=lambda scheme: scheme.name.lower())
def parameters(request: pytest.FixtureRequest) -> Parameters:
    return parameters_for(DEPTH, log_n=LOG_N, scheme=request.param)


@pytest.fixture(scope="session")
def scene(parameters: Parameters) -> Scene:
    context = Context(parameters)
    secret, top = context.secret_key(), context.max_level
    keys = context.evaluation_keys(
        secret, relinearisation_level=top, rotations=dict.fromkeys(ROTATIONS, top)
    )
    return Scene(context, secret, Evaluator(context, keys))


@pytest.fixture
def x(scene: Scene) -> Vector:
    first: Vector = scene.sample(1)[0]
    return first


@pytest.fixture
def y(scene: Scene) -> Vector:
    second: Vector = scene.sample(1)[1]
    return second
