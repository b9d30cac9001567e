from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from tacit.arithmetics.field.ops import Dense, Rescale
from tacit.arithmetics.field.verify.challenge import Challenge
from tacit.arithmetics.field.verify.prime import Prime
from tacit.arithmetics.field.verify.stage import Source, Stage, stage
from tacit.ir.ops import Pads, Pool, PoolKind
from tests.arithmetics.field.verify.layers import (
    LAYERS,
    SEED,
    answers,
    convolution,
    first_axis,
    inputs,
    last_axis,
    product_of,
    weights,
)

HEIGHT, WIDTH = 9, 11


def maxima(
    kernel: int,
    stride: int,
    padding: Pads = ((0, 0), (0, 0)),
    dilation: int = 1,
    *,
    ceil: bool = False,
) -> Pool:
    """A maximum pooling with square windows."""
    sizes = ((each, each) for each in (kernel, stride, dilation))
    kernels, strides, dilations = sizes
    return Pool(PoolKind.MAXIMUM, kernels, strides, padding, dilations, ceil)


POOLS: Mapping[str, Pool | None] = {
    "none": None,
    "halving": maxima(2, 2),
    "halving, rounded up": maxima(2, 2, ceil=True),
    "overlapping": maxima(3, 2, ((1, 1), (1, 1))),
    "same": maxima(3, 1, ((1, 1), (1, 1))),
    "dilated": maxima(3, 2, ((2, 1), (0, 2)), 2),
    "sparse": maxima(1, 3),
}
CHANNELS = (1, 3, 17, 32, 64, 130)
channels_ = pytest.mark.parametrize("channels", CHANNELS)
pools = pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)


