from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
from numpy.typing import NDArray

from tacit.arithmetics.field.ops import Dense
from tacit.arithmetics.field.verify import challenge as module
from tacit.arithmetics.field.verify.challenge import Challenge
from tacit.arithmetics.field.verify.prime import Prime, soundness_bits
from tests.arithmetics.field.verify.layers import (
    INT32,
    LAYERS,
    SEED,
    Layer,
    answers,
    convolution,
    inputs,
    left_in_integers,
    product_of,
    weights,
)

TINY = 257
MODULI = (*(prime.modulus for prime in Prime), TINY)
layers = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
moduli = pytest.mark.parametrize("modulus", MODULI)
primes = pytest.mark.parametrize("prime", Prime)


def known(monkeypatch: pytest.MonkeyPatch, layer: Layer, modulus: int) -> NDArray[np.int64]:
    """The secrets that the next challenge will have, the largest number among them."""
    product, _ = layer
    drawn = np.random.default_rng(SEED).integers(0, modulus, 2 + len(product.weight))
    drawn[2] = modulus - 1
    monkeypatch.setattr(module, "drawn", lambda *_: drawn.copy())
    return drawn


@layers
@moduli
def test_left_is_what_integers_say(
    monkeypatch: pytest.MonkeyPatch, layer: Layer, modulus: int
) -> None:
    secrets = known(monkeypatch, layer, modulus)
    challenge = Challenge(*layer, modulus, 1)
    y = answers(challenge)

    assert challenge.left(y)[:, 0].tolist() == left_in_integers(y, secrets, modulus)


@layers
@moduli
def test_right_is_what_integers_say_of_the_true_product(
    monkeypatch: pytest.MonkeyPatch, layer: Layer, modulus: int
) -> None:
    secrets = known(monkeypatch, layer, modulus)
    challenge = Challenge(*layer, modulus, 1)
    x = inputs(challenge)

    expected = left_in_integers(product_of(layer, x), secrets, modulus)

    assert challenge.right(x)[:, 0].tolist() == expected


@pytest.mark.parametrize("extreme", [INT32.min, INT32.max, -1])
@primes
def test_left_holds_at_the_ends_of_int32(
    monkeypatch: pytest.MonkeyPatch, prime: Prime, extreme: int
) -> None:
    # Enough columns that a lane would overflow if it were left alone.
    layer = (convolution((64, 1, 3, 3)), (1, 2, 300))
    secrets = known(monkeypatch, layer, prime.modulus)
    secrets[:] = prime.modulus - 1
    challenge = Challenge(*layer, prime.modulus, 1)
    y = np.full((1, *challenge.result), extreme, np.int32)

    assert challenge.left(y)[:, 0].tolist() == left_in_integers(y, secrets, prime.modulus)


@primes
def test_right_holds_for_a_long_row_of_the_largest_bytes(prime: Prime) -> None:
    layer = (Dense(np.full((2, 40000), 32, np.int16)), (40000,))
    challenge = Challenge.fresh(*layer, prime, 1)
    x = np.full((1, *challenge.image), 255, np.uint8)

    assert challenge.right(x).tolist() == challenge.left(product_of(layer, x)).tolist()


@pytest.mark.parametrize("weight", [-(2**15), 2**15 - 1])
def test_the_widest_weights_are_summed_exactly(weight: int) -> None:
    layer = (Dense(np.full((301, 9), weight, np.int16)), (9,))
    challenge = Challenge.fresh(*layer, Prime.P61, 1)
    x = inputs(challenge)

    assert challenge.right(x).tolist() == challenge.left(product_of(layer, x)).tolist()


@layers
@primes
def test_an_honest_answer_is_accepted_by_all_repetitions(layer: Layer, prime: Prime) -> None:
    challenge = Challenge.fresh(*layer, prime, 3)
    x = inputs(challenge)

    left, right = challenge.left(product_of(layer, x)), challenge.right(x)

    assert left.shape == (2, 3)
    assert left.tolist() == right.tolist()


@layers
def test_an_input_of_int32_has_the_sums_of_the_same_bytes(layer: Layer) -> None:
    challenge = Challenge.fresh(*layer, Prime.P52, 2)
    x = inputs(challenge)

    assert challenge.right(x.astype(np.int32)).tolist() == challenge.right(x).tolist()


def test_inputs_may_be_negative_and_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = (Dense(weights(3, 40)), (40,))
    secrets = known(monkeypatch, layer, Prime.SLALOM.modulus)
    challenge = Challenge(*layer, Prime.SLALOM.modulus, 1)
    x = np.random.default_rng(SEED).integers(-(2**17), 2**17, (2, 1, 1, 40), np.int32)
    y = (x.astype(np.int64) @ layer[0].weight.T.astype(np.int64)).astype(np.int32)

    expected = left_in_integers(y, secrets, Prime.SLALOM.modulus)

    assert challenge.right(x)[:, 0].tolist() == expected


