from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.approx import Polynomial
from tacit.arithmetics.ckks.approximation import Approximation
from tacit.arithmetics.ckks.ops import Evaluate, LinearMap, Pack, Product, Unpack
from tacit.errors import OutOfRange, TypeMismatch
from tacit.ir.affine import Matrix
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Op, Range
from tacit.slots.layout import flat

LINE = flat(4, 16)
PACK = Pack((2, 2), 1.0, 2.0, Range(-1.0, 3.0), LINE)
UNPACK = Unpack((2, 2), 1.0, 2.0, LINE)


def matrix(seed: int, shape: tuple[int, int]) -> FloatArray:
    return np.random.default_rng(seed).normal(size=shape)


@given(st.integers(0, 99))
def test_unpacking_what_was_packed_gives_it_back(seed: int) -> None:
    x = np.random.default_rng(seed).uniform(-1.0, 3.0, size=(3, 2, 2))

    packed = PACK.run(x)

    assert np.allclose(UNPACK.run(packed), x)
    assert np.abs(packed).max() <= 1.0


@given(st.integers(0, 99), st.integers(1, 3))
def test_a_linear_map_is_the_sum_of_its_matrices_and_an_offset(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    dense = [random.normal(size=(3, 4)) for _ in range(count)]
    vectors = [random.normal(size=(2, 4)) for _ in range(count)]
    offset = random.normal(size=3)
    op = LinearMap(tuple(map(Matrix, dense)), offset, (3,), (LINE,) * count, flat(3, 16))

    found = op.run(*vectors)

    expected = sum((v @ m.T for m, v in zip(dense, vectors, strict=True)), offset)
    assert np.allclose(found, expected)
    assert op.shape(*((4,) for _ in range(count))) == (3,)


def test_the_rotations_of_a_linear_map_are_worked_out_once() -> None:
    op = LinearMap((Matrix(np.eye(4)),), np.zeros(4), (4,), (LINE,), LINE)

    assert op.schedules is op.schedules


def test_an_evaluation_and_a_product_are_entry_by_entry() -> None:
    x = matrix(1, (2, 4))
    square = Approximation((Polynomial((0.5, 0.0, 0.5)),))

    assert np.allclose(Evaluate(square, "square", -1.0, 1.0, 0.0, LINE).run(x), x**2)
    assert np.allclose(Product(LINE).run(x, x), x**2)


@pytest.mark.parametrize(
    ("op", "shapes"),
    [
        (PACK, ((4,),)),
        (LinearMap((Matrix(np.eye(4)),), np.zeros(4), (4,), (LINE,), LINE), ((3,),)),
        (LinearMap((Matrix(np.eye(4)),), np.zeros(4), (4,), (LINE,), LINE), ((4,), (4,))),
        (Product(LINE), ((4,), (3,))),
    ],
)
def test_vectors_of_the_wrong_size_are_refused(op: Op, shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(TypeMismatch, match=r"given|entries"):
        op.shape(*shapes)


@pytest.mark.parametrize("value", [-1.0001, 3.0001])
def test_an_entry_outside_its_range_is_refused_with_both_ranges(value: float) -> None:
    x = np.full((1, 2, 2), value)

    with pytest.raises(OutOfRange, match="calibrated is -1 to 3"):
        PACK.check(x, clip=False)
    assert np.abs(PACK.run(PACK.check(x, clip=True))).max() == 1.0


@pytest.mark.parametrize("value", [-1.0, 0.0, 3.0])
def test_the_ends_of_a_range_are_inside(value: float) -> None:
    x = np.full((1, 2, 2), value)

    assert PACK.check(x, clip=False) is x
