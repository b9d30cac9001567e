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


@pytest.mark.slow
def test_a_residual_network_is_checked_and_changed_answers_are_rejected(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runpy.run_path(str(EXAMPLES / "field" / "residual.py"), run_name="__main__")

    said = capsys.readouterr().out
    assert said.startswith("9")
    assert "of 100 that were changed in one entry, 100 were rejected" in said
