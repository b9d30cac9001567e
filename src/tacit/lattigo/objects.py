"""What lives in the engine: keys, plaintexts, ciphertexts, linear maps."""

from __future__ import annotations

import enum
import os
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np

from tacit.lattigo.library import Held
from tacit.lattigo.parameters import Chain, key_memory

if TYPE_CHECKING:
    from tacit.lattigo.home import Home


class Kind(enum.IntEnum):
    """The kinds of frames; the numbers are those of bridge/frame.go."""

    SECRET_KEY = 1
    PUBLIC_KEY = 2
    EVALUATION_KEYS = 3
    CIPHERTEXT = 4
    INTEGER_CIPHERTEXT = 5


class Member(Held):
    """Something that belongs to a context; made by its subclasses."""

    __slots__ = ("_context",)

    def __init__(self, context: Home, number: int) -> None:
        super().__init__(context.opened, number)
        self._context = context

    @property
    def parameters(self) -> Chain:
        """What is known of every scheme's parameters."""
        return self._context.chain


class Storable(Member):
    """Something that has bytes; made by its subclasses."""

    __slots__ = ()

    @property
    def nbytes(self) -> int:
        """The length of `to_bytes()`."""
        size = np.zeros(1, dtype=np.int64)
        self.opened.call("tacit_size", self.number, size)
        return int(size[0])

    def to_bytes(self) -> bytes:
        """A frame that names kind, version and parameters, and ends with a checksum."""
        data = np.empty(self.nbytes, dtype=np.uint8)
        self.opened.call("tacit_store", self.number, data, len(data))
        return data.tobytes()


@final
class SecretKey(Storable):
    """The key that decrypts; whoever holds its bytes holds every secret."""

    __slots__ = ()


@final
class PublicKey(Storable):
    """A key that encrypts and cannot decrypt."""

    __slots__ = ()


@final
class EvaluationKeys(Storable):
    """What a server needs to compute: a relinearisation key and rotation keys."""

    __slots__ = ()

    @property
    def relinearisation_level(self) -> int | None:
        """The level up to which products can be relinearised."""
        return self.levels().get(0)

    @property
    def rotations(self) -> dict[int, int]:
        """The level up to which each step can be rotated by."""
        return {step: level for step, level in self.levels().items() if step != 0}

    @property
    def memory(self) -> int:
        """The bytes of memory that the keys take; to_bytes() is less than half."""
        return sum(key_memory(self.parameters, level) for level in self.levels().values())

    def levels(self) -> dict[int, int]:
        """The level of every key by its step; 0 is relinearisation."""
        capacity = self.parameters.slots
        steps, levels = np.zeros(capacity, dtype=np.int64), np.zeros(capacity, dtype=np.int64)
        count = np.zeros(1, dtype=np.int64)
        self.opened.call("tacit_list_keys", self.number, steps, levels, capacity, count)
        found = int(count[0])
        return dict(zip(steps[:found].tolist(), levels[:found].tolist(), strict=True))

    def write(self, path: Path) -> None:
        """Writes `to_bytes()` to a file, without a second copy in memory."""
        self.opened.call("tacit_store_file", self.number, os.fsencode(path))


class Scaled(Storable):
    """A vector at a level and a scale; made by its subclasses."""

    __slots__ = ()

    @property
    def level(self) -> int:
        """The number of times that this can still be rescaled."""
        return self.describe()[0]

    @property
    def degree(self) -> int:
        """One; two for a product that is not relinearised; zero for a plaintext."""
        return self.describe()[1]

    @property
    def scale(self) -> float:
        """The factor by which the values are multiplied."""
        return self.describe()[2]

    def describe(self) -> tuple[int, int, float]:
        """Level, degree and scale."""
        numbers, scale = np.zeros(2, dtype=np.int64), np.zeros(1)
        self.opened.call("tacit_ckks_describe", self.number, numbers[:1], numbers[1:], scale)
        return int(numbers[0]), int(numbers[1]), float(scale[0])

    def __repr__(self) -> str:
        level, degree, scale = self.describe()
        return (
            f"{type(self).__name__}(level={level}, degree={degree}, scale=2**{np.log2(scale):.3f})"
        )


@final
class Ciphertext(Scaled):
    """An encrypted vector."""

    __slots__ = ()


@final
class Plaintext(Scaled):
    """An encoded vector, to be encrypted or to be combined with ciphertexts."""

    __slots__ = ()


class Matrix(Member):
    """A matrix on the slots, encoded for ciphertexts up to a level; made by its subclasses."""

    __slots__ = ("_level", "_rotations")

    def __init__(self, context: Home, number: int, rotations: frozenset[int], level: int) -> None:
        super().__init__(context, number)
        self._rotations = rotations
        self._level = level

    @property
    def rotations(self) -> frozenset[int]:
        """The steps for which keys are needed, at the level of the ciphertext."""
        return self._rotations

    @property
    def level(self) -> int:
        """The highest level of a ciphertext that this may be applied to."""
        return self._level


@final
class LinearMap(Matrix):
    """A matrix of real numbers."""

    __slots__ = ("_scale",)

    def __init__(
        self, context: Home, number: int, rotations: frozenset[int], level: int, scale: float
    ) -> None:
        super().__init__(context, number, rotations, level)
        self._scale = scale

    @property
    def scale(self) -> float:
        """The factor by which applying this multiplies a ciphertext's scale."""
        return self._scale
