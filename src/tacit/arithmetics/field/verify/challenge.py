"""Secret challenges: Freivalds' check (1977) of one product, for convolutions of images.

With alpha, beta and s uniform in a field, left = Σ alpha^h beta^w s_o y[h, w, o] must equal
right = <g, x>, where g is the transposed product of the same weights. Between two neighbouring
rows or columns that meet the same kernel taps g differs by a factor alpha or beta, so that tables
of a few rows hold all of it.
"""

from __future__ import annotations

import math
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.field.ops import Product
from tacit.arithmetics.field.verify.geometry import Image, geometry
from tacit.arithmetics.field.verify.lanes import NARROW
from tacit.arithmetics.field.verify.modular import Numbers, drawn, field
from tacit.arithmetics.field.verify.prepare import Tables, empty, prepare
from tacit.arithmetics.field.verify.prime import Prime
from tacit.arithmetics.field.verify.rows import narrow_images, wide_images
from tacit.ir.graph import Shape

# Weights of so many bits are one word of limbs.
WORD_BITS = 52
Residues = NDArray[np.uint64]
# A table and its rows' powers; a table, its rows' powers, their types, and types, words, entries.
Asked = tuple[NDArray[np.uint32], Numbers]
Given = tuple[NDArray[np.int16], Numbers, Numbers, tuple[int, int, int]]


class Challenge:
    """A secret question about one product; to be destroyed once it is answered.

    Numbers modulo the prime come as arrays (images, repetitions); images are NHWC. Each image of
    a batch is checked by itself, with the same secrets: the worker's answer to all of them is
    fixed before it learns anything, so that each wrong image is accepted with the same chance.
    """

    __slots__ = ("_alive", "_asked", "_given", "_tables", "field", "image", "kinds", "result")

    def __init__(self, product: Product, shape: Shape, modulus: int, repetitions: int) -> None:
        """Draw and prepare; `fresh` is the door."""
        layer = geometry(product, shape)
        self.image: Image = layer.image
        self.result: Image = layer.result
        # The type of each row of the input, -1 where it meets no weight.
        self.kinds = layer.rows.kind
        self.field = field(modulus)
        words = -(-modulus.bit_length() // WORD_BITS)
        tables = empty(layer, repetitions, words)
        for repetition in range(repetitions):
            secrets = drawn(2 + len(layer.weight), modulus)
            prepare(layer, secrets, self.field, tables, repetition)
            secrets[:] = 0
        self._tables, self._alive = tables, True
        _, types, _, _, width = tables.given.shape
        self._asked: Asked = (tables.result.reshape(-1), tables.result_powers[0])
        self._given: Given = (
            tables.given.reshape(-1),
            tables.given_powers,
            self.kinds,
            (types, words, width),
        )

    @classmethod
    def fresh(cls, product: Product, shape: Shape, prime: Prime, repetitions: int) -> Challenge:
        """New secrets for inputs of this graph shape, prepared."""
        return cls(product, shape, prime.modulus, repetitions)

    def __reduce__(self) -> NoReturn:
        """A secret is not copied and not stored."""
        raise AssertionError("a challenge is secret")

    @property
    def modulus(self) -> int:
        """The prime."""
        return int(self.field[0])

    @property
    def tables(self) -> Tables:
        """All that comes of its secrets."""
        assert self._alive, "a challenge was used after it was destroyed"
        return self._tables

    @property
    def is_simple(self) -> bool:
        """Whether one pass over a row answers it: one repetition, numbers of one word."""
        return self._tables.result.shape[:2] == (1, 1)

    @property
    def asked(self) -> Asked:
        """What the pass over a result takes, where it is simple."""
        assert self._alive, "a challenge was used after it was destroyed"
        return self._asked

    @property
    def given(self) -> Given:
        """What the pass over a result takes for the next product's input."""
        assert self._alive, "a challenge was used after it was destroyed"
        return self._given

    def left(self, y: NDArray[np.int32]) -> Residues:
        """What the result, int32 (images, H, W, outputs), comes to."""
        assert y.dtype == np.int32
        assert y.flags.c_contiguous
        assert y.shape[1:] == self.result
        tables = self.tables
        found: Residues = wide_images(
            y.reshape(len(y), self.result[0], -1),
            (tables.result[:, None], tables.result_powers, np.zeros(self.result[0], np.int64)),
            self.field,
        )
        return found

    def right(self, x: NDArray[np.uint8] | NDArray[np.int32]) -> Residues:
        """What the input, uint8 or int32, comes to; its entries are the image's, in order."""
        assert x.flags.c_contiguous
        assert math.prod(x.shape[1:]) == math.prod(self.image)
        tables = self.tables
        rows = x.reshape(len(x), self.image[0], -1)
        if x.dtype == np.uint8:
            weights = (tables.given, tables.given_powers, self.kinds)
            narrow: Residues = narrow_images(rows, weights, self.field)
            return narrow
        assert x.dtype == np.int32
        wider = tables.given[..., ::2, :] + (tables.given[..., 1::2, :].astype(np.uint32) << NARROW)
        weights = (wider.astype(np.uint32), tables.given_powers, self.kinds)
        wide: Residues = wide_images(rows, weights, self.field)
        wider[...] = 0
        return wide

    def is_canonical(self, y: NDArray[np.int32]) -> bool:
        """Whether every entry is the centred one of those that are equal modulo the prime."""
        half = (self.modulus - 1) // 2
        return half >= 2**31 or bool(y.min() >= -half and y.max() <= half)

    def destroy(self) -> None:
        """Overwrite the secrets; to use it afterwards is a mistake."""
        for each in (
            self._tables.result,
            self._tables.result_powers,
            self._tables.given,
            self._tables.given_powers,
        ):
            each[...] = 0
        self._alive = False