@layers
def test_a_wrong_entry_anywhere_is_rejected(layer: Layer) -> None:
    challenge = Challenge.fresh(*layer, Prime.P52, 1)
    x = inputs(challenge, images=1)
    true = product_of(layer, x)
    wrong = np.repeat(true, true.size, axis=0)
    wrong.reshape(true.size, true.size)[np.diag_indices(true.size)] ^= 1

    assert not np.any(challenge.left(wrong) == challenge.right(x))


def test_the_image_that_is_wrong_is_the_one_that_is_rejected() -> None:
    layer = LAYERS["same"]
    challenge = Challenge.fresh(*layer, Prime.P52, 1)
    x = inputs(challenge, images=3)
    y = product_of(layer, x)
    y[1, 2, 3, 4] += 1

    assert (challenge.left(y) == challenge.right(x))[:, 0].tolist() == [True, False, True]


@pytest.mark.parametrize("place", [(0, 0, 0), (2, 3, 1)])
def test_a_wrong_entry_is_accepted_as_often_as_chance_says(place: tuple[int, int, int]) -> None:
    repetitions = 8_000
    challenge = Challenge(convolution((2, 1, 3, 3)), (1, 3, 4), TINY, repetitions)
    wrong = np.zeros((1, *challenge.result), np.int32)
    wrong[(0, *place)] = 1

    accepted = int((challenge.left(wrong) == 0).sum())

    # The entry's weight is alpha^h beta^w s: zero where one of those that occur in it is.
    factors = 1 + sum(each > 0 for each in place[:2])
    chance = 1 - (1 - 1 / TINY) ** factors
    assert abs(accepted - repetitions * chance) < 4 * math.sqrt(repetitions * chance)


def test_a_wrong_answer_made_to_be_accepted_is_so_no_more_often_than_the_bound() -> None:
    # Its polynomial in beta has as many zeros as its degree allows.
    repetitions, layer = 8_000, (convolution((1, 1, 1, 3)), (1, 1, 4))
    challenge = Challenge(*layer, TINY, repetitions)
    wrong = np.zeros((1, *challenge.result), np.int32)
    polynomial = np.poly([1, 2, 3])[::-1].round().astype(np.int32)
    wrong[0, 1, :4, 0] = polynomial

    accepted = int((challenge.left(wrong) == 0).sum())

    height, width, _ = challenge.result
    bound = repetitions * (height + width - 1) / TINY
    assert repetitions * 3 / TINY < accepted < bound + 4 * math.sqrt(bound)


def test_two_fresh_challenges_differ() -> None:
    first, second = (Challenge.fresh(*LAYERS["same"], Prime.P52, 1) for _ in range(2))
    x, y = inputs(first), answers(first)

    assert not np.any(first.right(x) == second.right(x))
    assert not np.any(first.left(y) == second.left(y))


def test_repetitions_differ() -> None:
    challenge = Challenge.fresh(*LAYERS["same"], Prime.P52, 2)

    first, second = challenge.left(answers(challenge)).T

    assert not np.any(first == second)


def test_a_destroyed_challenge_is_unusable() -> None:
    challenge = Challenge.fresh(*LAYERS["same"], Prime.P52, 1)
    x, y = inputs(challenge), answers(challenge)

    challenge.destroy()

    with pytest.raises(AssertionError, match="destroyed"):
        challenge.left(y)
    with pytest.raises(AssertionError, match="destroyed"):
        challenge.right(x)


def test_destroying_overwrites_the_secrets() -> None:
    challenge = Challenge.fresh(*LAYERS["same"], Prime.P52, 1)
    tables = challenge.tables

    challenge.destroy()

    assert not np.any(tables.result)
    assert not np.any(tables.result_powers)
    assert not np.any(tables.given)
    assert not np.any(tables.given_powers)


def test_a_challenge_tells_nothing_and_is_not_copied() -> None:
    challenge = Challenge.fresh(*LAYERS["dense"], Prime.P52, 1)

    assert repr(challenge) == object.__repr__(challenge)
    with pytest.raises(AssertionError, match="secret"):
        pickle.dumps(challenge)
    with pytest.raises(AssertionError, match="secret"):
        copy.deepcopy(challenge)


def test_a_prime_below_int32_asks_for_centred_entries() -> None:
    challenge = Challenge.fresh(*LAYERS["dense"], Prime.SLALOM, 1)
    half = (Prime.SLALOM.modulus - 1) // 2
    y = np.zeros((1, *challenge.result), np.int32)
    y.reshape(-1)[:2] = -half, half

    assert challenge.is_canonical(y)
    assert not challenge.is_canonical(y + np.int32(1))
    assert not challenge.is_canonical(y - np.int32(1))


def test_a_prime_above_int32_knows_each_entry() -> None:
    challenge = Challenge.fresh(*LAYERS["dense"], Prime.P52, 1)

    assert challenge.is_canonical(answers(challenge))


def test_the_bits_promised_are_at_least_forty_at_the_largest_images() -> None:
    assert soundness_bits(convolution((1, 1, 3, 3)), (1, 1024, 1024), Prime.P52, 1) > 40
