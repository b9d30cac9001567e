"""What this machine takes for the parts that all work under a scheme is a sum of.

The parts are operations on one limb, a polynomial modulo one prime. The counts follow the
bridge's algorithms: double-hoisted linear maps and hybrid key switching with
ceil((level + 1) / special primes) digits.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from typing import Generic, TypeVar

# A sample of real work: so many baby and giant steps, repeated until the median is steady.
SIDE = 4
LEAST_SAMPLES = 7
LEAST_SECONDS = 0.2

# An interpreter with NumPy, SciPy and the bridge loaded: measured, before any context is made.
RUNTIME_BYTES = 130 << 20
# The bridge's collector lets its heap grow by this part of what lives before it collects: its
# `collectEagerly` in bridge/main.go.
HEAP_SLACK = 0.12

Keys = TypeVar("Keys")
Matrix = TypeVar("Matrix")


@dataclass(frozen=True)
class Parts:
    """How many operations on one limb: the terms in which all work is counted."""

    ntt: float = 0.0
    multiply_accumulate: float = 0.0
    extend: float = 0.0
    permute: float = 0.0

    def __add__(self, other: Parts) -> Parts:
        return Parts(
            *(getattr(self, each.name) + getattr(other, each.name) for each in fields(self))
        )

    def __mul__(self, count: float) -> Parts:
        return Parts(*(getattr(self, each.name) * count for each in fields(self)))

    def seconds(self, unit: Mapping[str, float]) -> float:
        """The time that they take on one core, given the seconds of one of each."""
        return sum(float(getattr(self, each.name)) * unit[each.name] for each in fields(self))


@dataclass(frozen=True)
class Limbs:
    """The sizes that a level has: limbs of Q, of P, and digits of a key switch."""

    q: int
    p: int

    @property
    def both(self) -> int:
        """Limbs of Q and P."""
        return self.q + self.p

    @property
    def digits(self) -> int:
        """Digits of a key switch."""
        return -(-self.q // self.p)

    def decompose(self) -> Parts:
        """One polynomial into digits, each modulo QP."""
        transforms = self.q + self.digits * self.q
        return Parts(ntt=transforms, extend=self.digits * self.both)

    def switch(self) -> Parts:
        """Digits times a key."""
        return Parts(multiply_accumulate=self.digits * self.both)

    def divide(self) -> Parts:
        """One polynomial modulo QP divided by P."""
        return Parts(ntt=self.both, extend=self.q, multiply_accumulate=self.q / 2)

    def relinearise(self) -> Parts:
        """A product of degree two back to degree one."""
        return self.decompose() + self.switch() + self.divide() * 2

    def rotate(self) -> Parts:
        """One rotation on its own, and the addition to what it is folded with."""
        return self.relinearise() + Parts(permute=2 * self.q, multiply_accumulate=self.q)

    def rescale(self) -> Parts:
        """Both polynomials divided by the last prime."""
        return Parts(ntt=2 * self.q, multiply_accumulate=self.q)

    def relinearise_and_rescale(self) -> Parts:
        """Both at once, which transforms each limb of the result once instead of twice."""
        # The limbs of P, the last one of Q, and forwards those of the result.
        both = Parts(ntt=self.both, extend=self.q, multiply_accumulate=1.5 * self.q) * 2
        return self.decompose() + self.switch() + both

    def tensor(self) -> Parts:
        """The product of two ciphertexts, of degree two."""
        return Parts(multiply_accumulate=3 * self.q)

    def apply(self, babies: int, giants: int, diagonals: int) -> Parts:
        """A matrix of diagonals times one ciphertext, by so many baby and giant rotations."""
        baby = self.switch() + Parts(multiply_accumulate=self.q / 2, permute=2 * self.both)
        giant = self.divide() + self.decompose() + self.switch() + Parts(permute=3 * self.both)
        shared = self.decompose() * (babies > 0) + self.divide() * 2
        products = Parts(multiply_accumulate=self.both) * diagonals
        return shared + baby * babies + giant * giants + products


@dataclass(frozen=True)
class Host:
    """What real work takes on this machine.

    `unit` holds the seconds of one of each of the parts, timed on data that stay in the cache.
    `overhead` is by how much real work is slower than its parts: cold caches, allocation, threads.
    `key` and `diagonal` are the seconds of making one limb of either.
    """

    unit: Mapping[str, float]
    overhead: float
    key: float
    diagonal: float

    def seconds(self, parts: Parts) -> float:
        """The CPU seconds that the parts take in real work."""
        return parts.seconds(self.unit) * self.overhead


@dataclass(frozen=True)
class Sample(Generic[Keys, Matrix]):
    """A little real work under a scheme, in the three calls that are timed.

    `keys` makes those of the rotations given; `matrix` encodes a diagonal for every offset of a
    split into giant and baby steps; `work` applies it once, and adds the result's rotation by one.
    """

    keys: Callable[[Collection[int]], Keys]
    matrix: Callable[[Mapping[int, tuple[int, int]]], Matrix]
    work: Callable[[Keys, Matrix], object]


def timed(sample: Sample[Keys, Matrix], limbs: Limbs, unit: Mapping[str, float]) -> Host:
    """What the sample, at a level of these limbs, shows of real work on this machine."""
    split = {b + SIDE * g: (SIDE * g, b) for g in range(SIDE) for b in range(SIDE)}
    rotations = dict.fromkeys(step for pair in split.values() for step in pair if step)
    before = time.process_time()
    keys = sample.keys(rotations.keys())
    key = (time.process_time() - before) / (len(rotations) * limbs.digits * limbs.both)
    before = time.process_time()
    matrix = sample.matrix(split)
    diagonal = (time.process_time() - before) / (len(split) * limbs.both)
    real = _median(lambda: sample.work(keys, matrix))
    counted = limbs.apply(SIDE - 1, SIDE - 1, len(split)) + limbs.rotate()
    return Host(unit, max(1.0, real / counted.seconds(unit)), key, diagonal)


def _median(work: Callable[[], object]) -> float:
    """The median CPU seconds of a call."""
    seconds: list[float] = []
    while len(seconds) < LEAST_SAMPLES or sum(seconds) < LEAST_SECONDS:
        before = time.process_time()
        work()
        seconds.append(time.process_time() - before)
    return statistics.median(seconds)


def peak_bytes(heap: int, mapped: int) -> int:
    """A server's predicted peak: what lives in the bridge, and what is mapped or held beside it."""
    return int(RUNTIME_BYTES + mapped + heap * (1.0 + HEAP_SLACK))
