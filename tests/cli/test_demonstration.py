"""The demo of checking, with its workers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.command import tacit


def is_there(process: int) -> bool:
    """Whether a process of this number exists."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_demo_checks_hides_rejects_and_leaves_nobody_behind(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("matplotlib")
    words = ("demo", "--arithmetic", "field", "--count", 8, "--json")

    said = tacit(*words, "--picture", tmp_path / "demo.png")

    assert said.status == 0, said.err
    modes, tampered = said.record["modes"], said.record["tampered"]
    differences = [
        each["compared_with_simulation"]["largest_difference"] for each in modes.values()
    ]
    assert differences == [0.0, 0.0]
    # Eight digits of 450, of which 98 % are right in the clear: one may be wrong.
    assert min(each["accuracy"] for each in modes.values()) >= 7 / 8
    assert (modes["integrity"]["questions"], modes["private"]["questions"]) == (1, 3)
    assert [each["rejected"] for each in tampered] == [each["tried"] for each in tampered]
    assert said.record["verdict"].startswith("the worker's answer is false")
    assert not any(is_there(each["worker"]["process"]) for each in modes.values())
    assert (tmp_path / "demo.png").stat().st_size > 10_000
