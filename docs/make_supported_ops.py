"""Write docs/supported-ops.md from the tables of the code; `python docs/make_supported_ops.py`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tacit.read import onnx, torch
from tacit.read.shared import ADVICE, Row

PAGE = Path(__file__).with_name("supported-ops.md")

HEAD = """\
# Layers that can be read

<!-- Made by docs/make_supported_ops.py from the code; change the code, not this page. -->

`tacit.read` takes models made of these layers. The names are those of `torch.ops.aten` and of ONNX;
what a layer becomes are operations in `tacit.ir.ops`. Anything else is a `ReadError` that names the
layer, its path in the model and what would do instead. The layers of `tacit.tune` export themselves
as the op `tacit::approximation`, and keep the function that they stand for.

| layer | torch | ONNX | becomes |
|---|---|---|---|
"""

MIDDLE = """
## What would do instead

| layers with names like | advice |
|---|---|
"""


def page() -> str:
    """The page as the code has it."""
    from_torch, from_onnx = torch.supported(), onnx.supported()
    titles = dict.fromkeys(row.layer for row in (*from_torch, *from_onnx))
    lines = (
        f"| {title} | {_names(title, from_torch)} | {_names(title, from_onnx)} "
        f"| {_becomes(title, (*from_torch, *from_onnx))} |\n"
        for title in titles
    )
    advice = (f"| {_code(patterns)} | {hint} |\n" for patterns, hint in ADVICE)
    return "".join((HEAD, *lines, MIDDLE, *advice))


def _names(title: str, rows: Iterable[Row]) -> str:
    found = (name for row in rows if row.layer == title for name in row.names)
    # Names with a bar in front are what torch decomposes into, not what anybody writes.
    return _code(name for name in found if not name.startswith("_"))


def _becomes(title: str, rows: Iterable[Row]) -> str:
    found = dict.fromkeys(op for row in rows if row.layer == title for op in row.becomes)
    return _code(found) or "nothing"


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
