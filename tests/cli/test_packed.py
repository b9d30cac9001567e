"""The demo of bits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import tacit

pytest.importorskip("onnx")
pytest.importorskip("matplotlib")
ROWS = 20


def test_the_demo_answers_as_the_network_and_says_that_nobody_is_protected(tmp_path: Path) -> None:
    picture = tmp_path / "demo.png"

    said = tacit("demo", "--arithmetic", "binary", "--count", ROWS, "--picture", picture, "--json")

    assert said.status == 0, said.err
    record = said.record
    assert record["packed"] == record["clear"]
    assert record["compared_with_simulation"]["largest_difference"] == 0.0
    assert record["accuracy"] >= 0.95
    assert record["share_of_bits"] > 0.9
    assert record["float_bytes"] > 20 * record["packed_weight_bytes"]
    assert record["protects"] == "nobody"
    assert picture.stat().st_size > 10_000


def test_the_demo_tells_people_that_nobody_is_protected(tmp_path: Path) -> None:
    words = ("demo", "--arithmetic", "binary", "--count", 4, "--picture", tmp_path / "demo.png")

    said = tacit(*words)

    assert said.status == 0, said.err
    assert "nobody is protected" in said.out.splitlines()[0]
