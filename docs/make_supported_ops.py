"""Write docs/supported-ops.md from the tables of the code; `python docs/make_supported_ops.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import numpy as np

from tacit.arithmetics.field import Field
from tacit.errors import LoweringError
from tacit.ir import ops
from tacit.ir.functions import Function
from tacit.ir.graph import Op, Place
from tacit.ir.rewrite import Builder
from tacit.passes import calibrate
from tacit.program import lower
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

The last column says who computes the layer under [Field](verification.md): the worker, whose answer
is checked, or the verifier itself. Depthwise convolutions are the verifier's unless
`depthwise=worker` is said, and so are matrix products of two values that depend on the input.

| layer | torch | ONNX | becomes | Field |
|---|---|---|---|---|
"""

# Every op that a layer can become, as it stands in a network.
NONE = ((0, 0), (0, 0))
CHANNELS, SIZE = 3, 4
PIXEL = np.ones((CHANNELS, CHANNELS, 1, 1))
ZEROS, ONES = np.zeros(CHANNELS), np.ones(CHANNELS)
RELU = Function("relu")
MAXIMUM, AVERAGE = ops.PoolKind.MAXIMUM, ops.PoolKind.AVERAGE
TRIED: Mapping[str, Op] = {
    type(each).__name__: each
    for each in (
        ops.Linear(np.ones((SIZE, SIZE)), np.zeros(SIZE)),
        ops.Conv(PIXEL, ZEROS, (1, 1), NONE, (1, 1), 1),
        ops.MatMul(),
        ops.Affine(ONES, ZEROS),
        ops.Pool(MAXIMUM, (2, 2), (2, 2), NONE, (1, 1)),
        ops.AdaptivePool(AVERAGE, (1, 1)),
        ops.Approximated(RELU, ((0.0, 1.0),), ((-1.0, 1.0),), step=1.0),
        ops.FakeQuantise(np.ones(1), np.zeros(1), 0, 255),
        ops.Add(),
        ops.Sub(),
        ops.Mul(),
        ops.Map(RELU),
        ops.Reduce(ops.ReduceKind.MEAN, (1, 2)),
        ops.Softmax(0),
        ops.ArgMax(0, keep=True),
        ops.Reshape((CHANNELS * SIZE * SIZE,)),
        ops.Permute((1, 2, 0)),
        ops.Concat(0),
        ops.Slice(0, 0, 2, 1),
        ops.Pad(((0, 0), (1, 1), (1, 1)), 0.0),
    )
}
OF_TWO = (ops.MatMul, ops.Add, ops.Sub, ops.Mul, ops.Concat)

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
        f"| {_becomes(title, (*from_torch, *from_onnx))} "
        f"| {_in_field(title, (*from_torch, *from_onnx))} |\n"
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


def _in_field(title: str, rows: Iterable[Row]) -> str:
    found = {op for row in rows if row.layer == title for op in row.becomes}
    parties = {_party(op) for op in found}
    return next(
        (each for each in ("no", "at the end", "worker", "verifier") if each in parties), "–"
    )


@cache
def _party(name: str) -> str:
    """Who computes an op in the middle of a network, or whether it has to be at the end."""
    for at_end in (False, True):
        try:
            places = _lowered(TRIED[name], at_end=at_end)
        except LoweringError:
            continue
        if at_end:
            return "at the end"
        # The layer behind the op is a worker's in any case.
        return "worker" if places.count(Place.SERVER) > 1 else "verifier"
    return "no"


def _lowered(op: Op, *, at_end: bool) -> list[Place]:
    """The places of all words of a network with this op in it."""
    builder = Builder()
    x = builder.input("x", (CHANNELS, SIZE, SIZE))
    last = builder.put("op", op, *((x, x) if isinstance(op, OF_TWO) else (x,)))
    if not at_end:
        width = builder.type(last).shape[-1]
        last = builder.put("behind", ops.Linear(np.ones((2, width)), np.zeros(2)), last)
    rows = np.linspace(0.0, 1.0, 4 * CHANNELS * SIZE * SIZE).reshape(4, CHANNELS, SIZE, SIZE)
    graph = calibrate(builder.graph(last), rows)
    return [node.place for node in lower(graph, Field()).graph]


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
