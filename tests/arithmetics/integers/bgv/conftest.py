"""Programs with their keys, made once for all tests of this room."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tacit.program import lower
from tests.arithmetics.integers import graphs
from tests.arithmetics.integers.bgv.scene import Scene, scene_of
from tests.arithmetics.integers.graphs import BGV, ENCRYPTED


@pytest.fixture(scope="session", params=ENCRYPTED)
def scene(request: pytest.FixtureRequest) -> Scene:
    """Every kind of program, with as many inputs in a ciphertext as fit."""
    return scene_of(lower(ENCRYPTED[request.param](), BGV))


@pytest.fixture(scope="session")
def alone() -> Scene:
    """A look-up between two layers, for one input at a time."""
    return scene_of(lower(graphs.perceptron(), replace(BGV, batch=1)))
