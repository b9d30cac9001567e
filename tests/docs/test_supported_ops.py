import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_supported_layers_is_what_the_code_says() -> None:
    spec = importlib.util.spec_from_file_location("make", DOCS / "make_supported_ops.py")
    assert spec is not None
    assert spec.loader is not None
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)

    written = (DOCS / "supported-ops.md").read_text(encoding="utf-8")

    assert written == make.page(), "run python docs/make_supported_ops.py"
