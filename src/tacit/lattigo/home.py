"""What every scheme on a ring has in common: its keys, and how its objects are loaded."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tacit.errors import EngineError
from tacit.lattigo.library import Held, Library, integers, threads
from tacit.lattigo.objects import EvaluationKeys, Kind, PublicKey, SecretKey
from tacit.lattigo.parameters import Chain

# Called with the number of keys that are made and that are to be made.
Progress = Callable[[int, int], None]

# Keys are handed over in small batches, so that progress shows.
KEYS_PER_THREAD = 2
# Diagonals are handed over in small batches, so that copies stay small.
DIAGONALS_PER_BATCH = 64

# What the engine measures; see bridge/measure.go.
MEASURES = ("ntt", "multiply_accumulate", "extend", "permute", "encode_fft")

# The giant and the baby step of a diagonal.
Steps = tuple[int, int]


class Home(Held):
    """One set of parameters, whose keys it makes and loads; made by its subclasses."""

    __slots__ = ("_chain",)

    def __init__(self, opened: Library, number: int, chain: Chain) -> None:
        super().__init__(opened, number)
        self._chain = chain

    @property
    def chain(self) -> Chain:
        """The primes and the size of the ring."""
        return self._chain

    @property
    def slots(self) -> int:
        """The number of values in a ciphertext."""
        return self._chain.slots

    @property
    def max_level(self) -> int:
        """The level of a fresh ciphertext."""
        return self._chain.max_level

    def secret_key(self) -> SecretKey:
        """A new secret key."""
        return SecretKey(self, self.opened.make("tacit_secret_key", self.number))

    def public_key(self, secret: SecretKey) -> PublicKey:
        """A new public key for a secret key."""
        return PublicKey(self, self.opened.make("tacit_public_key", secret.number))

    def evaluation_keys(
        self,
        secret: SecretKey,
        *,
        relinearisation_level: int | None,
        rotations: Mapping[int, int],
        progress: Progress | None = None,
    ) -> EvaluationKeys:
        """The keys for products and rotations (step to level), each good up to its level."""
        keys = EvaluationKeys(self, self.opened.make("tacit_keys", self.number))
        total = len(rotations) + (relinearisation_level is not None)
        report = progress or silent
        report(0, total)
        if relinearisation_level is not None:
            self.opened.call(
                "tacit_add_relinearisation", keys.number, secret.number, relinearisation_level
            )
        done = total - len(rotations)
        for batch in batches(rotations, KEYS_PER_THREAD * threads()):
            report(done, total)
            self.add_rotations(keys, secret, {step: rotations[step] for step in batch})
            done += len(batch)
        report(done, total)
        return keys

    def add_rotations(
        self, keys: EvaluationKeys, secret: SecretKey, rotations: Mapping[int, int]
    ) -> None:
        """Adds rotation keys to a set that is being made, in parallel."""
        steps, levels = integers(rotations.keys()), integers(rotations.values())
        self.opened.call(
            "tacit_add_rotations", keys.number, secret.number, steps, levels, len(steps)
        )

    def measure(self, level: int) -> dict[str, float]:
        """Seconds on one core of this host, for one limb each, except `encode_fft` for one vector.

        `multiply_accumulate` is one term of an inner product on both polynomials of a ciphertext;
        `extend` makes one limb of a digit; `permute` is a rotation's automorphism.
        """
        found = np.zeros(len(MEASURES))
        self.opened.call("tacit_measure", self.number, level, found)
        return dict(zip(MEASURES, found.tolist(), strict=True))

    def load_secret_key(self, data: bytes) -> SecretKey:
        """The secret key in a frame."""
        return SecretKey(self, self.load(Kind.SECRET_KEY, data))

    def load_public_key(self, data: bytes) -> PublicKey:
        """The public key in a frame."""
        return PublicKey(self, self.load(Kind.PUBLIC_KEY, data))

    def load_evaluation_keys(self, data: bytes | memoryview) -> EvaluationKeys:
        """The evaluation keys in a frame."""
        return EvaluationKeys(self, self.load(Kind.EVALUATION_KEYS, data))

    def load(self, kind: Kind, data: bytes | memoryview) -> int:
        """The handle of what a frame holds; anything wrong with it is an error."""
        view = np.frombuffer(data, dtype=np.uint8)
        return self.opened.make("tacit_load", self.number, int(kind), view, len(view))

    def read_evaluation_keys(self, path: Path) -> EvaluationKeys:
        """The evaluation keys in a file, read without a second copy in memory."""
        number = self.opened.make(
            "tacit_load_file", self.number, int(Kind.EVALUATION_KEYS), os.fsencode(path)
        )
        return EvaluationKeys(self, number)


def split_steps(
    offsets: Iterable[int], split: Mapping[int, Steps], *, period: int
) -> dict[int, Steps]:
    """The giant and baby step of every offset, modulo the slots of a row."""
    found = {}
    for offset in offsets:
        if offset not in split:
            raise EngineError(f"the split says nothing about the offset {offset}")
        giant, baby = split[offset]
        if (giant + baby - offset) % period != 0:
            raise EngineError(
                f"the steps {giant} and {baby} do not add up to {offset} modulo {period}"
            )
        found[offset] = giant % period, baby % period
    return found


def rotations_of(steps: Mapping[int, Steps]) -> frozenset[int]:
    """The rotations that a map with these steps takes."""
    return frozenset(step for pair in steps.values() for step in pair if step != 0)


def extend_map(
    name: str, made: Held, rows: Sequence[NDArray[Any]], steps: Sequence[Steps], *, slots: int
) -> None:
    """Encodes more diagonals, of contiguous words, of a map that is being made, in parallel."""
    for row in rows:
        if len(row) != slots:
            raise EngineError(f"a diagonal has {len(row)} values; {slots} wanted")
    addresses = np.array([row.ctypes.data for row in rows], dtype=np.uint64)
    giants, babies = np.array(steps, dtype=np.int64).reshape(-1, 2).T.copy()
    made.opened.call(name, made.number, addresses, giants, babies, len(rows))


def apply_maps(
    name: str,
    inputs: Sequence[Held],
    rows: Sequence[Sequence[Held | None]],
    keys: EvaluationKeys,
) -> list[int]:
    """The handles of a sum of matrices times ciphertexts for every row; None is a zero matrix."""
    for row in rows:
        if len(row) != len(inputs):
            raise EngineError(f"a row has {len(row)} maps for {len(inputs)} ciphertexts")
    operands = np.array([each.number for each in inputs], dtype=np.uint64)
    maps = np.array(
        [0 if item is None else item.number for row in rows for item in row], dtype=np.uint64
    )
    out = np.zeros(len(rows), dtype=np.uint64)
    keys.opened.call(name, operands, len(operands), maps, len(rows), keys.number, out)
    found: list[int] = out.tolist()
    return found


def moduli(primes: tuple[int, ...]) -> NDArray[np.uint64]:
    """Primes as words; one that does not fit is refused."""
    if not all(0 < prime < 1 << 63 for prime in primes):
        raise EngineError("a modulus does not fit in 63 bits", hint="use generate_primes")
    return np.array(primes, dtype=np.uint64)


def batches(keys: Mapping[int, object], size: int) -> list[list[int]]:
    """Keys in lists of up to a size."""
    rest = iter(keys)
    return list(iter(lambda: list(itertools.islice(rest, size)), []))


def silent(done: int, total: int) -> None:
    """Shows no progress."""
