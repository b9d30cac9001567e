import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.errors import DepthExceeded, EngineError, InsecureParameters
from tacit.lattigo import SecretKey, security
from tacit.lattigo.integers import (
    Ciphertext,
    Context,
    Counts,
    Evaluator,
    MapSlots,
    Multiply,
    Parameters,
    chain_for,
    secure_chain,
    smallest_batching_prime,
)
from tacit.lattigo.integers.chains import Kind
from tacit.lattigo.parameters import is_prime
from tests.lattigo.integers.scene import Vector

# Bits that are left at the end, or that a step divides by beyond its noise: what is taken for the
# largest of N values is some 6, and what is promised of sums of four and of maps before it 3.
MOST_WASTE = 12.0
Value = tuple[Ciphertext, Vector]


kinds = st.one_of(st.just(Multiply()), st.builds(MapSlots, st.integers(1, 4096)))
chains = st.lists(kinds, max_size=12)
lasts = st.one_of(st.none(), st.builds(MapSlots, st.integers(1, 4096)))


@settings(max_examples=60, deadline=None)
@given(steps=chains, last=lasts, log_n=st.integers(12, 15), special=st.integers(1, 4))
def test_primes_are_distinct_and_fit_the_ring_and_the_digits(
    steps: list[Kind], last: MapSlots | None, log_n: int, special: int
) -> None:
    made = chain_for(steps, log_n=log_n, plaintext_modulus=65537, last=last, counts=Counts(special))
    primes = made.q + made.p
    groups = [made.q[start : start + special] for start in range(0, len(made.q), special)]
    assert len(set(primes)) == len(primes)
    assert all(is_prime(prime) and prime % (2 << log_n) == 1 for prime in primes)
    assert max(map(math.prod, groups)) < math.prod(made.p)
    assert len(made.p) == special


@settings(max_examples=40, deadline=None)
@given(steps=chains, last=lasts, bits=st.integers(14, 22), level=st.sampled_from([128, 192, 256]))
def test_secure_chains_are_within_the_table_or_refused(
    steps: list[Kind], last: MapSlots | None, bits: int, level: int
) -> None:
    made = secured(steps, last, bits, level)
    assert made is None or security.check(level, made.log_n, made.q, made.p).security == level
    assert made is None or 2**bits < made.plaintext_modulus < 2 ** max(bits + 1, 20)


def secured(steps: list[Kind], last: MapSlots | None, bits: int, level: int) -> Parameters | None:
    """The parameters, or None where no ring has the chain."""
    try:
        return secure_chain(steps, last=last, plaintext_modulus_bits=bits, security_bits=level)
    except DepthExceeded:
        return None


def test_the_first_step_uses_the_highest_prime_and_maps_take_less_than_products() -> None:
    made = chain_for(
        [MapSlots(64), Multiply(), MapSlots(1)],
        log_n=13,
        plaintext_modulus=65537,
        last=MapSlots(64),
    )
    last, narrow, product, wide = map(math.log2, made.q)
    assert narrow == pytest.approx(wide - 3, abs=0.01)
    assert wide < product - 5
    assert last > 40


def test_a_sum_of_multiples_takes_the_bits_of_the_modulus_more() -> None:
    plain, summed = (
        chain_for([step], log_n=13, plaintext_modulus=65537, last=None)
        for step in (Multiply(), Multiply(multiples=12))
    )
    assert math.log2(summed.q[1] / plain.q[1]) == pytest.approx(16, abs=0.01)


def test_a_large_modulus_is_decrypted_from_two_primes() -> None:
    modulus = smallest_batching_prime(2**24, 13)
    made = chain_for([Multiply()], log_n=13, plaintext_modulus=modulus, last=MapSlots(64))
    assert len(made.q) == 3
    assert made.q[0] < 2**40 > made.q[1]


def test_what_is_decrypted_is_split_where_it_then_fits_a_smaller_ring() -> None:
    modulus = smallest_batching_prime(2**18, 12)
    fewest, split = (
        chain_for([], log_n=12, plaintext_modulus=modulus, last=MapSlots(784), counts=counts)
        for counts in (Counts(), Counts(base_primes=2))
    )
    assert (len(fewest.q), len(split.q)) == (1, 2)
    limit = security.TERNARY[128][12]
    assert security.log_qp(split.q, split.p) < limit < security.log_qp(fewest.q, fewest.p)
    made = secure_chain([], last=MapSlots(784), plaintext_modulus_bits=18)
    assert (made.log_n, made.q, made.p) == (12, split.q, split.p)


