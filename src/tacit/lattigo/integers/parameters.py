"""The parameters of BGV and BFV: the ring, its primes, and the plaintext modulus."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from tacit.lattigo.parameters import Chain
from tacit.lattigo.parameters import ciphertext_bytes as unmarked_bytes

# The Fermat prime 2^16 + 1 is 1 modulo 2N, and so fills every slot, for all N up to 2^15.
PLAINTEXT_MODULUS = 65537

# A ciphertext's factor; see bridge/bgv_types.go.
FACTOR_BYTES = 8


class Scheme(enum.Enum):
    """How products are made, which decides how noise grows.

    BGV is to be rescaled once after every product, which takes a prime; it computes on ever fewer
    primes, so it is the faster one. BFV keeps its modulus, and every product takes bits of it.
    """

    BGV = 0
    BFV = 1


@dataclass(frozen=True)
class Parameters:
    """What fixes a scheme of integers; nothing here says how secure it is."""

    log_n: int
    q: tuple[int, ...]
    p: tuple[int, ...]
    plaintext_modulus: int = PLAINTEXT_MODULUS
    scheme: Scheme = Scheme.BGV

    @property
    def slots(self) -> int:
        """The number of values in a ciphertext: two rows of N/2, which rotate alike."""
        return 1 << self.log_n

    @property
    def max_level(self) -> int:
        """The level of a fresh ciphertext: how often it can be divided by a prime."""
        return len(self.q) - 1


def ciphertext_bytes(parameters: Chain, level: int, *, fresh: bool) -> int:
    """The size of a serialised ciphertext; a fresh one, under the secret key, is half as big."""
    return unmarked_bytes(parameters, level, fresh=fresh) + FACTOR_BYTES
