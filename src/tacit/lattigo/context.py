"""A CKKS scheme with its tables: encodes, encrypts, decrypts and loads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tacit.errors import EngineError
from tacit.lattigo.home import Home, batches, moduli
from tacit.lattigo.library import library, real
from tacit.lattigo.objects import Ciphertext, Kind, LinearMap, Plaintext, PublicKey, SecretKey
from tacit.lattigo.parameters import Parameters

FloatArray = NDArray[np.float64]

# Diagonals are handed over in small batches, so that copies stay small.
DIAGONALS_PER_BATCH = 64


@final
class Context(Home):
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
        super().__init__(opened, number, parameters)
        self._parameters = parameters

    @property
    def parameters(self) -> Parameters:
        """What this was made from."""
        return self._parameters

    def __repr__(self) -> str:
        return f"Context({self._parameters})"

    def encode(self, values: ArrayLike, *, level: int, scale: float) -> Plaintext:
        """A vector as a plaintext; slots beyond the values hold zero."""
        row = vector(values)
        number = self.opened.make(
            "tacit_ckks_encode", self.number, row, len(row), level, real(scale)
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
            real(flood),
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
        number = self.opened.make("tacit_ckks_linear_map", self.number, level, real(scale))
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

    def load_ciphertext(self, data: bytes) -> Ciphertext:
        """The ciphertext in a frame."""
        return Ciphertext(self, self.load(Kind.CIPHERTEXT, data))

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


def vector(values: ArrayLike) -> FloatArray:
    """One-dimensional values as contiguous doubles."""
    row = np.ascontiguousarray(values)
    if row.ndim != 1 or row.dtype.kind not in "fiub":
        raise EngineError(
            f"a vector of real numbers is wanted, not {row.dtype} of shape {row.shape}"
        )
    return row.astype(np.float64, copy=False)