def test_primes_that_do_not_hold_what_is_decrypted_are_refused() -> None:
    with pytest.raises(EngineError, match=r"3 primes do not hold the 45\.\d bits .* 1 to 2 do"):
        chain_for(
            [],
            log_n=12,
            plaintext_modulus=65537,
            last=MapSlots(1),
            counts=Counts(base_primes=3),
        )


@pytest.mark.parametrize("base", [1, 2])
def test_what_is_decrypted_is_exact_from_so_many_primes(base: int) -> None:
    steps, last = [MapSlots(9)], MapSlots(9)
    context = Context(
        chain_for(
            steps, log_n=12, plaintext_modulus=65537, last=last, counts=Counts(2, base_primes=base)
        )
    )
    secret, top = context.secret_key(), context.max_level
    split = offsets(steps)
    rotations = {step: top for pair in split.values() for step in pair if step}
    keys = context.evaluation_keys(secret, relinearisation_level=None, rotations=rotations)
    run = Run(context, secret, Evaluator(context, keys), split, np.random.default_rng(base))
    sealed, clear = run.carried_out(steps, last)
    assert sealed.level == base - 1
    np.testing.assert_array_equal(context.decrypt(sealed, secret) % run.modulus, clear)
    assert 1 < context.noise_budget(sealed, secret) < MOST_WASTE


def test_there_are_as_many_special_primes_as_fit_where_they_help() -> None:
    layer: list[Kind] = [MapSlots(64), *4 * [Multiply()]]
    tight = secure_chain(2 * layer, last=MapSlots(64), plaintext_modulus_bits=16)
    roomy = secure_chain(9 * [Multiply()], last=None, plaintext_modulus_bits=16)
    assert (tight.log_n, len(tight.p)) == (14, 1)
    assert (roomy.log_n, len(roomy.p)) == (14, 3)


def test_the_ring_of_the_largest_degree_has_another_modulus() -> None:
    made = secure_chain(26 * [Multiply()], last=None, plaintext_modulus_bits=16)
    assert (made.log_n, made.plaintext_modulus) == (16, 786433)


@pytest.mark.parametrize(
    ("least", "log_n", "found"),
    [(2**16 + 1, 15, 65537), (2**16 + 2, 15, 786433), (2**16 + 1, 16, 786433), (0, 11, 12289)],
)
def test_the_smallest_batching_prime_is_one(least: int, log_n: int, found: int) -> None:
    assert smallest_batching_prime(least, log_n) == found


def test_chains_that_no_ring_has_are_refused() -> None:
    with pytest.raises(DepthExceeded, match=r"64 steps in a row need 65 primes; .* takes 64"):
        secure_chain(64 * [Multiply()], last=None, plaintext_modulus_bits=16)
    with pytest.raises(DepthExceeded, match="no ring has these 20 steps") as refusal:
        secure_chain(20 * [Multiply()], last=None, plaintext_modulus_bits=16, security_bits=256)
    assert refusal.value.hint is not None


def test_a_security_that_no_table_has_is_refused() -> None:
    with pytest.raises(InsecureParameters, match="no table gives 100 bits"):
        secure_chain([Multiply()], last=None, plaintext_modulus_bits=16, security_bits=100)


@pytest.mark.parametrize("step", [MapSlots(0), MapSlots(-1), Multiply(-1), MapSlots(1, -1)])
def test_steps_that_are_none_are_refused(step: Kind) -> None:
    with pytest.raises(EngineError, match="is no step"):
        chain_for([step], log_n=13, plaintext_modulus=65537, last=None)


def test_senseless_numbers_and_moduli_are_refused() -> None:
    with pytest.raises(EngineError, match="0 special primes"):
        chain_for([], log_n=13, plaintext_modulus=65537, last=None, counts=Counts(0))
    with pytest.raises(EngineError, match="is not a prime"):
        chain_for([], log_n=13, plaintext_modulus=65536, last=None)
    with pytest.raises(EngineError, match="no slots"):
        smallest_batching_prime(3, 0)
    huge = smallest_batching_prime(2**45, 13)
    with pytest.raises(EngineError, match="needs primes of"):
        chain_for([Multiply()], log_n=13, plaintext_modulus=huge, last=None)


def offsets(steps: Sequence[Kind]) -> dict[int, tuple[int, int]]:
    """The diagonals of the widest map, split into baby and giant steps."""
    most = max(step.terms for step in steps if isinstance(step, MapSlots))
    babies = math.isqrt(most)
    return {each: (each - each % babies, each % babies) for each in range(most)}


