from __future__ import annotations

import runpy
from pathlib import Path

import pytest

pytest.importorskip("torch")

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_a_torch_network_answers_for_patients_that_it_cannot_see(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runpy.run_path(str(EXAMPLES / "breast_cancer.py"), run_name="__main__")

    said = capsys.readouterr().out
    assert "of 8 encrypted answers are right" in said
    assert said.startswith(("7", "8"))
