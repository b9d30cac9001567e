"""Scenes that many tests have, and notes of which challenges were destroyed."""

from __future__ import annotations

import pytest

from tacit.arithmetics.field.verifier import Challenges
from tests.arithmetics.field.scene import Scene, grouped, scene, secretly


@pytest.fixture(scope="session")
def plain() -> Scene:
    return scene(grouped())


@pytest.fixture(scope="session")
def hidden() -> Scene:
    return secretly(grouped())


@pytest.fixture
def destroyed(monkeypatch: pytest.MonkeyPatch) -> list[Challenges]:
    """All challenges that were destroyed."""
    found: list[Challenges] = []
    destroy = Challenges.destroy

    def note(challenges: Challenges) -> None:
        found.append(challenges)
        destroy(challenges)

    monkeypatch.setattr(Challenges, "destroy", note)
    return found
