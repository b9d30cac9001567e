import math
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.nn import functional

from tacit.errors import TypeMismatch
from tacit.ir import ops
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Input, Op, Shape

# Sums of at most a few hundred products of doubles, in another order than torch's.
TOLERANCE = 1e-12


def drawn(*shape: int) -> FloatArray:
    return np.random.default_rng(7).normal(size=shape)


def close(ours: FloatArray, theirs: torch.Tensor) -> bool:
    return ours.shape == tuple(theirs.shape) and bool(
        np.all(np.abs(ours - theirs.numpy()) <= TOLERANCE)
    )


@dataclass(frozen=True)
class Geometry:
    """What a sliding window is made of."""

    size: Shape
    kernel: Shape
    stride: Shape
    padding: Shape
    dilation: Shape

    @property
    def pads(self) -> ops.Pads:
        return tuple((each, each) for each in self.padding)

    @property
    def fits(self) -> bool:
        return all(
            n + 2 * p >= d * (k - 1) + 1
            for n, p, d, k in zip(self.size, self.padding, self.dilation, self.kernel, strict=True)
        )


@st.composite
def geometries(draw: st.DrawFn, *, dilated: bool = True) -> Geometry:
    rank = draw(st.integers(1, 2))

    def each(low: int, high: int) -> Shape:
        return tuple(draw(st.integers(low, high)) for _ in range(rank))

    kernel = each(1, 4)
    # torch allows a pooling no more padding than half its kernel.
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    dilation = each(1, 3) if dilated else (1,) * rank
    found = Geometry(each(1, 9), kernel, each(1, 3), padding, dilation)
    assume(found.fits)
    return found


@given(geometries(), st.sampled_from([1, 2, 3]))
def test_a_convolution_is_torchs(geometry: Geometry, groups: int) -> None:
    x = drawn(2, 2 * groups, *geometry.size)
    weight, bias = drawn(3 * groups, 2, *geometry.kernel), drawn(3 * groups)
    op = ops.Conv(weight, bias, geometry.stride, geometry.pads, geometry.dilation, groups)
    definition = functional.conv1d if len(geometry.size) == 1 else functional.conv2d

    ours = op.run(x)

    theirs = definition(
        torch.from_numpy(x),
        torch.from_numpy(weight),
        torch.from_numpy(bias),
        geometry.stride,
        geometry.padding,
        geometry.dilation,
        groups,
    )
    assert close(ours, theirs)
    assert op.shape(x.shape[1:]) == ours.shape[1:]


@given(geometry=geometries(), ceil=st.booleans())
def test_a_max_pooling_is_torchs(geometry: Geometry, *, ceil: bool) -> None:
    x = drawn(2, 3, *geometry.size)
    op = ops.Pool(
        ops.PoolKind.MAXIMUM,
        geometry.kernel,
        geometry.stride,
        geometry.pads,
        geometry.dilation,
        ceil=ceil,
    )
    definition = functional.max_pool1d if len(geometry.size) == 1 else functional.max_pool2d

    ours = op.run(x)

    theirs = definition(
        torch.from_numpy(x),
        geometry.kernel,
        geometry.stride,
        geometry.padding,
        geometry.dilation,
        ceil_mode=ceil,
    )
    # Nothing is computed, so nothing may differ: not even where a window sees padding alone.
    assert np.array_equal(ours, theirs.numpy())
    assert op.shape(x.shape[1:]) == ours.shape[1:]


@given(geometry=geometries(dilated=False), ceil=st.booleans(), counted=st.booleans())
def test_an_average_pooling_is_torchs(geometry: Geometry, *, ceil: bool, counted: bool) -> None:
    x = drawn(2, 3, *geometry.size)
    op = ops.Pool(
        ops.PoolKind.AVERAGE,
        geometry.kernel,
        geometry.stride,
        geometry.pads,
        geometry.dilation,
        ceil,
        counted,
    )
    definition = functional.avg_pool1d if len(geometry.size) == 1 else functional.avg_pool2d

    ours = op.run(x)

    rest = (geometry.kernel, geometry.stride, geometry.padding, ceil, counted)
    assert close(ours, definition(torch.from_numpy(x), *rest))
    assert op.shape(x.shape[1:]) == ours.shape[1:]


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
def test_adaptive_poolings_are_torchs(height: int, width: int, rows: int, columns: int) -> None:
    x = drawn(2, 3, height, width)
    average = ops.AdaptivePool(ops.PoolKind.AVERAGE, (rows, columns))
    maximum = ops.AdaptivePool(ops.PoolKind.MAXIMUM, (rows, columns))
    tensor = torch.from_numpy(x)

    assert close(average.run(x), functional.adaptive_avg_pool2d(tensor, (rows, columns)))
    assert close(maximum.run(x), functional.adaptive_max_pool2d(tensor, (rows, columns)))
    assert average.shape((3, height, width)) == (3, rows, columns)


