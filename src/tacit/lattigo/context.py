"""A CKKS scheme with its tables: encodes, encrypts, decrypts and loads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tacit.errors import EngineError
from tacit.lattigo.home import (
    DIAGONALS_PER_BATCH,
    Home,
    batches,
    extend_map,
    moduli,
    rotations_of,
    split_steps,
)
from tacit.lattigo.library import library, real
from tacit.lattigo.objects import Ciphertext, Kind, LinearMap, Plaintext, PublicKey, SecretKey
from tacit.lattigo.parameters import Parameters

FloatArray = NDArray[np.float64]


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
        steps = split_steps(diagonals, split, period=self.slots)
        number = self.opened.make("tacit_ckks_linear_map", self.number, level, real(scale))
        made = LinearMap(self, number, rotations_of(steps), level, scale)
        for batch in batches(diagonals, DIAGONALS_PER_BATCH):
            rows = [vector(diagonals[offset]) for offset in batch]
            pairs = [steps[offset] for offset in batch]
            extend_map("tacit_ckks_extend_map", made, rows, pairs, slots=self.slots)
        return made

    def load_ciphertext(self, data: bytes) -> Ciphertext:
        """The ciphertext in a frame."""
        return Ciphertext(self, self.load(Kind.CIPHERTEXT, data))


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
