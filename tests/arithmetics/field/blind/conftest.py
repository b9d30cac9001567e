"""Tests of processes that die, not of machines that do: nothing waits for the disk."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def fast_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is asked and answers at once."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
