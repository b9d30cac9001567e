import math
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tacit.errors import DepthExceeded, EngineError, InsecureParameters
from tacit.lattigo import security
from tacit.lattigo.integers import (
    Ciphertext,
    Context,
    Evaluator,
    Parameters,
    Scheme,
    batching_prime,
    secure_parameters,
)
from tacit.lattigo.integers import parameters_for as chosen
from tacit.lattigo.integers.choice import MOST_PRIMES
from tacit.lattigo.parameters import Ring, generate_primes, is_prime

Vector = NDArray[np.int64]


@pytest.mark.parametrize("scheme", list(Scheme))
@pytest.mark.parametrize("special", [1, 2, 3])
@pytest.mark.parametrize("log_n", [11, 13, 15])
def test_primes_are_distinct_and_fit_the_ring_and_the_digits(
    scheme: Scheme, special: int, log_n: int
) -> None:
    made = chosen(6, log_n=log_n, scheme=scheme, special_primes=special)
    primes = made.q + made.p
    groups = [made.q[start : start + special] for start in range(0, len(made.q), special)]
    assert len(set(primes)) == len(primes)
    assert all(is_prime(prime) and prime % (2 << log_n) == 1 for prime in primes)
    assert max(map(math.prod, groups)) <= math.prod(made.p)


@pytest.mark.parametrize(("log_n", "depth"), [(13, 3), (14, 9), (15, 21)])
def test_depths_that_fit_in_128_bits_of_security(log_n: int, depth: int) -> None:
    made = chosen(depth, log_n=log_n)
    assert security.check(128, log_n, made.q, made.p).security == 128


@pytest.mark.parametrize("log_n", [13, 14, 15])
def test_bfv_has_a_modulus_that_leaves_factors_alone(log_n: int) -> None:
    made = chosen(3, log_n=log_n, scheme=Scheme.BFV)
    assert math.prod(made.q) % made.plaintext_modulus == made.plaintext_modulus - 1


def test_a_modulus_too_large_for_one_prime_is_refused() -> None:
    with pytest.raises(EngineError, match=r"needs primes of \d+ bits; 60 are possible"):
        chosen(3, log_n=12, plaintext_modulus=1152921504606830593)


@pytest.mark.parametrize(("depth", "special"), [(-1, 1), (3, 0)])
def test_what_makes_no_sense_is_refused(depth: int, special: int) -> None:
    with pytest.raises(EngineError, match="asked for"):
        chosen(depth, log_n=12, special_primes=special)


moduli = st.sampled_from([12289, 40961, 65537, 786433, 7340033, 33292289])


@settings(max_examples=60, deadline=None)
@given(
    depth=st.integers(0, 45),
    scheme=st.sampled_from(Scheme),
    modulus=moduli,
    bits=st.sampled_from([128, 192, 256]),
)
def test_secure_parameters_are_within_the_table_and_known_to_the_engine_or_refused(
    depth: int, scheme: Scheme, modulus: int, bits: int
) -> None:
    made = secured(depth, scheme, modulus, bits)
    assert made is None or security.check(bits, made.log_n, made.q, made.p).security == bits
    assert made is None or len(made.q) <= MOST_PRIMES[scheme]
    assert made is None or modulus % (2 << made.log_n) == 1


def secured(depth: int, scheme: Scheme, modulus: int, bits: int) -> Parameters | None:
    """The secure parameters, or None where the depth is refused."""
    try:
        return secure_parameters(
            depth, scheme=scheme, plaintext_modulus=modulus, security_bits=bits
        )
    except (DepthExceeded, EngineError):
        return None


@pytest.mark.parametrize(("scheme", "count"), [(Scheme.BGV, 64), (Scheme.BFV, 32)])
def test_the_engine_takes_as_many_primes_as_are_chosen_and_no_more(
    scheme: Scheme, count: int
) -> None:
    assert MOST_PRIMES[scheme] == count
    q, p = generate_primes(11, Ring.STANDARD, (count + 1) * [40], [41])
    context = Context(Parameters(11, q[:count], p, 12289, scheme))
    secret, top = context.secret_key(), context.max_level
    keys = context.evaluation_keys(secret, relinearisation_level=top, rotations={})
    x = np.arange(context.slots) % 100
    sealed = context.encrypt(context.encode(x, level=top), secret)
    square = Evaluator(context, keys).multiply(sealed, sealed)
    np.testing.assert_array_equal(context.decrypt(square, secret) % 12289, x * x)
    with pytest.raises(EngineError, match=rf"q has {count + 1} primes; 1 to {count}"):
        Context(Parameters(11, q, p, 12289, scheme))


