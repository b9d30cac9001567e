"""A context of integers with its keys, and what tests do with it all the time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tacit.lattigo import SecretKey
from tacit.lattigo.integers import PLAINTEXT_MODULUS, Ciphertext, Context, Evaluator, Scheme

Vector = NDArray[np.int64]


@dataclass(frozen=True)
class Scene:
    """A scheme, its secret, and an evaluator with keys for products and a few rotations."""

    context: Context
    secret: SecretKey
    evaluator: Evaluator

    @property
    def top(self) -> int:
        """The level of a fresh ciphertext."""
        return self.context.max_level

    @property
    def divides(self) -> bool:
        """Whether products are to be rescaled."""
        return self.context.parameters.scheme is Scheme.BGV

    def sample(self, seed: int) -> Vector:
        """Two vectors of all slots, of every residue modulo 65537."""
        return np.random.default_rng(seed).integers(-32768, 32769, (2, self.context.slots))

    def seal(self, values: Vector, level: int | None = None) -> Ciphertext:
        """Values encrypted under the secret key."""
        encoded = self.context.encode(values, level=self.top if level is None else level)
        return self.context.encrypt(encoded, self.secret)

    def unseal(self, ciphertext: Ciphertext) -> Vector:
        """The values of all slots."""
        return self.context.decrypt(ciphertext, self.secret)

    def budget(self, ciphertext: Ciphertext) -> float:
        """The noise budget that is left."""
        return self.context.noise_budget(ciphertext, self.secret)


def centred(values: Vector, modulus: int = PLAINTEXT_MODULUS) -> Vector:
    """The representatives between -t/2 and t/2."""
    half = modulus // 2
    return (values + half) % modulus - half