def rescale(channels: int, sources: int = 1, *, shift: int = 40, low: int = 0) -> Rescale:
    """Multipliers as large as a source of int32 allows, the largest among them, and offsets."""
    generator = np.random.default_rng(SEED)
    most = min(2**31 - 1, 2 ** (shift - 1) // sources)
    multipliers = generator.integers(-most, most, (sources, channels), endpoint=True)
    multipliers[0, 0] = most
    reach = 2 ** min(61, shift + 21)
    offset = generator.integers(-reach, reach, channels)
    offset[-1] = reach
    return Rescale(multipliers, offset, shift, low, 255)


def asked(channels: int, prime: Prime = Prime.P52, repetitions: int = 1) -> Challenge:
    """A challenge whose product has so many channels."""
    layer = convolution((channels, 2, 3, 3))
    return Challenge.fresh(layer, (2, HEIGHT, WIDTH), prime, repetitions)


def meant(sources: list[Source], op: Rescale, pool: Pool | None) -> NDArray[np.float64]:
    """What the words themselves say."""
    total = op.run(*(first_axis(source.values) for source in sources))
    return last_axis(total if pool is None else pool.run(total))


def right_lefts(found: Stage, sources: list[Source]) -> bool:
    """Whether the sources' sums are those of the checks alone."""
    return [None if left is None else left.tolist() for left in found.lefts] == [
        None if each.challenge is None else each.challenge.left(each.values.view(np.int32)).tolist()
        for each in sources
    ]


@channels_
@pools
def test_one_source_is_rescaled_and_pooled_as_the_words_say(
    channels: int, pool: Pool | None
) -> None:
    challenge, op = asked(channels), rescale(channels)
    sources = [Source(answers(challenge), challenge)]

    found = stage(sources, op, pool, [])

    assert found.values.dtype == np.uint8
    np.testing.assert_array_equal(found.values, meant(sources, op, pool))
    assert right_lefts(found, sources)


@channels_
def test_a_shortcut_of_bytes_is_added_as_the_words_say(channels: int) -> None:
    challenge, op = asked(channels), rescale(channels, 2)
    y = answers(challenge)
    sources = [Source(y, challenge), Source(y.view(np.uint8)[..., ::4].copy())]

    found = stage(sources, op, None, [])

    np.testing.assert_array_equal(found.values, meant(sources, op, None))
    assert right_lefts(found, sources)


@channels_
@pytest.mark.parametrize("count", [2, 3])
def test_several_products_are_added_and_each_is_checked(channels: int, count: int) -> None:
    challenges, op = [asked(channels) for _ in range(count)], rescale(channels, count)
    sources = [Source(answers(each, seed=k), each) for k, each in enumerate(challenges)]

    found = stage(sources, op, maxima(2, 2), [])

    np.testing.assert_array_equal(found.values, meant(sources, op, maxima(2, 2)))
    assert right_lefts(found, sources)


@pytest.mark.parametrize("shift", [0, 1, 8, 31, 32, 33, 62])
def test_every_shift_floors_as_the_word_says(shift: int) -> None:
    challenge = asked(32)
    op = rescale(32, shift=max(shift, 1))
    op = Rescale(op.multipliers >> (shift == 0), op.offset, shift, 0, 255)
    sources = [Source(answers(challenge), challenge)]

    found = stage(sources, op, None, [])

    np.testing.assert_array_equal(found.values, meant(sources, op, None))


@pytest.mark.parametrize(("low", "high"), [(0, 255), (0, 15), (7, 200), (255, 255)])
def test_every_range_of_bytes_is_clipped_to(low: int, high: int) -> None:
    challenge, op = asked(17), rescale(17)
    op = Rescale(op.multipliers, op.offset, op.shift, low, high)
    sources = [Source(answers(challenge), challenge)]

    found = stage(sources, op, None, [])

    np.testing.assert_array_equal(found.values, meant(sources, op, None))


@pytest.mark.parametrize("pool", [None, maxima(3, 2, ((1, 1), (1, 1)))])
def test_what_fits_no_byte_comes_out_as_int32(pool: Pool | None) -> None:
    challenge = asked(17, Prime.SLALOM)
    op = Rescale(np.ones((1, 17), np.int64), np.full(17, 128), 8, -(2**20), 2**20)
    sources = [Source(answers(challenge), challenge)]
    shape = last_axis(
        np.zeros((1, 17, HEIGHT, WIDTH))
        if pool is None
        else pool.run(np.zeros((1, 17, HEIGHT, WIDTH)))
    ).shape
    consumer = Challenge.fresh(convolution((2, 17, 3, 3)), (17, *shape[1:3]), Prime.SLALOM, 2)

    found = stage(sources, op, pool, [consumer])

    assert found.values.dtype == np.int32
    np.testing.assert_array_equal(found.values, meant(sources, op, pool))
    assert right_lefts(found, sources)
    np.testing.assert_array_equal(found.rights[0], consumer.right(found.values))


def test_a_multiplier_that_no_vector_holds_goes_another_way() -> None:
    challenge = asked(17)
    op = Rescale(np.full((1, 17), 3 * 2**29 + 1) * 2, np.zeros(17, np.int64), 50, 0, 255)
    sources = [Source(answers(challenge) >> 2, challenge)]

    found = stage(sources, op, None, [])

    assert found.values.dtype == np.uint8
    np.testing.assert_array_equal(found.values, meant(sources, op, None))
    assert right_lefts(found, sources)


@channels_
@pools
@pytest.mark.parametrize("repetitions", [1, 2])
def test_the_next_products_sums_are_those_of_what_comes_out(
    channels: int, pool: Pool | None, repetitions: int
) -> None:
    challenge, op = asked(channels, repetitions=repetitions), rescale(channels)
    sources = [Source(answers(challenge), challenge)]
    height, width = meant(sources, op, pool).shape[1:3]
    shape, size = (channels, height, width), channels * height * width
    consumers = [
        Challenge.fresh(convolution((2, channels, 3, 3)), shape, Prime.P52, repetitions),
        Challenge.fresh(Dense(weights(2, size)), (size,), Prime.P52, repetitions),
        Challenge.fresh(
            convolution((2, channels, 1, 1), stride=(2, 2)), shape, Prime.P52, repetitions
        ),
        Challenge.fresh(convolution((2, channels, 3, 3)), shape, Prime.P52, repetitions),
    ]

    found = stage(sources, op, pool, consumers)

    expected = [each.right(found.values).tolist() for each in consumers]
    assert [each.tolist() for each in found.rights] == expected
    assert right_lefts(found, sources)


@pytest.mark.parametrize("prime", Prime)
@pytest.mark.parametrize("repetitions", [1, 2])
def test_every_prime_and_repetition_checks_an_honest_answer(prime: Prime, repetitions: int) -> None:
    layer = LAYERS["first"]
    challenge = Challenge.fresh(*layer, prime, repetitions)
    x = inputs(challenge)
    op = rescale(8)

    found = stage([Source(product_of(layer, x), challenge)], op, None, [])

    assert found.lefts[0] is not None
    assert found.lefts[0].tolist() == challenge.right(x).tolist()


def test_a_wrong_entry_anywhere_is_seen() -> None:
    layer = (convolution((3, 2, 3, 3)), (2, 4, 5))
    challenge = Challenge.fresh(*layer, Prime.P52, 1)
    x = inputs(challenge, images=1)
    true = product_of(layer, x)
    wrong = np.repeat(true, true.size, axis=0)
    wrong.reshape(true.size, true.size)[np.diag_indices(true.size)] += 1

    # Rows that the pooling leaves out are checked, too.
    found = stage([Source(wrong, challenge)], rescale(3), maxima(3, 3), [])

    assert not np.any(found.lefts[0] == challenge.right(x))


def test_what_nobody_checks_is_rescaled_alone() -> None:
    y = answers(asked(64))
    op = rescale(64)

    found = stage([Source(y)], op, maxima(2, 2), [])

    np.testing.assert_array_equal(found.values, meant([Source(y)], op, maxima(2, 2)))
    assert found.lefts == (None,)
    assert found.rights == ()


def test_bytes_alone_are_rescaled() -> None:
    x = inputs(asked(64)).repeat(8, axis=3)
    op = rescale(16)

    found = stage([Source(x)], op, None, [])

    np.testing.assert_array_equal(found.values, meant([Source(x)], op, None))


def test_a_dense_layer_is_a_stage_like_any_other() -> None:
    layer = LAYERS["dense over rows"]
    challenge = Challenge.fresh(*layer, Prime.P52, 1)
    x = inputs(challenge)
    sources = [Source(product_of(layer, x), challenge)]
    consumer = Challenge.fresh(Dense(weights(4, 5)), (2, 3, 5), Prime.P52, 1)

    found = stage(sources, rescale(5), None, [consumer])

    assert found.lefts[0] is not None
    assert found.lefts[0].tolist() == challenge.right(x).tolist()
    assert found.rights[0].tolist() == consumer.right(found.values).tolist()


def test_a_destroyed_challenge_answers_no_stage() -> None:
    challenge = asked(3)
    source = Source(answers(challenge), challenge)
    challenge.destroy()

    with pytest.raises(AssertionError, match="destroyed"):
        stage([source], rescale(3), None, [])
