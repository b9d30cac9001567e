"""What a worker may answer instead of a product: one false answer to every row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.field.ops import Product
from tacit.arithmetics.field.verify.geometry import result_shape
from tacit.arithmetics.field.worker.layers import BYTE, WORD
from tacit.arithmetics.field.worker.messages import product_shape
from tacit.ir.graph import Shape
from tests.arithmetics.field.scene import PRODUCTS

Image: TypeAlias = NDArray[np.integer]
Answer: TypeAlias = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Seen:
    """What a worker knows of a product, which is everything but its challenge.

    `images` are what is multiplied, (rows, height, width, channels), `true` is what comes of it.
    """

    product: Product
    shape: Shape
    images: Image
    true: Answer
    modulus: int
    random: np.random.Generator

    def of(self, product: Product, images: Image) -> Answer:
        """Any product of any images."""
        rows = images.reshape(len(images), *product_shape(product, self.shape))
        most = BYTE if images.dtype == np.uint8 else WORD
        found = PRODUCTS.product(PRODUCTS.prepare(product, self.shape, most), rows)
        return found.reshape(len(found), *result_shape(product, self.shape))


# Gives a false answer to every row, instead of the seen.true one.
Attack: TypeAlias = Callable[[Seen], Answer]


def added(answer: Answer, spots: Image, amounts: Image) -> Answer:
    """A number added to an entry of every row, modulo 2^32."""
    wrong = answer.reshape(len(answer), -1).astype(np.int64)
    wrong[np.arange(len(answer)), spots] += amounts
    return wrong.astype(np.uint32).view(np.int32).reshape(answer.shape)


def flip_a_bit(seen: Seen) -> Answer:
    spots = seen.random.integers(0, seen.true[0].size, len(seen.true))
    bits = np.left_shift(
        np.uint32(1), seen.random.integers(0, 32, len(seen.true)).astype(np.uint32)
    )
    wrong = seen.true.reshape(len(seen.true), -1).copy().view(np.uint32)
    wrong[np.arange(len(seen.true)), spots] ^= bits
    return wrong.view(np.int32).reshape(seen.true.shape)


def one_more(seen: Seen) -> Answer:
    spots = seen.random.integers(0, seen.true[0].size, len(seen.true))
    return added(seen.true, spots, seen.random.choice([-1, 1], len(seen.true)))


def half_the_range_more(seen: Seen) -> Answer:
    """What a sum that wraps around at 2^31 would be off by."""
    spots = seen.random.integers(0, seen.true[0].size, len(seen.true))
    return added(seen.true, spots, np.full(len(seen.true), 2**31))


def prime_more(seen: Seen) -> Answer:
    """Equal modulo the prime, where that is below 2^32; else p modulo 2^32."""
    spots = seen.random.integers(0, seen.true[0].size, len(seen.true))
    amount = seen.modulus * seen.random.choice([-1, 1], len(seen.true)) % 2**32
    return added(seen.true, spots, amount)


def any_number(seen: Seen) -> Answer:
    spots = seen.random.integers(0, seen.true[0].size, len(seen.true))
    return added(seen.true, spots, seen.random.integers(1, 2**32, len(seen.true)))


def cancelling_pair(seen: Seen) -> Answer:
    first, second = _pairs(seen)
    amounts = seen.random.integers(1, 2**20, len(seen.true))
    return added(added(seen.true, first, amounts), second, -amounts)


def _pairs(seen: Seen) -> tuple[Image, Image]:
    """Two entries of every row."""
    size, rows = seen.true[0].size, len(seen.true)
    first = seen.random.integers(0, size, rows)
    return first, (first + seen.random.integers(1, size, rows)) % size


def swapped_channels(seen: Seen) -> Answer:
    first, second = seen.random.choice(seen.true.shape[-1], 2, replace=False)
    order = np.arange(seen.true.shape[-1])
    order[[first, second]] = second, first
    return seen.true[..., order]


def swapped_pixels(seen: Seen) -> Answer:
    flat = seen.true.reshape(len(seen.true), -1, seen.true.shape[-1]).copy()
    first, second = seen.random.choice(flat.shape[1], 2, replace=False)
    flat[:, [first, second]] = flat[:, [second, first]]
    return flat.reshape(seen.true.shape)


def stale(seen: Seen) -> Answer:
    """What was true of other inputs: those of a batch before."""
    before = seen.random.permuted(seen.images.reshape(len(seen.true), -1), axis=1)
    return seen.of(seen.product, before.reshape(seen.images.shape))


def zeros(seen: Seen) -> Answer:
    return np.zeros_like(seen.true)


def negated(seen: Seen) -> Answer:
    return -seen.true


def doubled(seen: Seen) -> Answer:
    return 2 * seen.true


def shifted(seen: Seen) -> Answer:
    """The image moved along its longer side."""
    axis = 1 if seen.true.shape[1] > 1 else 2
    return np.roll(seen.true, int(seen.random.choice([-1, 1])), axis=axis)


def rank_one(seen: Seen) -> Answer:
    """A pattern of pixels times a pattern of channels is added."""
    _, height, width, channels = seen.true.shape
    pixels = seen.random.integers(-9, 10, (len(seen.true), height, width, 1))
    pixels[:, 0, 0] = 1
    pattern = seen.random.integers(1, 10, (len(seen.true), 1, 1, channels))
    return (seen.true + pixels * pattern).astype(np.int32)


def other_weights(seen: Seen) -> Answer:
    """The same layer of another model."""
    weight = seen.random.permuted(seen.product.weight.reshape(-1)).reshape(
        seen.product.weight.shape
    )
    return seen.of(replace(seen.product, weight=weight), seen.images)


def one_other_channel(seen: Seen) -> Answer:
    """A model whose weights of one output are larger by one."""
    weight = seen.product.weight.copy()
    weight[seen.random.integers(len(weight))] += 1
    return seen.of(replace(seen.product, weight=weight), seen.images)


def swapped_images(seen: Seen) -> Answer:
    """Each row is answered by another one's product."""
    return np.roll(seen.true, 1, axis=0)


def rounded_otherwise(seen: Seen) -> Answer:
    """The true product of inputs whose requantisation was off by one, here and there."""
    step = seen.random.integers(0, 2, seen.images.shape)
    step[:, 0, 0, 0] = 1
    off = np.where(seen.images > 0, seen.images - step, seen.images + step)
    return seen.of(seen.product, off.astype(seen.images.dtype))


def without_low_bits(seen: Seen) -> Answer:
    """What is left where a float of too few bits held it."""
    return seen.true & np.int32(~0xFF)


# Tamperings with one entry, of which there are to be most.
SINGLE: Mapping[str, Attack] = {
    each.__name__: each
    for each in (flip_a_bit, one_more, half_the_range_more, prime_more, any_number)
}
STRUCTURED: Mapping[str, Attack] = {
    each.__name__: each
    for each in (
        cancelling_pair,
        swapped_channels,
        stale,
        zeros,
        negated,
        doubled,
        rank_one,
        other_weights,
        one_other_channel,
        swapped_images,
        rounded_otherwise,
        without_low_bits,
    )
}
# Only where there is more than one pixel.
SPATIAL: Mapping[str, Attack] = {each.__name__: each for each in (swapped_pixels, shifted)}
ATTACKS: Mapping[str, Attack] = {**SINGLE, **STRUCTURED, **SPATIAL}


def fitting(pixels: int) -> dict[str, Attack]:
    """The attacks that change anything in products of so many pixels."""
    return {**SINGLE, **STRUCTURED, **(SPATIAL if pixels > 1 else {})}
