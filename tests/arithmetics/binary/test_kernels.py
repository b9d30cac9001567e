"""Kernels on packed bits: every integer and bit is that of an int64 reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.arithmetics.binary.kernels import Kernels, Reference, found
from tacit.arithmetics.binary.ops import Alphabet, BitPool, Bits, Window
from tacit.arithmetics.binary.packing import bits_of, packed, unpacked, values_of
from tacit.arithmetics.binary.prepare import prepared, prepared_pool
from tacit.ir.functions import FloatArray
from tests.arithmetics.binary.cases import Case, cases, free, transforms

KERNELS = [Reference(), found()]
EDGES = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 5e-324, -5e-324, 1e-40, -1e-40, 1.0, -1.0])

every_kernel = pytest.mark.parametrize("kernels", KERNELS, ids=["reference", "found"])


def image(x: FloatArray) -> FloatArray:
    """(rows, channels, *size) as (rows, height, width, channels)."""
    last = np.moveaxis(x, 1, -1)
    return last if last.ndim == 4 else last[:, None]


def computed(kernels: Kernels, case: Case, x: FloatArray) -> list[np.ndarray]:
    """What kernels make of a case with every transform: unpacked, channels last."""
    op = case.product()
    layer = prepared(op, case.shape)
    bits = packed(bits_of(image(x), case.alphabet), case.window.groups)
    clamps, reals, bipolar, unipolar = transforms(case, case.sums(x))
    numbers = [kernels.product(bits, layer, each) for each in (free(case.outputs), clamps, reals)]
    words = [kernels.product(bits, layer, each).astype(np.uint32) for each in (bipolar, unipolar)]
    kinds = (Alphabet.BIPOLAR, Alphabet.UNIPOLAR)
    values = [
        values_of(unpacked(each, case.outputs), kind)
        for each, kind in zip(words, kinds, strict=True)
    ]
    return [*numbers, *values]


@every_kernel
@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_products_are_those_of_int64(kernels: Kernels, case: Case) -> None:
    x = case.inputs()
    sums = image(case.sums(x).astype(np.float64))

    plain, clamped, reals, bipolar, unipolar = computed(kernels, case, x)

    clamps, scaled, signs, steps = transforms(case, case.sums(x))
    np.testing.assert_array_equal(plain, sums)
    np.testing.assert_array_equal(clamped, clamps.run(sums))
    np.testing.assert_array_equal(reals, scaled.run(sums))
    np.testing.assert_array_equal(bipolar, signs.run(sums))
    np.testing.assert_array_equal(unipolar, steps.run(sums))


@settings(max_examples=40, deadline=None)
@given(case=cases())
def test_the_words_meaning_is_that_of_int64(case: Case) -> None:
    x = case.inputs()

    np.testing.assert_array_equal(case.product().run(x), case.sums(x))


@every_kernel
@pytest.mark.parametrize("alphabet", Alphabet)
@pytest.mark.parametrize("border", [0, 1, -1, 7])
def test_a_filter_may_be_larger_than_the_image(
    kernels: Kernels, alphabet: Alphabet, border: int
) -> None:
    window = Window((1, 1), ((1, 1), (1, 1)), (1, 1), 1, border)
    case = Case(alphabet, 33, 5, (2, 2), (3, 3), window)
    x = case.inputs()

    found = computed(kernels, case, x)[0]

    np.testing.assert_array_equal(found, image(case.sums(x).astype(np.float64)))


@every_kernel
@pytest.mark.parametrize("alphabet", Alphabet)
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("threshold", [0.0, 1.0, -1e-40, np.inf, -np.inf])
def test_packing_is_what_the_word_means(
    kernels: Kernels, alphabet: Alphabet, threshold: float, *, flip: bool
) -> None:
    x = np.resize(EDGES, (3, 1, 1, 45))
    word = Bits(alphabet, np.array([threshold]), np.array([flip]), axis=-1)

    words = kernels.pack(x, alphabet, word.threshold, word.flip)

    np.testing.assert_array_equal(values_of(unpacked(words, 45), alphabet), word.run(x))


@every_kernel
def test_packing_compares_singles_as_doubles(kernels: Kernels) -> None:
    x = np.full((1, 1, 1, 3), np.float32(0.1))
    thresholds = np.array([0.1, float(np.float32(0.1)), 0.1000000015])

    words = kernels.pack(x, Alphabet.UNIPOLAR, thresholds, np.zeros(3, dtype=np.bool_))

    assert unpacked(words, 3).tolist() == [[[[True, False, False]]]]


@st.composite
def pools(draw: st.DrawFn) -> tuple[BitPool, Alphabet, FloatArray]:
    """A pooling, and bits that it is of."""

    def pair(low: int, high: int) -> tuple[int, int]:
        return draw(st.integers(low, high)), draw(st.integers(low, high))

    random = np.random.default_rng(draw(st.integers(0, 1000)))
    channels, alphabet = draw(st.integers(1, 70)), draw(st.sampled_from(Alphabet))
    kernel, size = pair(1, 3), pair(3, 8)
    padding = tuple((k // 2, k // 2) for k in kernel)
    least = random.random(channels) < 0.5
    op = BitPool(kernel, pair(1, 3), padding, (1, 1), least, draw(st.booleans()))
    values = np.array(alphabet.values, dtype=np.float64)
    return op, alphabet, random.choice(values, size=(2, channels, *size))


@every_kernel
@settings(max_examples=40, deadline=None)
@given(pools())
def test_pooling_takes_the_largest_or_least_bit(
    kernels: Kernels, drawn: tuple[BitPool, Alphabet, FloatArray]
) -> None:
    op, alphabet, x = drawn

    window = prepared_pool(op, x.shape[1:], alphabet)
    words = kernels.pool(packed(bits_of(image(x), alphabet)), window)

    values = values_of(unpacked(words, x.shape[1]), alphabet)
    np.testing.assert_array_equal(values, image(op.run(x)))
    np.testing.assert_array_equal(words, packed(bits_of(values.astype(np.float64), alphabet)))
