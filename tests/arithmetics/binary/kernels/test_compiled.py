"""Compiled kernels give what NumPy's do, in every form that this host can run."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.arithmetics.binary.kernels.compiled import Compiled
from tacit.arithmetics.binary.kernels.forms import Form
from tacit.arithmetics.binary.kernels.reference import Reference
from tacit.arithmetics.binary.kernels.seam import NumberArray, Packed, PoolWindow
from tacit.arithmetics.binary.kernels.vectors import host_features
from tacit.arithmetics.binary.ops import Alphabet, Window
from tacit.arithmetics.binary.packing import WordArray, bits_of, packed, word_count
from tacit.arithmetics.binary.prepare import prepared
from tacit.ir.functions import FloatArray
from tests.arithmetics.binary.cases import Case, cases, free, transforms

REFERENCE = Reference()
# Everything but look-ups is made of what LLVM has for all machines.
NEEDS_AVX2 = pytest.mark.skipif(not host_features().get("avx2"), reason="needs AVX2")
FORMS = [pytest.param(Form.LOOK_UP, marks=NEEDS_AVX2), Form.BYTES, Form.WIDE_WORDS, Form.WORDS]
SEED = 20261127

every_form = pytest.mark.parametrize("form", FORMS)


def given_bits(case: Case, rows: int = 2) -> WordArray:
    """A case's inputs, packed."""
    last = np.moveaxis(case.inputs(rows), 1, -1)
    image = last if last.ndim == 4 else last[:, None]
    return packed(bits_of(image, case.alphabet), case.window.groups)


def require_same(kernels: Compiled, case: Case, rows: int = 2) -> None:
    """Refuse kernels that give a case other numbers than NumPy's."""
    layer, bits = prepared(case.product(), case.shape), given_bits(case, rows)
    for transform in (free(case.outputs), *transforms(case, case.sums(case.inputs(rows)))):
        found = kernels.product(bits, layer, transform)
        expected = REFERENCE.product(bits, layer, transform)
        assert found.dtype == expected.dtype
        assert found.flags.c_contiguous
        np.testing.assert_array_equal(found, expected)


@every_form
@settings(max_examples=25)
@given(case=cases())
def test_a_product_is_that_of_numpy(form: Form, case: Case) -> None:
    require_same(Compiled(form), case)


@every_form
@pytest.mark.parametrize("outputs", [1, 31, 32, 33, 64, 96, 128, 161, 256])
def test_channels_are_cut_into_blocks_of_all_widths(form: Form, outputs: int) -> None:
    window = Window((1, 1), ((1, 1), (1, 1)), (1, 1), border=1)

    require_same(Compiled(form), Case(Alphabet.BIPOLAR, 64, outputs, (5, 6), (3, 3), window))


@every_form
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (7, 7), (8, 7), (7, 8), (9, 70)])
def test_pixels_of_all_sizes_of_images_are_paired(form: Form, size: tuple[int, int]) -> None:
    window = Window((1, 1), ((1, 1), (1, 1)), (1, 1), border=0)

    require_same(Compiled(form), Case(Alphabet.BIPOLAR, 40, 40, size, (3, 3), window))


@every_form
@pytest.mark.parametrize("groups", [2, 3, 32])
def test_groups_that_fill_no_words_give_bits_of_one_group(form: Form, groups: int) -> None:
    window = Window((1, 1), ((1, 1), (1, 1)), (1, 1), groups, border=1)

    require_same(
        Compiled(form), Case(Alphabet.UNIPOLAR, 5 * groups, 7 * groups, (4, 5), (3, 3), window)
    )


@every_form
def test_sums_beyond_sixteen_bits_are_exact(form: Form) -> None:
    window = Window((1, 1), ((0, 0), (0, 0)), (1, 1))

    require_same(Compiled(form), Case(Alphabet.BIPOLAR, 33_000, 3, (1, 2), (1, 1), window))


@every_form
def test_all_bits_may_differ(form: Form) -> None:
    case = Case(Alphabet.BIPOLAR, 1000, 32, (3, 4), (1, 1), Window((1, 1), ((0, 0),) * 2, (1, 1)))
    layer = prepared(case.product(), case.shape)
    bits = np.broadcast_to(~layer.weight[5, 0, 0], (1, 3, 4, layer.weight.shape[-1]))

    found = Compiled(form).product(bits, layer, free(case.outputs))

    np.testing.assert_array_equal(found, REFERENCE.product(bits, layer, free(case.outputs)))


