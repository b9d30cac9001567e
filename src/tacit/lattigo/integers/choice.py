"""Parameters for a depth: primes just large enough for the noise of so many products in a row.

Noise is counted in bits of t times the phase. With a uniform ternary secret, rescaling rounds every
coefficient by a deviation of sqrt(N/18) (Costache and Smart, eprint 2015/889, section 3).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

from tacit.errors import DepthExceeded, EngineError, InsecureParameters
from tacit.lattigo import security
from tacit.lattigo.integers.parameters import PLAINTEXT_MODULUS, Parameters, Scheme
from tacit.lattigo.parameters import (
    LARGEST_PRIME_BITS,
    Chain,
    Ring,
    generate_primes,
    is_prime,
    primes_above,
    root_order,
)

# Smaller rings hold no product at any security.
SMALLEST_LOG_N = 12
# A step may sum up to four products.
SUM_BITS = math.log2(4) / 2
# The largest coefficient is within 6 deviations, and decryption wants a whole bit to be left.
TAIL_BITS = math.log2(6) + 2
# What primes are made of where nothing forces a size: two make a word's product, and none is slow.
LARGE_PRIME_BITS = LARGEST_PRIME_BITS - 2
# BFV's products extend all of Q through buffers of 32 words; see bridge/bgv_parameters.go.
MOST_PRIMES: Mapping[Scheme, int] = {Scheme.BGV: 64, Scheme.BFV: 32}
# More special primes make keys smaller, and each takes as much of log2(QP) as a step.
MOST_SPECIAL_PRIMES = 4
# Among numbers of 60 bits one in 42 is prime: 2^8 candidates are enough to choose from.
CANDIDATE_BITS = 8


def parameters_for(
    depth: int,
    *,
    log_n: int,
    scheme: Scheme = Scheme.BGV,
    plaintext_modulus: int = PLAINTEXT_MODULUS,
    special_primes: int = 1,
) -> Parameters:
    """Parameters in which `depth` products may follow one another, each a sum of up to four.

    There is room besides for one sum of multiples by integers up to t/2. Nothing is said of the
    security: see the tables for log2(QP). More special primes make keys smaller and faster, and
    take more of log2(QP). Raises EngineError where the plaintext modulus does not batch or its
    noise does not fit in a prime, DepthExceeded where more primes are needed than the engine takes.
    """
    if depth < 0 or special_primes < 1:
        raise EngineError(f"{depth} products and {special_primes} special primes were asked for")
    refuse_unbatched(log_n, plaintext_modulus)
    sizes = bgv_sizes if scheme is Scheme.BGV else bfv_sizes
    log_q = sizes(depth, log_n, plaintext_modulus)
    refuse_large(log_q, plaintext_modulus)
    if len(log_q) > MOST_PRIMES[scheme]:
        raise DepthExceeded(
            f"{depth} products in a row need {len(log_q)} primes; "
            f"the engine takes {MOST_PRIMES[scheme]}",
            hint="plan less depth, or use Scheme.BFV, whose primes are fewer and larger",
        )
    q, p = generate_primes(log_n, Ring.STANDARD, log_q, special_sizes(log_q, special_primes))
    if scheme is Scheme.BFV:
        q = neutral(q, p, log_n, plaintext_modulus)
    return Parameters(log_n, q, p, plaintext_modulus, scheme)


def secure_parameters(
    depth: int,
    *,
    scheme: Scheme = Scheme.BGV,
    plaintext_modulus: int = PLAINTEXT_MODULUS,
    security_bits: int = 128,
) -> Parameters:
    """Parameters of the smallest ring that has `depth` products at this security.

    There are as many special primes as make switching keys the cheapest. Raises DepthExceeded where
    no ring that the plaintext modulus batches in has them, EngineError where its noise does not fit
    in a prime, InsecureParameters where no table has that security.
    """
    if security_bits not in security.TERNARY:
        raise InsecureParameters(
            f"no table gives {security_bits} bits of security",
            hint=f"ask for one of {', '.join(map(str, security.TERNARY))}",
        )
    refuse_unbatched(SMALLEST_LOG_N, plaintext_modulus)
    for log_n in sorted(security.TERNARY[security_bits]):
        batches = (plaintext_modulus - 1) % root_order(log_n, Ring.STANDARD) == 0
        row = security.row(security_bits, log_n)
        if row is None or not batches or log_n < SMALLEST_LOG_N:
            continue
        made = (
            parameters_for(
                depth,
                log_n=log_n,
                scheme=scheme,
                plaintext_modulus=plaintext_modulus,
                special_primes=count,
            )
            for count in range(1, MOST_SPECIAL_PRIMES + 1)
        )
        fitting = [each for each in made if security.log_qp(each.q, each.p) <= row.limit]
        if fitting:
            return min(fitting, key=switching_work)
    raise DepthExceeded(
        f"no ring has {depth} products in a row modulo {plaintext_modulus} at {security_bits} bits "
        "of security",
        hint="use a smaller plaintext modulus, or several by the Chinese remainder theorem",
    )


def switching_work(chain: Chain) -> int:
    """The transforms of switching a key once at every level."""
    special, work = len(chain.p), 0
    for limbs in range(1, len(chain.q) + 1):
        digits = math.ceil(limbs / special)
        work += (digits + 2) * (limbs + special)
    return work


def batching_prime(bits: int, log_n: int) -> int:
    """The largest prime below 2**bits that batches in the rings of degree up to 2**log_n."""
    if bits < 1 or log_n < 1:
        raise EngineError(f"a prime of {bits} bits for rings of degree 2**{log_n} was asked for")
    order = root_order(log_n, Ring.STANDARD)
    candidates = range(((1 << bits) - 1) // order * order + 1, order, -order)
    found = next(filter(is_prime, candidates), None)
    if found is None:
        raise EngineError(f"no prime of {bits} bits is 1 modulo {order}", hint="ask for more bits")
    return found


def smallest_batching_prime(least: int, log_n: int) -> int:
    """The smallest prime from a number upwards that batches in the ring of degree 2**log_n.

    >>> smallest_batching_prime(2**16 + 1, 15), smallest_batching_prime(2**16 + 1, 16)
    (65537, 786433)
    """
    if log_n < 1:
        raise EngineError(f"a ring of degree 2**{log_n} has no slots")
    return next(primes_above(least, root_order(log_n, Ring.STANDARD)))


def bgv_bits(log_n: int, modulus: int) -> float:
    """The bits of a prime that divides the noise of a product back to that of its factors.

    Seen at a root of the ring's polynomial, a rescaled value has the noise a = t·N/sqrt(18) on
    average, and a product of two has a². So that noise settles it must be divided by 4a, since
    x = a + x²/q has a solution from there on. Both the secret and the rounding are normal there, so
    the worst of N roots has about (ln N)/2 + 2 times the average: the product of two exponential
    squares is above k² with a chance of about e^(-2k). One bit too few and noise explodes.
    """
    average = math.log2(modulus) + log_n - math.log2(18) / 2
    return 2 + average + math.log2(worst(log_n)) + SUM_BITS


def worst(log_n: int) -> float:
    """How much larger than on average a product is at the worst of N roots."""
    return log_n * math.log(2) / 2 + 2


def bfv_bits(log_n: int, modulus: int) -> float:
    """The noise budget that a product takes.

    It multiplies the noise by t and by the multiple of Q by which the other factor's phase
    overflows (Fan and Vercauteren, eprint 2012/144, lemma 2): t·N/sqrt(18) on average, for each of
    the two factors, and up to some four times that where noise is the largest.
    """
    return 2 + math.log2(modulus) + log_n - math.log2(18) / 2 + SUM_BITS


def multiple_bits(log_n: int, modulus: int) -> float:
    """The noise of a sum of multiples of rescaled values, with a whole bit left above it."""
    return 2 * math.log2(modulus) + (log_n - math.log2(18)) / 2 + TAIL_BITS


def bgv_sizes(depth: int, log_n: int, modulus: int) -> list[int]:
    """One prime for every product, and a first one for what is left at the end."""
    least = root_order(log_n, Ring.STANDARD).bit_length()
    each = max(math.ceil(bgv_bits(log_n, modulus)), least)
    return [max(math.ceil(multiple_bits(log_n, modulus)), least), *depth * [each]]


def bfv_sizes(depth: int, log_n: int, modulus: int) -> list[int]:
    """As few primes as hold the noise of all products, which a fresh ciphertext starts from."""
    # A ciphertext under the public key has the noise sqrt(4N/3) · 3.2, eight times the rounding's.
    fresh = multiple_bits(log_n, modulus) + math.log2(3.2 * math.sqrt(24))
    bits = fresh + depth * bfv_bits(log_n, modulus)
    count = math.ceil(bits / LARGE_PRIME_BITS)
    return count * [math.ceil(bits / count)]


def refuse_unbatched(log_n: int, modulus: int) -> None:
    """Refuses a plaintext modulus that is no prime, or that does not fill every slot of a ring."""
    if log_n < 1:
        raise EngineError(f"a ring of degree 2**{log_n} has no slots")
    order = root_order(log_n, Ring.STANDARD)
    if modulus % order != 1 or not is_prime(modulus):
        raise EngineError(
            f"the plaintext modulus {modulus} is not a prime that is 1 modulo {order}, which all "
            f"slots of a ring of degree 2**{log_n} need",
            hint="use batching_prime",
        )


def refuse_large(log_q: Sequence[int], modulus: int) -> None:
    """Refuses a plaintext modulus whose noise does not fit in one prime."""
    if max(log_q) >= LARGEST_PRIME_BITS:
        raise EngineError(
            f"the plaintext modulus {modulus} needs primes of {max(log_q)} bits; "
            f"{LARGEST_PRIME_BITS - 1} are possible",
            hint="use a smaller plaintext modulus, or several by the Chinese remainder theorem",
        )


def special_sizes(log_q: Sequence[int], count: int) -> list[int]:
    """Special primes whose product is as large as that of every group of so many primes of Q."""
    groups = [sum(log_q[start : start + count]) for start in range(0, len(log_q), count)]
    # A bit more covers what primes just above and below their powers of two differ by.
    return count * [min(math.ceil(max(groups) / count) + 1, LARGEST_PRIME_BITS - 1)]


def neutral(q: tuple[int, ...], p: tuple[int, ...], log_n: int, modulus: int) -> tuple[int, ...]:
    """The primes with the last one chosen so that Q is -1 modulo t, if there is room for it.

    BFV's products divide factors by -Q modulo t: then every factor is one, and sums cost no noise.
    """
    others, order = q[:-1], root_order(log_n, Ring.STANDARD)
    step, size = order * modulus, q[-1].bit_length()
    if step.bit_length() + CANDIDATE_BITS > size:
        return q
    wanted = -pow(math.prod(others), -1, modulus) % modulus
    # x = 1 modulo 2N and x = wanted modulo t, which is 1 modulo 2N itself.
    offset = (1 + order * ((wanted - 1) * pow(order, -1, modulus) % modulus)) % step
    centre = q[-1] - q[-1] % step + offset
    found = nearest(centre, step, taken={*others, *p})
    return (*others, next(found))


def nearest(centre: int, step: int, *, taken: set[int]) -> Iterator[int]:
    """Primes in steps from a centre, nearest first."""
    for distance in itertools.count():
        for candidate in (centre - distance * step, centre + distance * step):
            if candidate not in taken and is_prime(candidate):
                yield candidate
