"""Parameters for a chain of steps of different kinds: one prime for each, as large as its noise.

As in `choice`, noise is counted in bits of t times the phase, seen at the roots of the ring's
polynomial, where a rescaled value has a = t·N/sqrt(18) on average. After every step a value is
again within 2a on average, so that no step needs to know what came before it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tacit.errors import DepthExceeded, EngineError, InsecureParameters
from tacit.lattigo import security
from tacit.lattigo.integers.choice import (
    MOST_PRIMES,
    MOST_SPECIAL_PRIMES,
    SMALLEST_LOG_N,
    TAIL_BITS,
    bgv_bits,
    refuse_large,
    refuse_unbatched,
    smallest_batching_prime,
    switching_work,
    worst,
)
from tacit.lattigo.integers.parameters import Parameters, Scheme
from tacit.lattigo.parameters import LARGEST_PRIME_BITS, Ring, primes_above, root_order

# The deviation of a key's errors.
KEY_DEVIATION = 3.2
# A value that is kept as it is lies in primes of up to this size, so that a special prime can be
# larger than each of them by what keeps the noise of keys small.
MOST_BASE_BITS = LARGEST_PRIME_BITS - 6
# What is decrypted is split into up to so many primes where smaller ones, and so a smaller special
# prime, make log2(QP) fit a ring.
MOST_BASE_PRIMES = 3


@dataclass(frozen=True)
class Multiply:
    """A product of two values, or a sum of up to four products.

    With `multiples`, one factor of each is a sum of so many multiples by integers up to t/2, which
    was not rescaled: as in a polynomial's inner sums.
    """

    multiples: int = 0


@dataclass(frozen=True)
class MapSlots:
    """A linear map of up to `terms` diagonals in a slot, over all inputs together.

    Adding to a map's result its own rotations multiplies the terms. Plaintext products are terms
    too. With `multiples`, inputs are sums of so many multiples, as in `Multiply`.
    """

    terms: int
    multiples: int = 0


Kind = Multiply | MapSlots


@dataclass(frozen=True)
class Counts:
    """How many primes are special, and how many hold what is decrypted; None is the fewest."""

    special_primes: int = 1
    base_primes: int | None = None


FEWEST = Counts()


def chain_for(
    steps: Sequence[Kind],
    *,
    log_n: int,
    plaintext_modulus: int,
    last: MapSlots | None,
    counts: Counts = FEWEST,
) -> Parameters:
    """BGV in which these steps may follow one another, each of which is rescaled.

    The first step uses the highest prime. `last` is a map after all of them, which is decrypted
    without being rescaled; None decrypts the last step's result. What is decrypted has the
    `len(q) - len(steps)` lowest primes, which is one unless t is large or `counts` asks for more.
    Inputs are encrypted under the secret key, or rescaled. Nothing is said of the security: see
    the tables for log2(QP). Raises EngineError where the plaintext modulus does not batch, or is
    not below the lowest primes, or noise does not fit in a prime; DepthExceeded where more primes
    are needed than the engine takes.
    """
    refuse_senseless(steps, last, counts.special_primes)
    refuse_unbatched(log_n, plaintext_modulus)
    base = base_bits(last, log_n, plaintext_modulus)
    allowed = base_counts(last, log_n, plaintext_modulus)
    count = allowed.start if counts.base_primes is None else counts.base_primes
    if count not in allowed:
        raise EngineError(
            f"{count} primes do not hold the {base:.1f} bits that are decrypted; "
            f"{allowed.start} to {allowed.stop - 1} do",
            hint="leave base_primes at None",
        )
    sizes = count * [base / count]
    sizes += [step_bits(step, log_n, plaintext_modulus) for step in reversed(steps)]
    refuse_large([math.ceil(size) for size in sizes], plaintext_modulus)
    most = MOST_PRIMES[Scheme.BGV]
    if len(sizes) > most:
        raise DepthExceeded(
            f"{len(steps)} steps in a row need {len(sizes)} primes; the engine takes {most}",
            hint="plan fewer steps",
        )
    q = distinct_primes(sizes, log_n, taken={plaintext_modulus})
    special = special_bits(q, counts.special_primes)
    p = distinct_primes(counts.special_primes * [special], log_n, taken={plaintext_modulus, *q})
    return Parameters(log_n, q, p, plaintext_modulus)


def secure_chain(
    steps: Sequence[Kind],
    *,
    last: MapSlots | None,
    plaintext_modulus_bits: int,
    security_bits: int = 128,
) -> Parameters:
    """The parameters of `chain_for` in the smallest ring that has the chain at this security.

    The plaintext modulus is the ring's smallest batching prime of more than so many bits. There
    are as many special primes as make switching keys the cheapest. Raises DepthExceeded where no
    ring has the chain, InsecureParameters where no table has that security.
    """
    if security_bits not in security.TERNARY:
        raise InsecureParameters(
            f"no table gives {security_bits} bits of security",
            hint=f"ask for one of {', '.join(map(str, security.TERNARY))}",
        )
    for log_n, limit in sorted(security.TERNARY[security_bits].items()):
        if log_n < SMALLEST_LOG_N:
            continue
        modulus = smallest_batching_prime(2**plaintext_modulus_bits + 1, log_n)
        made = chains_for(steps, log_n=log_n, plaintext_modulus=modulus, last=last)
        fitting = [each for each in made if security.log_qp(each.q, each.p) <= limit]
        if fitting:
            return min(fitting, key=switching_work)
    raise DepthExceeded(
        f"no ring has these {len(steps)} steps modulo a number of {plaintext_modulus_bits} bits at "
        f"{security_bits} bits of security",
        hint="plan fewer steps, or use a smaller plaintext modulus",
    )


def chains_for(
    steps: Sequence[Kind], *, log_n: int, plaintext_modulus: int, last: MapSlots | None
) -> list[Parameters]:
    """The chains of `chain_for` with every number of special and of lowest primes worth trying."""
    refuse_unbatched(log_n, plaintext_modulus)
    fewest = base_counts(last, log_n, plaintext_modulus).start
    return [
        chain_for(
            steps,
            log_n=log_n,
            plaintext_modulus=plaintext_modulus,
            last=last,
            counts=Counts(special, base),
        )
        for base in base_counts(last, log_n, plaintext_modulus)
        if base in (fewest, *range(1, MOST_BASE_PRIMES + 1))
        for special in range(1, MOST_SPECIAL_PRIMES + 1)
    ]


def base_counts(last: MapSlots | None, log_n: int, modulus: int) -> range:
    """How many primes may hold what is decrypted: each is above the plaintext modulus."""
    base = base_bits(last, log_n, modulus)
    fewest = math.ceil(base / MOST_BASE_BITS)
    # A bit more leaves room to find different primes that are one modulo 2N.
    most = int(base / (max(math.log2(modulus), log_n + 1) + 1))
    return range(fewest, max(fewest, most) + 1)


def step_bits(step: Kind, log_n: int, modulus: int) -> float:
    """The bits of the prime that divides a step's noise back to that of a rescaled value."""
    multiples = multiples_bits(step.multiples, modulus)
    match step:
        case Multiply():
            return bgv_bits(log_n, modulus) + multiples
        case MapSlots(terms=terms):
            # Values within 2a come to be within a, even at the worst of N roots.
            return 1 + math.log2(worst(log_n)) + map_bits(terms, log_n, modulus) + multiples


