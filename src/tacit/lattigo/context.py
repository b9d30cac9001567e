"""A CKKS scheme with its tables: makes keys, encodes, encrypts, decrypts and loads."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tacit.errors import EngineError
from tacit.lattigo.library import Held, library, threads
from tacit.lattigo.objects import (
    Ciphertext,
    EvaluationKeys,
    Kind,
    LinearMap,
    Plaintext,
    PublicKey,
    SecretKey,
)
from tacit.lattigo.parameters import Parameters

FloatArray = NDArray[np.float64]

# Called with the number of keys that are made and that are to be made.
Progress = Callable[[int, int], None]

# Keys and diagonals are handed over in small batches: progress shows, and copies stay small.
KEYS_PER_THREAD = 2
DIAGONALS_PER_BATCH = 64


@final
class Context(Held):
    """One set of parameters, ready for use from any number of threads."""

    __slots__ = ("_parameters",)

    def __init__(self, parameters: Parameters) -> None:
        opened = library()
        q, p = moduli(parameters.q), moduli(parameters.p)
        number = opened.make(
            "tacit_ckks_context",
            parameters.log_n,
            parameters.ring.value,
            parameters.log_scale,
            secret_weight(parameters),
            q,
            len(q),
            p,
            len(p),
        )
        super().__init__(opened, number)
        self._parameters = parameters

    @property
    def parameters(self) -> Parameters:
        """What this was made from."""
        return self._parameters

    @property
    def slots(self) -> int:
        """The number of values in a ciphertext."""
        return self._parameters.slots

    @property
    def max_level(self) -> int:
        """The level of a fresh ciphertext."""
        return self._parameters.max_level

    def __repr__(self) -> str:
        return f"Context({self._parameters})"

    def secret_key(self) -> SecretKey:
        """A new secret key."""
        return SecretKey(self, self.opened.make("tacit_ckks_secret_key", self.number))

    def public_key(self, secret: SecretKey) -> PublicKey:
        """A new public key for a secret key."""
        return PublicKey(self, self.opened.make("tacit_ckks_public_key", secret.number))

    def evaluation_keys(
        self,
        secret: SecretKey,
        *,
        relinearisation_level: int | None,
        rotations: Mapping[int, int],
        progress: Progress | None = None,
    ) -> EvaluationKeys:
        """The keys for products and rotations (step to level), each good up to its level."""
        keys = EvaluationKeys(self, self.opened.make("tacit_ckks_keys", self.number))
        total = len(rotations) + (relinearisation_level is not None)
        report = progress or silent
        report(0, total)
        if relinearisation_level is not None:
            self.opened.call(
                "tacit_ckks_add_relinearisation", keys.number, secret.number, relinearisation_level
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
            "tacit_ckks_add_rotations", keys.number, secret.number, steps, levels, len(steps)
        )

    def encode(self, values: ArrayLike, *, level: int, scale: float) -> Plaintext:
        """A vector as a plaintext; slots beyond the values hold zero."""
        row = vector(values)
        number = self.opened.make(
            "tacit_ckks_encode", self.number, row, len(row), level, float(scale)
        )
        return Plaintext(self, number)

    def decode(self, plaintext: Plaintext) -> FloatArray:
        """The vector of all slots."""
        values = np.empty(self.slots)
        self.opened.call("tacit_ckks_decode", plaintext.number, values, len(values))
        return values

    def encrypt(self, plaintext: Plaintext, key: SecretKey | PublicKey) -> Ciphertext:
        """A ciphertext; under the secret key it is less noisy and half as big on the wire."""
        return Ciphertext(
            self, self.opened.make("tacit_ckks_encrypt", plaintext.number, key.number)
        )

    def decrypt(
        self, ciphertext: Ciphertext, secret: SecretKey, *, flood: float = 0.0
    ) -> FloatArray:
        """The vector of all slots.

        Whoever gives the result to the server must flood it: add normal noise of this standard
        deviation, in units of the values, since the scheme's own noise tells about the secret.
        """
        values = np.empty(self.slots)
        self.opened.call(
            "tacit_ckks_decrypt",
            ciphertext.number,
            secret.number,
            float(flood),
            values,
            len(values),
        )
        return values

    def linear_map(
        self,
        diagonals: Mapping[int, FloatArray],
        *,
        level: int,
        scale: float,
        split: Mapping[int, tuple[int, int]],
    ) -> LinearMap:
        """The matrix with y[s] = Σ diagonals[offset][s] · x[(s + offset) mod slots].

        `split` gives for every offset a giant and a baby step that add up to it modulo the slots:
        the distinct ones other than zero are the rotations that applying the map takes.
        The mapping is read diagonal by diagonal, so it may make them as they are asked for.
        """
        number = self.opened.make("tacit_ckks_linear_map", self.number, level, float(scale))
        steps = {offset: self.checked_split(offset, split) for offset in diagonals}
        rotations = frozenset(step for pair in steps.values() for step in pair if step != 0)
        made = LinearMap(self, number, rotations, level, scale)
        for batch in batches(diagonals, DIAGONALS_PER_BATCH):
            rows = [vector(diagonals[offset]) for offset in batch]
            self.extend_map(made, rows, [steps[offset] for offset in batch])
        return made

    def checked_split(self, offset: int, split: Mapping[int, tuple[int, int]]) -> tuple[int, int]:
        """An offset's giant and baby step, modulo the number of slots."""
        if offset not in split:
            raise EngineError(f"the split says nothing about the offset {offset}")
        giant, baby = split[offset]
        if (giant + baby - offset) % self.slots != 0:
            raise EngineError(
                f"the steps {giant} and {baby} do not add up to {offset} modulo {self.slots}"
            )
        return giant % self.slots, baby % self.slots

    def extend_map(
        self, made: LinearMap, rows: list[FloatArray], steps: list[tuple[int, int]]
    ) -> None:
        """Encodes more diagonals of a map that is being made, in parallel."""
        for row in rows:
            if len(row) != self.slots:
                raise EngineError(f"a diagonal has {len(row)} values; {self.slots} wanted")
        addresses = np.array([row.ctypes.data for row in rows], dtype=np.uint64)
        giants, babies = np.array(steps, dtype=np.int64).reshape(-1, 2).T.copy()
        self.opened.call("tacit_ckks_extend_map", made.number, addresses, giants, babies, len(rows))

    def load_secret_key(self, data: bytes) -> SecretKey:
        """The secret key in a frame."""
        return SecretKey(self, self.load(Kind.SECRET_KEY, data))

    def load_public_key(self, data: bytes) -> PublicKey:
        """The public key in a frame."""
        return PublicKey(self, self.load(Kind.PUBLIC_KEY, data))

    def load_evaluation_keys(self, data: bytes | memoryview) -> EvaluationKeys:
        """The evaluation keys in a frame."""
        return EvaluationKeys(self, self.load(Kind.EVALUATION_KEYS, data))

    def load_ciphertext(self, data: bytes) -> Ciphertext:
        """The ciphertext in a frame."""
        return Ciphertext(self, self.load(Kind.CIPHERTEXT, data))

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

    def measure(self, level: int) -> dict[str, float]:
        """Seconds on one core of this host, for one limb each, except `encode_fft` for one vector.

        `multiply_accumulate` is one term of an inner product on both polynomials of a ciphertext;
        `extend` makes one limb of a digit; `permute` is a rotation's automorphism.
        """
        found = np.zeros(5)
        self.opened.call("tacit_ckks_measure", self.number, level, found)
        names = ("ntt", "multiply_accumulate", "extend", "permute", "encode_fft")
        return dict(zip(names, found.tolist(), strict=True))


