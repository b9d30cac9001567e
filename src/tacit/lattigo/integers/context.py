"""A scheme of integers with its tables: encodes, encrypts, decrypts and loads."""

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
from tacit.lattigo.integers.objects import Ciphertext, LinearMap, Plaintext
from tacit.lattigo.integers.parameters import Parameters, Scheme
from tacit.lattigo.library import library
from tacit.lattigo.objects import Kind, PublicKey, SecretKey

IntegerArray = NDArray[np.int64]


@final
class Context(Home):
    """One set of parameters, ready for use from any number of threads.

    Values are integers modulo the plaintext modulus t, given and shown between -t/2 and t/2.
    """

    __slots__ = ("_parameters",)

    def __init__(self, parameters: Parameters) -> None:
        opened = library()
        q, p = moduli(parameters.q), moduli(parameters.p)
        number = opened.make(
            "tacit_bgv_context",
            parameters.log_n,
            int(parameters.scheme is Scheme.BFV),
            int(moduli((parameters.plaintext_modulus,))[0]),
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

    def encode(self, values: ArrayLike, *, level: int) -> Plaintext:
        """A vector of integers between -t and t as a plaintext; slots beyond it hold zero."""
        row = vector(values)
        return Plaintext(
            self, self.opened.make("tacit_bgv_encode", self.number, row, len(row), level)
        )

    def decode(self, plaintext: Plaintext) -> IntegerArray:
        """The vector of all slots, between -t/2 and t/2."""
        values = np.empty(self.slots, dtype=np.int64)
        self.opened.call("tacit_bgv_decode", plaintext.number, values, len(values))
        return values

    def encrypt(self, plaintext: Plaintext, key: SecretKey | PublicKey) -> Ciphertext:
        """A ciphertext; under the secret key it is less noisy and half as big on the wire."""
        return Ciphertext(self, self.opened.make("tacit_bgv_encrypt", plaintext.number, key.number))

    def decrypt(self, ciphertext: Ciphertext, secret: SecretKey) -> IntegerArray:
        """The vector of all slots, between -t/2 and t/2: exact, or an error.

        EngineError is raised when less than one bit of noise budget is left, since values may then
        be wrong; so it is for the key of somebody else. A ciphertext without noise, such as the
        difference of one and itself, hides nothing, and this is not promised of its multiples.
        Whoever holds the secret must not tell the server that this happened: it says something of
        the noise, and so of the secret.
        """
        values = np.empty(self.slots, dtype=np.int64)
        self.opened.call("tacit_bgv_decrypt", ciphertext.number, secret.number, values, len(values))
        return values

    def noise_budget(self, ciphertext: Ciphertext, secret: SecretKey) -> float:
        """The bits by which the noise may still grow; 0 where decryption is refused.

        Noise is measured as log2 of t times the phase's largest coefficient, against half of Q.
        """
        bits = np.zeros(1)
        self.opened.call("tacit_bgv_noise_budget", ciphertext.number, secret.number, bits)
        return float(bits[0])

    def linear_map(
        self,
        diagonals: Mapping[int, IntegerArray],
        *,
        level: int,
        split: Mapping[int, tuple[int, int]],
    ) -> LinearMap:
        """The matrix with y[s] = Σ diagonals[offset][s] · x[s + offset], in each row of slots.

        A diagonal has the values of all slots, the second row's after the first's, and offsets
        count modulo the slots of a row. `split` gives for every offset a giant and a baby step
        that add up to it: the distinct ones other than zero are the rotations that applying the
        map takes. The mapping is read diagonal by diagonal, so it may make them when asked.
        """
        steps = split_steps(diagonals, split, period=self.slots // 2)
        number = self.opened.make("tacit_bgv_linear_map", self.number, level)
        made = LinearMap(self, number, rotations_of(steps), level)
        modulus = self._parameters.plaintext_modulus
        for batch in batches(diagonals, DIAGONALS_PER_BATCH):
            rows = [vector(diagonals[offset]) % modulus for offset in batch]
            pairs = [steps[offset] for offset in batch]
            extend_map("tacit_bgv_extend_map", made, rows, pairs, slots=self.slots)
        return made

    def load_ciphertext(self, data: bytes) -> Ciphertext:
        """The ciphertext in a frame."""
        return Ciphertext(self, self.load(Kind.INTEGER_CIPHERTEXT, data))


def vector(values: ArrayLike) -> IntegerArray:
    """One-dimensional integers as contiguous words."""
    row = np.ascontiguousarray(values)
    # An empty list is of doubles, and no value is a wrong one.
    if row.ndim != 1 or (row.dtype.kind not in "iub" and row.size):
        raise EngineError(f"a vector of integers is wanted, not {row.dtype} of shape {row.shape}")
    if row.dtype == np.uint64 and row.size and int(row.max()) >> 63:
        raise EngineError(f"the value {row.max()} does not fit in 63 bits")
    return row.astype(np.int64, copy=False)
