"""Words as they are added: sums with proven accumulators, and the tables that read them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tacit.arithmetics.integers.accumulators import Reach, bounds, box
from tacit.arithmetics.integers.forms import Bent
from tacit.arithmetics.integers.inputs import require_finite
from tacit.arithmetics.integers.ops import Lookup, Sums
from tacit.arithmetics.integers.settings import Kind, Search, Settings
from tacit.errors import WidthExceeded
from tacit.grids import (
    Grid,
    lattice,
    least_squares,
    symmetric,
    uniform,
)
from tacit.ir.affine import Form, IndexArray, Matrix
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Node, Shape

# Shifts go through a few products of doubles before they are compared.
FRACTION = 1e-9
NO_GROUP: IndexArray = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Whole:
    """An affine function as step · (Σ W v + bias + rest): `step` has one value, or one a row.

    `rest` is the fraction that the shifts of all rows have in common, if they do: what reads the
    integers can add it, so that nothing is rounded.
    """

    terms: Mapping[str, Matrix]
    bias: FloatArray
    step: FloatArray
    rest: float
    low: FloatArray
    high: FloatArray

    @property
    def bits(self) -> int:
        """The width of the accumulators."""
        return int(self.high.max() - self.low.min()).bit_length()


def whole(
    form: Form,
    reaches: Mapping[str, Reach],
    node: Node,
    settings: Settings,
    *,
    last: bool = False,
) -> Whole:
    """The form in integers; raises WidthExceeded where an accumulator may outgrow its bits.

    Those of a result, which is `last`, are others than those of what a look-up reads. Weights that
    are on a grid already stay as they are, as long as their sums are narrow enough.
    """
    limit = settings.result if last else settings.accumulator
    data = np.concatenate([each.data for each in form.terms.values()])
    exact = lattice(data)
    if exact is not None:
        # No table becomes larger by it: biases are to be no coarser than they are elsewhere.
        finer = last and not _is_whole(form.shift / exact)
        parts = math.ceil(exact / _steps(form, reaches, node, settings)[0]) if finer else 1
        kept = _rounded(form, reaches, np.array([exact / parts]))
        if kept.bits <= limit:
            return kept
    found = _rounded(form, reaches, _steps(form, reaches, node, settings))
    if found.bits > limit:
        bits = settings.bits_of(Kind.WEIGHTS, node)
        raise WidthExceeded(
            f"{node.where} needs accumulators of {found.bits} bits; {limit} are allowed",
            hint=f"lower the bits of its weights (now {bits}) or of what it reads, prune it, or "
            "train it with a bound (tacit.tune.quantise)",
        )
    return found


def _weighed(form: Form, reaches: Mapping[str, Reach]) -> Form:
    """The form with weights by how much their vectors vary, relative to the one that does most.

    An error in the weight of a vector of 64 integers does more harm than one in that of a step.
    """
    spans = {name: float((reaches[name].high - reaches[name].low).max()) for name in form.terms}
    most = max(spans.values()) or 1.0
    terms = {name: Matrix(each * (spans[name] / most)) for name, each in form.terms.items()}
    return Form(terms, form.shift)


def _steps(form: Form, reaches: Mapping[str, Reach], node: Node, settings: Settings) -> FloatArray:
    """The weights' step: one, or one a row that is alike within a channel."""
    form, powers = _weighed(form, reaches), settings.power_of_two
    bits = settings.bits_of(Kind.WEIGHTS, node)

    def step(values: FloatArray) -> float:
        if settings.search is Search.MSE:
            return least_squares(values, bits, power_of_two=powers).scale
        magnitude = float(np.abs(values).max(initial=0.0))
        return symmetric(magnitude, bits, power_of_two=powers).scale

    channels = node.type.shape[0] if node.type.shape else 1
    if not settings.per_channel or form.size % channels:
        return np.array([step(np.concatenate([each.data for each in form.terms.values()]))])
    rows = np.arange(form.size).reshape(channels, -1)
    parts = (
        np.concatenate([each[row].tocsr().data for each in form.terms.values()]) for row in rows
    )
    return np.repeat([step(part) for part in parts], rows.shape[1])


def _rounded(form: Form, reaches: Mapping[str, Reach], step: FloatArray) -> Whole:
    """The nearest integers, within what the step was chosen for, and what they add up to."""
    each = np.broadcast_to(step, (form.size,))
    terms = {name: _scaled(matrix, each) for name, matrix in form.terms.items()}
    bias, rest = _parted(form.shift / each)
    low, high = bias.copy(), bias.copy()
    for name, matrix in terms.items():
        least, most = bounds(matrix, reaches[name])
        low += least
        high += most
    return Whole(terms, bias, step, rest, low, high)


