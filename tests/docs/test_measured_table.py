import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("measured_table", ROOT / "bench" / "table.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    # A dataclass looks its module up by name.
    monkeypatch.setitem(sys.modules, spec.name, made)
    spec.loader.exec_module(made)
    return made


@pytest.mark.skipif(not (ROOT / "bench" / "results").exists(), reason="nothing was measured here")
def test_the_readmes_table_is_what_was_measured_last(table: ModuleType) -> None:
    written = (ROOT / "README.md").read_text(encoding="utf-8")

    assert written == table.page(written, ROOT / "bench" / "results"), "run python bench/table.py"


def test_what_was_not_measured_has_no_row(table: ModuleType, tmp_path: Path) -> None:
    assert table.table(tmp_path) == "\n".join(table.HEAD)


def test_a_peer_that_failed_says_why(table: ModuleType) -> None:
    assert table.orion({"failed": "needs more than 20.0 GB"}) == "needs more than 20.0 GB"
    assert table.orion({"seconds": 4.244}) == "4.24"
    assert table.orion(None) == "–"