@dataclass(frozen=True)
class Run:
    """A chain that is carried out on random values, encrypted and in the clear."""

    context: Context
    secret: SecretKey
    evaluator: Evaluator
    split: dict[int, tuple[int, int]]
    generator: np.random.Generator

    @property
    def modulus(self) -> int:
        """The plaintext modulus."""
        return self.context.parameters.plaintext_modulus

    def sample(self, *shape: int) -> Vector:
        """Values of every residue."""
        return self.generator.integers(0, self.modulus, shape)

    def step(self, step: Kind, value: Value) -> Value:
        """One step, not rescaled."""
        match step:
            case Multiply():
                return self.sum_of_four(value)
            case MapSlots(terms=terms):
                return self.mapped(terms, value)

    def sum_of_four(self, value: Value) -> Value:
        """The sum of a square, twice, and of its double."""
        sealed, clear = value
        square = self.evaluator.multiply(sealed, sealed)
        twice = self.evaluator.add(square, square)
        return self.evaluator.add(twice, twice), 4 * clear * clear % self.modulus

    def mapped(self, terms: int, value: Value) -> Value:
        """A map of random diagonals."""
        sealed, clear = value
        diagonals = dict(enumerate(self.sample(terms, self.context.slots)))
        made = self.context.linear_map(diagonals, level=sealed.level, split=self.split)
        (result,) = self.evaluator.linear_layer([sealed], [[made]])
        rows, total = clear.reshape(2, -1), np.zeros_like(clear)
        for offset, diagonal in diagonals.items():
            total = (total + diagonal * np.roll(rows, -offset, axis=1).ravel()) % self.modulus
        return result, total

    def carried_out(self, steps: Sequence[Kind], last: MapSlots) -> Value:
        """The last map's result."""
        clear = self.sample(self.context.slots)
        encoded = self.context.encode(clear, level=self.context.max_level)
        value = self.context.encrypt(encoded, self.secret), clear
        for step in steps:
            sealed, clear = self.step(step, value)
            value = self.evaluator.rescale(sealed), clear
        return self.step(last, value)

    def wasted(self, step: Kind) -> float:
        """The bits by which a first step's prime is larger than what its noise needs."""
        clear = self.sample(self.context.slots)
        encoded = self.context.encode(clear, level=self.context.max_level)
        fresh = self.context.encrypt(encoded, self.context.public_key(self.secret))
        sealed, _ = self.step(step, (fresh, clear))
        before = self.context.noise_budget(sealed, self.secret)
        return before - self.context.noise_budget(self.evaluator.rescale(sealed), self.secret)


def run_of(steps: Sequence[Kind], last: MapSlots, bits: int) -> Run:
    """A chain's parameters with the keys that it takes."""
    context = Context(secure_chain(steps, last=last, plaintext_modulus_bits=bits))
    secret, top = context.secret_key(), context.max_level
    split = offsets([*steps, last])
    rotations = {step: top for pair in split.values() for step in pair if step}
    keys = context.evaluation_keys(secret, relinearisation_level=top, rotations=rotations)
    return Run(context, secret, Evaluator(context, keys), split, np.random.default_rng(bits))


def holds(steps: Sequence[Kind], last: MapSlots, *, bits: int, log_n: int) -> None:
    """Checks that a chain fits its ring, is exact, and leaves little of its modulus unused."""
    run = run_of(steps, last, bits)
    sealed, clear = run.carried_out(steps, last)
    budget = run.context.noise_budget(sealed, run.secret)
    assert run.context.parameters.log_n == log_n
    np.testing.assert_array_equal(run.context.decrypt(sealed, run.secret) % run.modulus, clear)
    assert 1 < budget < MOST_WASTE


@pytest.mark.parametrize("last", [MapSlots(1), MapSlots(64)])
@pytest.mark.parametrize(
    "steps",
    [
        [],
        [MapSlots(64)],
        [MapSlots(1), Multiply(), Multiply()],
        [MapSlots(9), MapSlots(9), Multiply()],
        [Multiply(), Multiply(), MapSlots(9)],
    ],
)
def test_a_chain_is_neither_too_short_nor_too_long(steps: list[Kind], last: MapSlots) -> None:
    least = 12 if steps in ([], [MapSlots(64)]) else 13
    holds(steps, last, bits=16, log_n=least)


@pytest.mark.slow
@pytest.mark.parametrize("bits", [16, 20])
def test_a_long_chain_is_neither_too_short_nor_too_long(bits: int) -> None:
    layer: list[Kind] = [MapSlots(64), Multiply(), Multiply()]
    holds([*layer, *layer], MapSlots(64), bits=bits, log_n=14)


@pytest.mark.parametrize("step", [Multiply(), MapSlots(1), MapSlots(64)])
def test_no_step_divides_by_much_more_than_its_noise(step: Kind) -> None:
    run = run_of([MapSlots(4), step], MapSlots(64), 16)
    # A prime that takes off as many bits as it has wastes none, but for what its rounding adds.
    assert -0.1 < run.wasted(step) < MOST_WASTE