def _parted(shift: FloatArray) -> tuple[FloatArray, float]:
    """The shifts as integers and a fraction that they have in common, or the nearest integers."""
    rest = float(shift[0] - np.rint(shift[0]))
    return (np.rint(shift - rest), rest) if _is_whole(shift) else (np.rint(shift), 0.0)


def _is_whole(shift: FloatArray) -> bool:
    """Whether shifts are integers but for a fraction that they have in common."""
    above = shift - shift[0]
    return bool(np.all(np.abs(above - np.rint(above)) <= FRACTION * (1.0 + np.abs(shift))))


def _scaled(matrix: Matrix, step: FloatArray) -> Matrix:
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    result = Matrix(
        (np.rint(matrix.data / step[rows]), matrix.indices, matrix.indptr), matrix.shape
    )
    result.eliminate_zeros()
    return result


def sums(found: Whole, shape: Shape, *, last: bool = False) -> Sums:
    """The word of a form in integers; `shape` is the tensor's, if they are as many entries."""
    matrices = tuple(found.terms.values())
    low, high = int(found.low.min()), int(found.high.max())
    of = shape if math.prod(shape) == found.bias.size else (found.bias.size,)
    return Sums(matrices, found.bias, of, low, high, last)


@dataclass(frozen=True, eq=False)
class Tabled:
    """A look-up, the grid of what comes out, and what that may be."""

    word: Lookup
    scale: float
    zero_point: int
    reach: Reach


def tabled(
    bent: Bent, found: Whole, node: Node, settings: Settings, *, exact: bool = False
) -> Tabled:
    """The table of functions of an accumulator, with the requantisation of their values in it.

    If it is to be `exact`, the values' own grid is taken, however many integers that needs.
    """
    rounding = None if exact else settings.rounding
    dropped = 0 if rounding is None else max(0, found.bits - rounding)
    half = (1 << dropped) >> 1
    low = (int(found.low.min()) + half) >> dropped
    high = (int(found.high.max()) + half) >> dropped
    places = np.arange(low, high + 1, dtype=np.float64) * (1 << dropped) + found.rest
    steps, group = np.unique(found.step, return_inverse=True)
    values = bent.values(places[None, :] * steps[:, None])
    require_finite(f"{node.where}: {bent.name}", values)
    grid = (_own_grid(values) if exact else None) or _grid(bent, values, node, settings)
    tables = grid.integers(values).astype(np.int64)
    groups = group.astype(np.int64) if steps.size > 1 else NO_GROUP
    word = Lookup(tables, low, bent.name, groups, dropped)
    return Tabled(word, grid.scale, grid.zero_point, _reach(word, found, dropped))


def _reach(word: Lookup, found: Whole, dropped: int) -> Reach:
    """What every entry's table may give on what its own accumulator may be."""
    half = (1 << dropped) >> 1
    first = ((found.low.astype(np.int64) + half) >> dropped) - word.low
    final = ((found.high.astype(np.int64) + half) >> dropped) - word.low
    group = word.group if word.group.size else np.zeros(first.size, dtype=np.int64)
    keys, place = np.unique(np.stack([group, first, final]), axis=1, return_inverse=True)
    parts = [word.tables[g, a : b + 1] for g, a, b in keys.T]
    low = np.array([part.min() for part in parts], dtype=np.float64)
    high = np.array([part.max() for part in parts], dtype=np.float64)
    return box(low[place.reshape(-1)], high[place.reshape(-1)])


def _grid(bent: Bent, values: FloatArray, node: Node, settings: Settings) -> Grid:
    """The grid of the values: the model's own, that on which they lie anyway, or a new one."""
    given = bent.grid
    if given is not None:
        return Grid(
            float(given.scale.flat[0]), int(given.zero_point.flat[0]), given.low, given.high
        )
    bits = settings.bits_of(Kind.ACTIVATIONS, node)
    own = _own_grid(values)
    if own is not None and own.high - own.low < 1 << bits:
        return own
    seen = node.type.range
    assert seen is not None, "lower() has checked that every node is calibrated"
    low, high = max(seen.low, float(values.min())), min(seen.high, float(values.max()))
    return uniform(min(low, high), high, bits, power_of_two=settings.power_of_two)


def _own_grid(values: FloatArray) -> Grid | None:
    """The grid on which the values lie, whatever is done to them, if there is one."""
    least = float(values.min())
    step = lattice(np.concatenate([values.reshape(-1) - least, values.reshape(-1)]))
    if step is None:
        return None
    low, high = round(least / step), round(float(values.max()) / step)
    return Grid(step, 0, low, high)