@given(st.integers(1, 20), st.integers(1, 20))
def test_adaptive_windows_cover_everything_in_order(size: int, count: int) -> None:
    found = ops.adaptive_windows(size, count)

    assert len(found) == count
    assert found[0][0] == 0
    assert found[-1][1] == size
    assert all(low < high for low, high in found)
    assert all(before[1] >= after[0] for before, after in pairwise(found))


STAGES = ((0.0, 1.5, 0.0, -0.5), (0.0, 0.75))
OPS: list[tuple[Op, tuple[Shape, ...]]] = [
    (ops.Constant(drawn(2, 3)), ()),
    (ops.Constant(np.array(2.0)), ()),
    (ops.Linear(drawn(4, 3), drawn(4)), ((3,),)),
    (ops.Linear(drawn(4, 3), drawn(4)), ((2, 5, 3),)),
    (ops.Affine(drawn(3), drawn(3)), ((3,),)),
    (ops.Affine(drawn(3), drawn(3)), ((3, 2, 2),)),
    (ops.FakeQuantise(np.array([0.5]), np.zeros(1), -8, 7), ((2, 3),)),
    (ops.FakeQuantise(np.array([0.5, 0.1]), np.array([1.0, 0.0]), 0, 7), ((2, 3, 2),)),
    (ops.Add(), ((3, 4), (4,))),
    (ops.Sub(), ((3, 1), (1, 4))),
    (ops.Mul(), ((), (2, 3))),
    (ops.MatMul(), ((2, 3), (3, 4))),
    (ops.MatMul(), ((5, 2, 3), (3, 4))),
    (ops.Map(Function("tanh")), ((2, 3),)),
    (ops.Map(Function("relu")), ((),)),
    (ops.Approximated(Function("relu"), STAGES, ((-4.0, 4.0), (-2.0, 2.0)), bend=1.0), ((2, 3),)),
    (ops.Approximated(Function("silu"), ((1.0, 2.0),), ((-1.0, 3.0),), step=1.0), ((),)),
    (ops.Reduce(ops.ReduceKind.SUM, (0, 1)), ((2, 3),)),
    (ops.Reduce(ops.ReduceKind.MEAN, (1,), keep=True), ((2, 3),)),
    (ops.Reshape((6,)), ((2, 3),)),
    (ops.Reshape(()), ((1, 1),)),
    (ops.Permute((2, 0, 1)), ((2, 3, 4),)),
    (ops.Concat(1), ((2, 3), (2, 1), (2, 2))),
    (ops.Slice(0, 1, 4, 2), ((5, 2),)),
    (ops.Slice(1, -2, 99), ((5, 3),)),
    (ops.Pad(((0, 1), (2, 0)), 0.5), ((2, 3),)),
    (ops.Softmax(0), ((5,),)),
    (ops.Softmax(1, logarithm=True), ((2, 3),)),
    (ops.ArgMax(0), ((5,),)),
    (ops.ArgMax(1, keep=True), ((2, 3),)),
]

every_op = pytest.mark.parametrize(("op", "shapes"), OPS, ids=lambda value: str(value)[:12])


@every_op
@pytest.mark.parametrize("batch", [1, 3])
def test_the_shape_foretold_is_the_shape_that_comes(
    op: Op, shapes: tuple[Shape, ...], batch: int
) -> None:
    values = [drawn(batch, *shape) for shape in shapes]

    found = op.run(*values)

    assert found.shape[1:] == op.shape(*shapes)
    assert found.shape[0] == (batch if shapes else 1)
    assert found.dtype == np.float64


@every_op
def test_rows_of_a_batch_do_not_know_each_other(op: Op, shapes: tuple[Shape, ...]) -> None:
    values = [drawn(4, *shape) for shape in shapes]

    together = op.run(*values)
    alone = np.concatenate([op.run(*(value[i : i + 1] for value in values)) for i in range(4)])

    # BLAS may add in another order for another number of rows.
    assert np.all(np.abs(together - alone) <= TOLERANCE)