@pytest.mark.parametrize("threads", [2, 3])
@every_form
def test_results_do_not_depend_on_the_number_of_threads(form: Form, threads: int) -> None:
    # Large enough that threads are used.
    window = Window((1, 1), ((1, 1), (1, 1)), (1, 1), border=1)

    require_same(
        Compiled(form, threads), Case(Alphabet.BIPOLAR, 128, 128, (28, 28), (3, 3), window), rows=1
    )


@every_form
def test_no_images_give_no_results(form: Form) -> None:
    case = Case(Alphabet.BIPOLAR, 33, 5, (3, 4), (3, 3), Window((1, 1), ((1, 1),) * 2, (1, 1)))
    layer = prepared(case.product(), case.shape)
    none = np.empty((0, 3, 4, 2), dtype=np.uint32)

    assert Compiled(form).product(none, layer, free(5)).shape == (0, 3, 4, 5)


@pytest.mark.parametrize("kind", ["doubles", "singles", "integers"])
@settings(max_examples=25)
@given(
    channels=st.integers(1, 100),
    alphabet=st.sampled_from(Alphabet),
    seed=st.integers(0, 2**32 - 1),
)
def test_packed_numbers_are_those_of_numpy(
    kind: str, channels: int, alphabet: Alphabet, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    values = generator.integers(-3, 4, (2, 3, 2, channels))
    kinds: dict[str, FloatArray | NumberArray] = {
        "doubles": values * 0.5,
        "singles": values.astype(np.float32),
        "integers": values.astype(np.int32),
    }
    threshold = generator.choice([-1.5, -0.0, 1.0, np.inf], channels)
    flip = generator.random(channels) < 0.5

    found = Compiled(Form.WORDS).pack(kinds[kind], alphabet, threshold, flip)

    expected = REFERENCE.pack(kinds[kind], alphabet, threshold, flip)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("alphabet", Alphabet)
def test_what_is_no_number_and_both_zeros_are_packed_as_numpy_packs_them(
    alphabet: Alphabet,
) -> None:
    x = np.tile(np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 5e-324, -5e-324]), 7)[None]
    flip = np.arange(49) % 2 == 0

    found = Compiled(Form.WORDS).pack(x, alphabet, np.zeros(1), flip)

    np.testing.assert_array_equal(found, REFERENCE.pack(x, alphabet, np.zeros(1), flip))


@settings(max_examples=50)
@given(
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    before=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    channels=st.integers(1, 70),
)
def test_pooled_bits_are_those_of_numpy(
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    before: tuple[int, int],
    channels: int,
) -> None:
    generator = np.random.default_rng(SEED)
    bits = packed(generator.random((2, 6, 7, channels)) < 0.5)
    ones = packed(generator.random(channels) < 0.5)
    padding = ((before[0], 1), (before[1], 2))
    window = PoolWindow(kernel, stride, padding, dilation, (2, 3), ones)

    found = Compiled(Form.WORDS).pool(bits, window)

    assert found.shape[-1] == word_count(channels)
    np.testing.assert_array_equal(found, REFERENCE.pool(bits, window))


def test_threads_pack_and_pool_as_one_does() -> None:
    generator = np.random.default_rng(SEED)
    kernels = Compiled(Form.WORDS, threads=2)
    x = generator.standard_normal((3, 64, 64, 64))
    threshold, flip = np.zeros(64), np.zeros(64, dtype=np.bool_)
    window = PoolWindow((3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), (64, 64), packed(~flip))

    bits = kernels.pack(x, Alphabet.BIPOLAR, threshold, flip)

    np.testing.assert_array_equal(bits, REFERENCE.pack(x, Alphabet.BIPOLAR, threshold, flip))
    np.testing.assert_array_equal(kernels.pool(bits, window), REFERENCE.pool(bits, window))


def test_a_layer_is_laid_out_once_for_all_its_transforms() -> None:
    case = Case(Alphabet.BIPOLAR, 64, 64, (4, 4), (1, 1), Window((1, 1), ((0, 0),) * 2, (1, 1)))
    layer: Packed = prepared(case.product(), case.shape)
    bits, kernels = given_bits(case), Compiled(Form.WORDS)

    results = [kernels.product(bits, layer, free(64)) for _ in range(2)]

    np.testing.assert_array_equal(results[0], results[1])
