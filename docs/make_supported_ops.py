"""Write docs/supported-ops.md from the tables of the code; `python docs/make_supported_ops.py`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tacit.read import onnx, sklearn, torch
from tacit.read.shared import ADVICE, Row
from tacit.read.sklearn import ADVICE as SKLEARN_ADVICE

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

INSTEAD = """
## What would do instead

| layers with names like | advice |
|---|---|
"""

ESTIMATORS = """
## Estimators of scikit-learn and XGBoost

A fitted estimator is read without an example. What comes out is the prediction of a regression, of
shape (targets,); of a classifier the class shares where the row says so, of shape (classes,), and
otherwise the decision function, which is one number where there are two classes. The client makes
classes and probabilities of it. An input that holds NaN is refused, and so are sparse matrices.

| estimator | classes | becomes |
|---|---|---|
"""

ESTIMATORS_INSTEAD = """
## What would do instead of other estimators

| estimators with names like | advice |
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
    estimators = (
        f"| {row.layer} | {_code(row.names)} | {_code(row.becomes) or 'its steps'} |\n"
        for row in sklearn.supported()
    )
    return "".join(
        (
            *(HEAD, *lines, INSTEAD, *_advice(ADVICE)),
            *(ESTIMATORS, *estimators, ESTIMATORS_INSTEAD, *_advice(SKLEARN_ADVICE)),
        )
    )


def _advice(table: Iterable[tuple[tuple[str, ...], str]]) -> Iterable[str]:
    return (f"| {_code(patterns)} | {hint} |\n" for patterns, hint in table)


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