@every_op
def test_an_op_leaves_its_arguments_alone(op: Op, shapes: tuple[Shape, ...]) -> None:
    values = [drawn(2, *shape) for shape in shapes]
    before = [value.copy() for value in values]

    op.run(*values)

    assert all(np.array_equal(*pair) for pair in zip(before, values, strict=True))


def test_what_a_model_approximates_by_is_its_polynomials() -> None:
    intervals = ((-4.0, 4.0), (-2.0, 2.0))
    op = ops.Approximated(Function("relu"), STAGES, intervals, 0.25, 0.0, 0.5, 0.5)
    x = drawn(100)
    t = x / 4.0

    # 1.5 t - 0.5 (4 t³ - 3 t), and a line on twice as wide an interval.
    inner = 3.0 * t - 2.0 * t**3
    expected = 0.25 + 0.5 * x + 0.5 * x * 0.75 * inner / 2.0
    assert np.abs(op.run(x) - expected).max() <= TOLERANCE


def test_one_polynomial_lies_on_any_interval() -> None:
    op = ops.Approximated(Function("silu"), ((1.0, 2.0),), ((-1.0, 3.0),), step=1.0)

    assert op.run(np.array([-1.0, 1.0, 3.0])).tolist() == [-1.0, 1.0, 3.0]


@pytest.mark.parametrize(
    ("stages", "intervals", "bend", "words"),
    [
        ((), (), 1.0, "0 stages"),
        (STAGES, ((-1.0, 1.0),), 1.0, "2 stages on 1 intervals"),
        (((),), ((-1.0, 1.0),), 1.0, "no coefficient"),
        (((math.nan,),), ((-1.0, 1.0),), 1.0, "not finite"),
        (STAGES, ((-1.0, 1.0), (-1.0, math.inf)), 1.0, "not finite"),
        (STAGES, ((-1.0, 1.0), (-1.0, 1.0)), math.inf, "not finite"),
        (STAGES, ((1.0, 1.0), (-1.0, 1.0)), 1.0, "stage 1 cannot be on"),
        (STAGES, ((-1.0, 1.0), (-1.0, 2.0)), 1.0, "stage 2 cannot be on"),
    ],
)
def test_what_are_no_polynomials_after_one_another_is_refused(
    stages: tuple[tuple[float, ...], ...],
    intervals: tuple[tuple[float, float], ...],
    bend: float,
    words: str,
) -> None:
    with pytest.raises(TypeMismatch, match=words):
        ops.Approximated(Function("relu"), stages, intervals, bend=bend)


def test_every_source_operation_is_tried_here() -> None:
    elsewhere = {Input, ops.Conv, ops.Pool, ops.AdaptivePool}

    assert {type(op) for op, _ in OPS} | elsewhere == set(ops.SOURCE_OPS)


def test_values_of_fewer_axes_meet_at_the_last_one() -> None:
    matrix, row = drawn(5, 3, 4), drawn(5, 4)

    assert np.array_equal(ops.Add().run(matrix, row), matrix + row[:, None, :])


def test_a_constant_joins_a_batch_of_any_size() -> None:
    constant = ops.Constant(np.ones((1, 2))).run()

    assert ops.Concat(0).run(drawn(7, 3, 2), constant).shape == (7, 4, 2)
    assert ops.Mul().run(drawn(7, 3, 2), constant).shape == (7, 3, 2)


@given(st.floats(-700.0, 700.0), st.floats(-700.0, 700.0))
def test_a_softmax_of_large_entries_is_still_one(first: float, second: float) -> None:
    x = np.array([[first, second]])

    found = ops.Softmax(0).run(x)

    assert abs(found.sum() - 1.0) <= TOLERANCE
    assert np.all(np.isfinite(ops.Softmax(0, logarithm=True).run(x)))


