import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.errors import EngineError
from tacit.lattigo import Parameters, Ring, generate_primes
from tacit.lattigo.parameters import is_prime, primes_above, root_order

sizes = st.lists(st.integers(28, 60), min_size=1, max_size=6)


@given(st.sampled_from(Ring), sizes, sizes)
def test_primes_are_distinct_near_their_size_and_fit_the_ring(
    ring: Ring, log_q: list[int], log_p: list[int]
) -> None:
    q, p = generate_primes(12, ring, log_q, log_p)
    made = q + p
    assert len(set(made)) == len(log_q) + len(log_p)
    assert all(prime % root_order(12, ring) == 1 for prime in made)
    # One candidate in ten is prime near 2^28 and they are 2^14 apart: the twelfth is still near.
    assert all(
        abs(prime / 2**bits - 1) < 0.02 for prime, bits in zip(made, log_q + log_p, strict=True)
    )


@given(st.integers(-5, 10**6), st.integers(1, 13))
def test_primes_above_a_number_are_all_of_them_in_order(least: int, bits: int) -> None:
    found = list(itertools.islice(primes_above(least, 1 << bits), 3))
    wanted = (each for each in itertools.count(max(least, 2)) if each % (1 << bits) == 1)
    assert found == list(itertools.islice(filter(is_prime, wanted), 3))


def test_primes_of_one_size_alternate_so_that_their_product_keeps_the_scale() -> None:
    q, _ = generate_primes(13, Ring.STANDARD, 10 * [40], [41])
    above = [prime > 2**40 for prime in q]
    assert above == 5 * [True, False]


def test_sizes_without_enough_primes_are_refused() -> None:
    with pytest.raises(EngineError, match="enough primes of 16 bits"):
        generate_primes(12, Ring.STANDARD, 40 * [16], [40])


@pytest.mark.parametrize("bits", [10, 61])
def test_sizes_that_cannot_be_are_refused(bits: int) -> None:
    with pytest.raises(EngineError, match="bits"):
        generate_primes(12, Ring.STANDARD, [bits], [40])


@given(st.integers(2, 1000), st.integers(2, 1000))
def test_products_are_not_prime(left: int, right: int) -> None:
    assert not is_prime(left * right)


# Carmichael numbers and strong pseudoprimes to the first bases.
@pytest.mark.parametrize("composite", [561, 3215031751, 3825123056546413051, 0, 1, -7])
def test_pseudoprimes_are_found_out(composite: int) -> None:
    assert not is_prime(composite)


@pytest.mark.parametrize("prime", [2, 41, 43, 2**61 - 1, 2**31 - 1])
def test_primes_are_recognised(prime: int) -> None:
    assert is_prime(prime)


def test_the_conjugate_invariant_ring_has_twice_the_slots() -> None:
    standard = Parameters(log_n=10, q=(3,), p=(5,), ring=Ring.STANDARD, log_scale=40)
    real = Parameters(log_n=10, q=(3,), p=(5,), ring=Ring.CONJUGATE_INVARIANT, log_scale=40)
    assert (standard.slots, real.slots) == (512, 1024)