def test_more_primes_than_the_engine_takes_are_refused() -> None:
    with pytest.raises(DepthExceeded, match=r"64 products in a row need 65 primes; .* takes 64"):
        chosen(64, log_n=11, plaintext_modulus=12289)
    with pytest.raises(DepthExceeded, match="need 66 primes"):
        secure_parameters(65, plaintext_modulus=786433)


def test_a_security_that_no_table_has_is_refused() -> None:
    with pytest.raises(InsecureParameters, match="no table gives 100 bits"):
        secure_parameters(3, security_bits=100)


@pytest.mark.parametrize("modulus", [-65537, 0, 1, 2, 257, 65536, 3 * 65537, 65537 * 786433])
def test_moduli_that_do_not_batch_are_refused(modulus: int) -> None:
    with pytest.raises(EngineError, match=f"modulus {modulus} is not a prime"):
        chosen(3, log_n=12, plaintext_modulus=modulus)
    with pytest.raises(EngineError, match=f"modulus {modulus} is not a prime"):
        secure_parameters(3, plaintext_modulus=modulus)


@pytest.mark.parametrize(("bits", "log_n"), [(-3, 12), (0, 12), (13, 12), (20, 0)])
def test_batching_primes_that_do_not_exist_are_refused(bits: int, log_n: int) -> None:
    with pytest.raises(EngineError, match="prime of"):
        batching_prime(bits, log_n)


def sums_of_squares(evaluator: Evaluator, operands: list[Ciphertext]) -> list[Ciphertext]:
    """Four sums of four products each, of four operands, brought down as the scheme does."""
    products = [
        [evaluator.multiply(operands[i], operands[i - j], relinearise=False) for i in range(4)]
        for j in range(4)
    ]
    totals = [evaluator.relinearise(reduce(evaluator.add, row)) for row in products]
    divides = evaluator.context.parameters.scheme is Scheme.BGV
    return [evaluator.rescale(total) if divides else total for total in totals]


def clear_sums(rows: Vector, modulus: int) -> Vector:
    found = [sum(rows[i] * rows[i - j] for i in range(4)) for j in range(4)]
    half = modulus // 2
    return (np.array(found) + half) % modulus - half


@pytest.mark.parametrize("scheme", list(Scheme))
@pytest.mark.parametrize("modulus", [12289, 65537, 786433])
def test_the_depth_holds_for_sums_of_four_products_and_a_multiple(
    scheme: Scheme, modulus: int
) -> None:
    depth = 5
    context = Context(chosen(depth, log_n=11, scheme=scheme, plaintext_modulus=modulus))
    secret, top = context.secret_key(), context.max_level
    keys = context.evaluation_keys(secret, relinearisation_level=top, rotations={})
    evaluator, public = Evaluator(context, keys), context.public_key(secret)
    rows = np.random.default_rng(4).integers(-modulus // 2, modulus // 2, (4, context.slots))
    sealed = [context.encrypt(context.encode(row, level=top), public) for row in rows]
    result = reduce(lambda each, _: sums_of_squares(evaluator, each), range(depth), sealed)
    wanted = reduce(lambda each, _: clear_sums(each, modulus), range(depth), rows)
    multiple = evaluator.multiply_constant(result[0], modulus // 2)
    np.testing.assert_array_equal(context.decrypt(result[3], secret), wanted[3])
    assert context.noise_budget(multiple, secret) > 1
    assert ((context.decrypt(multiple, secret) - wanted[0] * (modulus // 2)) % modulus == 0).all()


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "special"), [(Scheme.BGV, 1), (Scheme.BFV, 2)])
def test_nine_products_in_a_row_are_exact_at_128_bits(scheme: Scheme, special: int) -> None:
    parameters: Parameters = chosen(9, log_n=14, scheme=scheme, special_primes=special)
    security.check(128, 14, parameters.q, parameters.p)
    context = Context(parameters)
    secret, top = context.secret_key(), context.max_level
    keys = context.evaluation_keys(secret, relinearisation_level=top, rotations={})
    evaluator = Evaluator(context, keys)
    rows = np.random.default_rng(5).integers(-32768, 32769, (4, context.slots))
    sealed = [context.encrypt(context.encode(row, level=top), secret) for row in rows]
    result = reduce(lambda each, _: sums_of_squares(evaluator, each), range(9), sealed)
    wanted = reduce(lambda each, _: clear_sums(each, 65537), range(9), rows)
    np.testing.assert_array_equal(context.decrypt(result[1], secret), wanted[1])
