"""The parameters of CKKS: the ring, its primes, and what they make of sizes."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from tacit.errors import EngineError

# Lattigo's arithmetic is lazy: residues need room above them in a 64-bit word.
LARGEST_PRIME_BITS = 61

# What every frame has beside its body, and every key beside its residues; see bridge/frame.go.
FRAME_BYTES = 80
KEY_HEAD_BYTES = 38
CIPHERTEXT_HEAD_BYTES = 12
SEED_BYTES = 32

# These bases decide primality of every number below 3.3e24 (Sorenson and Webster 2015).
WITNESSES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)


class Chain(Protocol):
    """What the parameters of every scheme have: a ring, its primes, and its slots."""

    @property
    def log_n(self) -> int:
        """log2 of the ring's degree."""

    @property
    def q(self) -> tuple[int, ...]:
        """The primes of the ciphertexts' modulus."""

    @property
    def p(self) -> tuple[int, ...]:
        """The special primes, in which keys are switched."""

    @property
    def slots(self) -> int:
        """The number of values in a ciphertext."""

    @property
    def max_level(self) -> int:
        """The level of a fresh ciphertext."""


class Ring(enum.Enum):
    """The ring of the ciphertexts: N/2 slots in the standard one, N in the conjugate-invariant."""

    STANDARD = 0
    CONJUGATE_INVARIANT = 1


@dataclass(frozen=True)
class Parameters:
    """What fixes a CKKS scheme; nothing here says how secure it is."""

    log_n: int
    q: tuple[int, ...]
    p: tuple[int, ...]
    ring: Ring
    log_scale: int
    # The number of coefficients of the secret that are not zero; None is a uniform ternary secret.
    secret_weight: int | None = None

    @property
    def slots(self) -> int:
        """The number of values in a ciphertext."""
        return slots(self.log_n, self.ring)

    @property
    def max_level(self) -> int:
        """The level of a fresh ciphertext: the number of times that it can be rescaled."""
        return len(self.q) - 1


def slots(log_n: int, ring: Ring) -> int:
    """The number of values that a polynomial encodes."""
    return 1 << (log_n if ring is Ring.CONJUGATE_INVARIANT else log_n - 1)


def root_order(log_n: int, ring: Ring) -> int:
    """The number modulo which every prime must be one, so that the transform exists."""
    return 1 << (log_n + 2 if ring is Ring.CONJUGATE_INVARIANT else log_n + 1)


def generate_primes(
    log_n: int, ring: Ring, log_q: Sequence[int], log_p: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Distinct primes as near as possible to the powers of two that are asked for.

    Those of one size alternate above and below, so that the scale does not drift along them.

    >>> generate_primes(10, Ring.STANDARD, [30, 30], [31])
    ((1073750017, 1073707009), (2147493889,))
    """
    order = root_order(log_n, ring)
    for bits in (*log_q, *log_p):
        if not order.bit_length() <= bits < LARGEST_PRIME_BITS:
            raise EngineError(
                f"no prime of {bits} bits is 1 modulo {order}: "
                f"{order.bit_length()} to {LARGEST_PRIME_BITS - 1} bits are possible"
            )
    sources = {bits: alternating_primes(1 << bits, order) for bits in {*log_q, *log_p}}
    made = [take(sources[bits], bits) for bits in (*log_q, *log_p)]
    return tuple(made[: len(log_q)]), tuple(made[len(log_q) :])


def take(source: Iterator[int], bits: int) -> int:
    """The next prime of a size."""
    prime = next(source, None)
    if prime is None:
        raise EngineError(f"there are not enough primes of {bits} bits", hint="use larger primes")
    return prime


def alternating_primes(centre: int, order: int) -> Iterator[int]:
    """Primes that are one modulo the order, near a centre, by turns above and below it."""
    above = primes_from(range(centre + 1, 2 * centre, order))
    below = primes_from(range(centre + 1 - order, centre // 2, -order))
    for pair in itertools.zip_longest(above, below):
        yield from (prime for prime in pair if prime is not None)


def primes_from(candidates: range) -> Iterator[int]:
    """The primes among candidates."""
    return filter(is_prime, candidates)


def primes_above(least: int, order: int) -> Iterator[int]:
    """The primes from a number upwards that are one modulo the order."""
    first = max(least - 1 + -(least - 1) % order, 0) + 1
    return filter(is_prime, itertools.count(first, order))


def is_prime(candidate: int) -> bool:
    """Miller and Rabin's test with bases that make it exact for 64 bits."""
    if candidate < 2:
        return False
    if any(candidate % witness == 0 for witness in WITNESSES):
        return candidate in WITNESSES
    odd, twos = candidate - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(passes(candidate, pow(witness, odd, candidate), twos) for witness in WITNESSES)


def passes(candidate: int, power: int, twos: int) -> bool:
    """Whether the squares of a witness's power are as they are for a prime."""
    if power in (1, candidate - 1):
        return True
    for _ in range(twos - 1):
        power = power * power % candidate
        if power == candidate - 1:
            return True
    return False


def limb_bytes(parameters: Chain, primes: Sequence[int]) -> int:
    """The bytes of one polynomial's residues modulo primes, each in whole bytes."""
    return sum(((prime - 1).bit_length() + 7) // 8 for prime in primes) << parameters.log_n


def ciphertext_bytes(parameters: Chain, level: int, *, fresh: bool) -> int:
    """The size of a serialised ciphertext; a fresh one, made with the secret key, is half as big.

    `fresh` says that it was encrypted under the secret key and not computed with.
    """
    residues = limb_bytes(parameters, parameters.q[: level + 1])
    body = residues + SEED_BYTES if fresh else 2 * residues
    return FRAME_BYTES + CIPHERTEXT_HEAD_BYTES + body


def key_bytes(parameters: Chain, level: int) -> int:
    """The size of one serialised evaluation key that reaches a level, without the set's frame."""
    special = len(parameters.p)
    digits = -(-(level + 1) // special)
    residues = limb_bytes(parameters, parameters.q[: level + 1] + parameters.p)
    return KEY_HEAD_BYTES + digits * residues


def key_memory(parameters: Chain, level: int) -> int:
    """The memory of one evaluation key that reaches a level."""
    digits = -(-(level + 1) // len(parameters.p))
    words = 2 * digits * (level + 1 + len(parameters.p)) + 1
    return 8 * words << parameters.log_n