def secret_weight(parameters: Parameters) -> int:
    """The secret's weight as the bridge takes it: 0 is uniform ternary."""
    if parameters.secret_weight is None:
        return 0
    if parameters.secret_weight < 1:
        raise EngineError(f"secret_weight is {parameters.secret_weight}; 1 is the least")
    return parameters.secret_weight


def moduli(primes: tuple[int, ...]) -> NDArray[np.uint64]:
    """Primes as words; one that does not fit is refused."""
    if not all(0 < prime < 1 << 63 for prime in primes):
        raise EngineError("a modulus does not fit in 63 bits", hint="use generate_primes")
    return np.array(primes, dtype=np.uint64)


def vector(values: ArrayLike) -> FloatArray:
    """One-dimensional values as contiguous doubles."""
    row = np.ascontiguousarray(values)
    if row.ndim != 1 or row.dtype.kind not in "fiub":
        raise EngineError(
            f"a vector of real numbers is wanted, not {row.dtype} of shape {row.shape}"
        )
    return row.astype(np.float64, copy=False)


def integers(values: Iterable[int]) -> NDArray[np.int64]:
    """Integers as words."""
    return np.fromiter(values, dtype=np.int64)


def batches(keys: Mapping[int, object], size: int) -> list[list[int]]:
    """Keys in lists of up to a size."""
    rest = iter(keys)
    return list(iter(lambda: list(itertools.islice(rest, size)), []))


def silent(done: int, total: int) -> None:
    """Shows no progress."""