def map_bits(terms: int, log_n: int, modulus: int) -> float:
    """The bits by which a map's noise is above that of its inputs.

    A diagonal's message has N coefficients up to t/2, and so t·sqrt(N/12) on average at a root;
    rotations of one value are independent there.
    """
    return math.log2(modulus) + (log_n + math.log2(terms / 12)) / 2


def multiples_bits(count: int, modulus: int) -> float:
    """The bits by which noise grows in a sum of multiples by integers up to t/2."""
    return math.log2(modulus) + math.log2(count / 12) / 2 if count else 0.0


def base_bits(last: MapSlots | None, log_n: int, modulus: int) -> float:
    """The bits that hold what is decrypted: a value within 2a on average, or the last map of it."""
    value = 1 + math.log2(modulus) + (log_n - math.log2(18)) / 2 + TAIL_BITS
    if last is None:
        return value
    growth = map_bits(last.terms, log_n, modulus) + multiples_bits(last.multiples, modulus)
    return value + growth


def special_bits(q: Sequence[int], count: int) -> float:
    """The bits of each special prime, such that rotating adds at most half of a rescaled noise.

    A key switch adds the products of digits, uniform up to D, with errors of deviation 3.2, divided
    by P: with d digits that is sqrt(18·d/12)·3.2·D/P times the noise of rounding, sqrt(N/18).
    """
    groups = [math.prod(q[start : start + count]) for start in range(0, len(q), count)]
    noise = 2 * KEY_DEVIATION * math.sqrt(1.5 * len(groups))
    wanted = (math.log2(max(groups)) + math.log2(noise)) / count
    return min(wanted, LARGEST_PRIME_BITS - 1)


def distinct_primes(sizes: Sequence[float], log_n: int, *, taken: set[int]) -> tuple[int, ...]:
    """The least primes of at least so many bits each, all of them different."""
    order = root_order(log_n, Ring.STANDARD)
    found: list[int] = []
    for size in sizes:
        candidates = primes_above(math.ceil(2**size), order)
        found.append(next(each for each in candidates if each not in taken and each not in found))
    return tuple(found)


def refuse_senseless(steps: Sequence[Kind], last: MapSlots | None, special_primes: int) -> None:
    """Refuses numbers that no chain has."""
    if special_primes < 1:
        raise EngineError(f"{special_primes} special primes were asked for")
    for step in (*steps, *([] if last is None else [last])):
        terms = step.terms if isinstance(step, MapSlots) else 1
        if terms < 1 or step.multiples < 0:
            raise EngineError(f"{step} is no step")