@pytest.mark.parametrize(
    ("op", "shapes", "words"),
    [
        (ops.Linear(drawn(4, 3), drawn(4)), ((4,),), "linear layer of 3 inputs"),
        (ops.Linear(drawn(4, 3), drawn(4)), ((),), "linear layer of 3 inputs"),
        (
            ops.Conv(drawn(2, 3, 3), drawn(2), (1,), ((0, 0),), (1,)),
            ((2, 9),),
            "convolution of 3 channels",
        ),
        (
            ops.Conv(drawn(2, 3, 3), drawn(2), (1,), ((0, 0),), (1,)),
            ((3, 2),),
            "window of 3 does not fit",
        ),
        (
            ops.Conv(drawn(3, 1, 3), drawn(3), (1,), ((0, 0),), (1,), 2),
            ((2, 9),),
            "3 outputs in 2 groups",
        ),
        (ops.Affine(drawn(3), drawn(3)), ((4, 2),), "batch norm of 3 channels"),
        (ops.AdaptivePool(ops.PoolKind.MAXIMUM, (2, 2)), ((3, 4),), "pooling to"),
        (ops.Add(), ((2,), (3,)), "do not go together"),
        (ops.MatMul(), ((2, 3), (4, 2)), "do not go together"),
        (ops.MatMul(), ((3,), (3, 2)), "do not go together"),
        (ops.Reduce(ops.ReduceKind.SUM, (2,)), ((2, 3),), "no axes"),
        (ops.Reshape((5,)), ((2, 3),), "cannot be shaped"),
        (ops.Permute((0, 0)), ((2, 3),), "no order"),
        (ops.Concat(0), ((2, 3), (2, 4)), "do not line up"),
        (ops.Slice(2, 0, 1), ((2, 3),), "no axis 2"),
        (ops.Slice(0, 2, 2), ((5,),), "empty"),
        (ops.Slice(0, 0, 2, -1), ((5,),), "step -1"),
        (ops.Pad(((1, 1),)), ((2, 3),), "do not fit"),
        (ops.Pad(((-1, 1),)), ((2,),), "do not fit"),
        (ops.Softmax(1), ((2,),), "no axis 1"),
        (ops.ArgMax(1), ((2,),), "no axis 1"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(op: Op, shapes: tuple[Shape, ...], words: str) -> None:
    with pytest.raises(TypeMismatch, match=words):
        op.shape(*shapes)


def test_an_input_that_was_not_given_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="not given"):
        Input((2,)).run()


@given(st.floats(0.01, 4.0), st.integers(-20, 20), st.integers(-20, 0), st.integers(1, 20))
def test_a_grid_is_torchs(scale: float, zero_point: int, low: int, high: int) -> None:
    x = 8.0 * drawn(4, 5)
    # Torch works in single precision; its values are told apart from halves by more than that.
    single = np.float32(scale)
    op = ops.FakeQuantise(np.array([float(single)]), np.array([float(zero_point)]), low, high)
    away = np.abs(np.mod(x / float(single), 1.0) - 0.5) > 1e-3

    theirs = torch.fake_quantize_per_tensor_affine(
        torch.from_numpy(x).float(), float(single), int(np.clip(zero_point, low, high)), low, high
    )

    inside = replace(op, zero_point=np.clip(op.zero_point, low, high))
    assert np.allclose(inside.run(x)[away], theirs.numpy()[away], rtol=1e-6, atol=1e-6)


def test_halves_go_to_the_even_point_and_what_is_outside_to_the_last() -> None:
    op = ops.FakeQuantise(np.array([0.5]), np.array([1.0]), 0, 3)

    found = op.run(np.array([[0.25, 0.75, -9.0, 9.0]]))

    assert found.tolist() == [[0.5, 0.5, -0.5, 1.0]]


def test_every_channel_has_a_grid_of_its_own() -> None:
    op = ops.FakeQuantise(np.array([1.0, 0.5]), np.zeros(2), -8, 7)

    assert op.run(np.array([[[0.3, 0.9], [0.3, 0.9]]])).tolist() == [[[0.0, 1.0], [0.5, 1.0]]]
    assert op.shape((2, 3)) == (2, 3)
    with pytest.raises(TypeMismatch, match="2 channels"):
        op.shape((3, 2))


@pytest.mark.parametrize(
    ("scale", "zero_point", "ends", "why"),
    [
        ([0.0], [0.0], (0, 7), "positive"),
        ([np.inf], [0.0], (0, 7), "positive"),
        ([1.0], [0.5], (0, 7), "whole"),
        ([1.0], [0.0], (7, 0), "empty"),
        ([1.0, 1.0], [0.0], (0, 7), "one scale for each"),
        ([[1.0]], [[0.0]], (0, 7), "one scale for each"),
    ],
)
def test_what_is_no_grid_is_refused(
    scale: list[float], zero_point: list[float], ends: tuple[int, int], why: str
) -> None:
    with pytest.raises(TypeMismatch, match=why):
        ops.FakeQuantise(np.array(scale), np.array(zero_point), *ends)
