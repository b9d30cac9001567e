"""The client's input: its grid, and the two ways in which it is encrypted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from tacit.arithmetics.integers.accumulators import Reach, box, chains
from tacit.arithmetics.integers.forms import Bent, singles
from tacit.arithmetics.integers.ops import Encode
from tacit.arithmetics.integers.settings import Grouping, Kind, Settings
from tacit.errors import LoweringError
from tacit.grids import uniform
from tacit.ir.affine import Form, Matrix, identity
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Bounds, Graph, Node
from tacit.ir.ops import FakeQuantise

# More steps than these are more ciphertexts than a look-up is worth.
MOST_STEPS = 1 << 14


@dataclass(frozen=True, eq=False)
class Source:
    """The input and the grid that its entries are moved to; x is (q - offset) / slope."""

    node: Node
    grid: Encode

    @property
    def name(self) -> str:
        """The vector of reals that forms speak of."""
        return self.node.name

    @property
    def reach(self) -> Reach:
        """What the integers may be."""
        return box(self.grid.low.astype(np.float64), self.grid.high.astype(np.float64))

    @property
    def steps(self) -> Encode:
        """The same input as steps."""
        return replace(self.grid, steps=True)

    @property
    def step_reach(self) -> Reach:
        """What the steps may be."""
        return chains(self.steps.thresholds[0])

    @property
    def has_few_steps(self) -> bool:
        """Whether all steps may be encrypted."""
        return int((self.grid.high - self.grid.low).sum()) <= MOST_STEPS

    def whole(self, form: Form, encoded: str) -> Form:
        """The form with the reals expressed by the integers of the vector `encoded`."""
        if self.name not in form.terms:
            return form
        slope, offset = self.grid.slope, self.grid.offset
        here = Form({encoded: Matrix(sparse.diags_array(1.0 / slope))}, -offset / slope)
        return _substituted(form, self.name, here)

    def is_function_of_entries(self, form: Form) -> bool:
        """Whether every row depends on one entry of the input at most."""
        return singles(form, self.name) is not None

    def stepped(self, bent: Bent, steps: str) -> Form:
        """The bent form as a sum of steps: exact, whatever the functions are."""
        found = singles(bent.form, self.name)
        assert found is not None, "only functions of single entries are sums of steps"
        entry, factor = found
        word = self.steps
        counts = word.high - word.low
        first = np.cumsum(counts) - counts
        rows, columns, data = [], [], []
        constant = np.zeros(bent.form.size)
        for row, (number, weight) in enumerate(zip(entry, factor, strict=True)):
            q = np.arange(word.low[number], word.high[number] + 1, dtype=np.float64)
            x = (q - word.offset[number]) / word.slope[number]
            values = bent.values((weight * x + bent.form.shift[row])[None])[0]
            require_finite(f"{bent.layer.where}: {bent.name}", values)
            constant[row] = values[0]
            jumps = np.diff(values)
            at = np.flatnonzero(jumps)
            rows.append(np.full(at.size, row))
            columns.append(first[number] + at)
            data.append(jumps[at])
        places = (np.concatenate(rows), np.concatenate(columns))
        shape = (bent.form.size, word.size)
        matrix = sparse.coo_array((np.concatenate(data), places), shape=shape)
        return Form({steps: Matrix(matrix)}, constant)

    def on_grid(self, form: Form, grid: FakeQuantise) -> Source | None:
        """The source with the grid that the model itself moves the input to, if it does so.

        The form is what is moved: every entry once, scaled and shifted. Where all entries share the
        grid, any of them may be anywhere on it, and beyond it they saturate, as the model says.
        Where features have grids of their own, each stays within what it was calibrated to.
        """
        found = singles(form, self.name)
        if found is None:
            return None
        entry, factor = found
        size = self.grid.slope.size
        if form.size != size or np.unique(entry).size != size or np.any(factor <= 0.0):
            return None
        repeat = size // grid.scale.size
        scale, zero = np.repeat(grid.scale, repeat), np.repeat(grid.zero_point, repeat)
        slope, offset = np.empty(size), np.empty(size)
        slope[entry] = factor / scale
        offset[entry] = form.shift / scale + zero
        if grid.scale.size == 1:
            low, high = np.full(size, grid.low), np.full(size, grid.high)
            reals = np.full(size, np.inf)
            word = Encode(self.grid.of, slope, offset, low, high, -reals, reals)
            return Source(self.node, word)
        ends = [
            np.clip(np.rint(each * slope + offset), grid.low, grid.high).astype(np.int64)
            for each in (self.grid.least, self.grid.most)
        ]
        word = replace(self.grid, slope=slope, offset=offset, low=ends[0], high=ends[1])
        return Source(self.node, word)


def grids_of_input(graph: Graph) -> frozenset[str]:
    """The names of quantisers of one grid that all that reads the input goes through.

    Another reader would get to see the input on a grid that is not meant for it.
    """
    (source,) = graph.inputs
    by_name, users = graph.by_name, graph.users
    left, found = [source], {}
    while left:
        node = left.pop()
        match node.op:
            case FakeQuantise(scale=scale, zero_point=zero, low=low, high=high):
                found[node.name] = (node.args, scale.tobytes(), zero.tobytes(), low, high)
            case _ if node.name in graph.outputs:
                return frozenset()
            case _:
                left.extend(by_name[name] for name in users[node.name])
    return frozenset(found) if len(set(found.values())) == 1 else frozenset()


def source_of(node: Node, settings: Settings) -> Source:
    """The input with a grid of its calibrated range, for each feature or for all of it."""
    seen, bounds, size = node.type.range, node.type.bounds, node.type.size
    assert seen is not None, "lower() has checked that every node is calibrated"
    whole = Bounds(np.full(size, seen.low), np.full(size, seen.high))
    by_feature = settings.grouping is Grouping.FEATURE and len(node.type.shape) == 1
    given = bounds if by_feature and bounds is not None else whole
    bits = settings.bits_of(Kind.INPUTS, node)
    grids = [
        uniform(low, high, bits, power_of_two=settings.power_of_two)
        for low, high in zip(given.low.reshape(-1), given.high.reshape(-1), strict=True)
    ]
    scale = np.array([grid.scale for grid in grids])
    zero = np.array([grid.zero_point for grid in grids], dtype=np.float64)
    least, most = given.low.reshape(-1), given.high.reshape(-1)
    # Where the middle of an interval lies on a half, one end rounds to an integer too many.
    ends = [
        np.array([grid.integers(np.array(each)) for grid, each in zip(grids, end, strict=True)])
        for end in (least, most)
    ]
    low, high = (end.astype(np.int64) for end in ends)
    word = Encode(node.type.shape, 1.0 / scale, zero, low, high, least, most)
    return Source(node, word)


def as_vector(name: str, scale: float, zero_point: float, size: int) -> Form:
    """The reals that a vector of integers on one grid stands for."""
    form = identity(name, size).scaled(scale)
    shift: FloatArray = np.full(size, -zero_point * scale)
    return Form(form.terms, shift)


def _substituted(form: Form, name: str, by: Form) -> Form:
    """The form with a vector expressed by others."""
    rest = {other: matrix for other, matrix in form.terms.items() if other != name}
    return Form(rest, form.shift).plus(by.after(form.terms[name]))


def require_finite(name: str, values: FloatArray) -> None:
    """Raises LoweringError where a function has no value on what it may be given."""
    if not np.all(np.isfinite(values)):
        raise LoweringError(
            f"{name} is not finite on all that its accumulator may be",
            hint="clamp its argument in the model; ranges are proven, not sampled",
        )
