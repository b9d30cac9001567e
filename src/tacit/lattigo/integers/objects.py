"""Vectors of integers that live in the engine: plaintexts and ciphertexts."""

from __future__ import annotations

from typing import final

import numpy as np

from tacit.lattigo.objects import Matrix, Storable


class Integers(Storable):
    """A vector of integers at a level; made by its subclasses."""

    __slots__ = ()

    @property
    def level(self) -> int:
        """The number of times that this can still be divided by a prime."""
        return self.describe()[0]

    @property
    def degree(self) -> int:
        """One; two for a product that is not relinearised; zero for a plaintext."""
        return self.describe()[1]

    @property
    def factor(self) -> int:
        """What the values are multiplied by inside, modulo the plaintext modulus."""
        return self.describe()[2]

    def describe(self) -> tuple[int, int, int]:
        """Level, degree and factor."""
        numbers = np.zeros(3, dtype=np.int64)
        self.opened.call("tacit_bgv_describe", self.number, numbers[:1], numbers[1:2], numbers[2:])
        return int(numbers[0]), int(numbers[1]), int(numbers[2])

    def __repr__(self) -> str:
        level, degree, factor = self.describe()
        return f"{type(self).__name__}(level={level}, degree={degree}, factor={factor})"


@final
class Ciphertext(Integers):
    """An encrypted vector of integers."""

    __slots__ = ()


@final
class Plaintext(Integers):
    """An encoded vector of integers, to be encrypted or to be combined with ciphertexts."""

    __slots__ = ()


@final
class LinearMap(Matrix):
    """A matrix of integers on both rows of slots, which rotate alike."""

    __slots__ = ()
