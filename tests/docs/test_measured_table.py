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
    # A script finds its neighbours; what is loaded from elsewhere has to be told.
    monkeypatch.syspath_prepend(ROOT / "bench")
    # A dataclass looks its module up by name.
    monkeypatch.setitem(sys.modules, spec.name, made)
    spec.loader.exec_module(made)
    return made


@pytest.mark.skipif(not (ROOT / "bench" / "results").exists(), reason="nothing was measured here")
@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/methods.md",
        "docs/quantisation.md",
        "docs/tuning.md",
        "docs/verification.md",
    ],
)
def test_a_pages_tables_are_what_was_measured_last(table: ModuleType, page: str) -> None:
    written = (ROOT / page).read_text(encoding="utf-8")

    assert table.PLACE.search(written), "the page shows no table"

    assert written == table.page(written, ROOT / "bench" / "results"), "run python bench/table.py"


def test_a_table_that_nobody_makes_is_named(table: ModuleType, tmp_path: Path) -> None:
    text = "<!-- measured: magic, made by bench/table.py -->\n<!-- /measured -->"

    with pytest.raises(SystemExit, match="no table is called magic"):
        table.page(text, tmp_path)


def test_what_was_not_measured_has_no_row(table: ModuleType, tmp_path: Path) -> None:
    assert table.table(tmp_path) == "\n".join(table.HEAD)


def test_a_peer_that_failed_says_why(table: ModuleType) -> None:
    assert table.orion({"failed": "needs more than 20.0 GB"}) == "needs more than 20.0 GB"
    assert table.orion({"seconds": 4.244}) == "4.24"
    assert table.orion(None) == "–"
