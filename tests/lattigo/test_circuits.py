"""Circuits on real ciphertexts: their errors, and no more than the noise of their plans."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from tacit.approx import Polynomial
from tacit.approx.circuits import (
    ScalarCircuit,
    exponential,
    gelu,
    inverse,
    inverse_square_root,
    softmax,
    square_root,
)
from tacit.approx.circuits.scaled import scaled_plan_of
from tacit.approx.circuits.softmax import most_over_mean
from tacit.approx.plans import Plan, Scales, error_growth, noise_of, scales
from tacit.errors import LoweringError
from tacit.lattigo import (
    Ciphertext,
    Context,
    Evaluator,
    Parameters,
    Ring,
    SecretKey,
    generate_primes,
)

Vector = NDArray[np.float64]

LOG_N = 10
SCALE = 2.0**45
# Rescaling rounds by a deviation of sqrt(1/12) in each of two polynomials, one of which is times a
# secret of 2N/3 coefficients; so a slot, which sums N coefficients, deviates by N / sqrt(18). Fresh
# noise and key switches are smaller. Twice that covers all three of them together.
DEVIATION = 2.0 * 2**LOG_N / np.sqrt(18.0)
# Among 512 slots the chance of 7 deviations is 1e-9.
TAIL = 7.0


@dataclass(frozen=True)
class Bench:
    """Toy parameters with many levels, and keys."""

    context: Context
    secret: SecretKey
    evaluator: Evaluator

    @property
    def top(self) -> int:
        """The level of a fresh ciphertext."""
        return self.context.max_level

    def planned(self, plan: Plan, inputs: list[float | None], target: float | None) -> Scales:
        """The scales of a plan that starts at the top."""
        q = self.context.parameters.q
        return scales(plan, q, level=self.top, inputs=inputs, target=target)

    def seal(self, values: Vector, scale: float) -> Ciphertext:
        """Values encrypted under the secret key."""
        return self.context.encrypt(
            self.context.encode(values, level=self.top, scale=scale), self.secret
        )


@pytest.fixture(scope="module")
def bench() -> Bench:
    q, p = generate_primes(LOG_N, Ring.STANDARD, [55] + 14 * [45], [55, 55])
    context = Context(Parameters(LOG_N, q, p, Ring.STANDARD, log_scale=45))
    secret, top = context.secret_key(), context.max_level
    keys = context.evaluation_keys(
        secret, relinearisation_level=top, rotations=dict.fromkeys((1, 2), top)
    )
    return Bench(context, secret, Evaluator(context, keys))


CIRCUITS: dict[str, Callable[[], ScalarCircuit]] = {
    "inverse in factors": lambda: inverse((0.01, 1.0), error=1e-3),
    "inverse of degree 4": lambda: inverse((1.0, 3.0), error=0.01),
    "inverse of negative numbers": lambda: inverse((-2.0, -0.5), error=1e-4),
    "exponential, squared": lambda: exponential((-8.0, 0.0), error=1e-4),
    "exponential of degree 2": lambda: exponential((-0.5, 0.5), error=0.02),
    "inverse square root": lambda: inverse_square_root((0.01, 1.0), error=1e-3),
    "inverse square root in stages": lambda: inverse_square_root(
        (0.01, 1.0), error=1e-3, objective="products"
    ),
    "square root": lambda: square_root((0.0, 2.0), error=0.05),
    "GELU": lambda: gelu((-6.0, 6.0), error=1e-3),
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_a_circuit_has_its_error_and_its_depth_on_ciphertexts(bench: Bench, name: str) -> None:
    circuit = CIRCUITS[name]()
    plan, scaled = circuit.plan, circuit.scaled
    x = np.linspace(*circuit.on, bench.context.slots)
    entered = scaled.scale * x + scaled.offset
    planned = bench.planned(plan, [None], SCALE)
    made = bench.evaluator.evaluate(
        plan, [bench.seal(entered, planned.values[0])], target_scale=SCALE
    )
    found = scaled.factor * bench.context.decrypt(made, bench.secret)
    growth = error_growth(plan, [entered])
    fresh = growth[0] * DEVIATION / planned.values[0]
    noise = fresh + noise_of(plan, planned, deviation=DEVIATION, growth=growth)
    assert (made.level, made.scale) == (bench.top - circuit.depth, SCALE)
    np.testing.assert_allclose(
        found,
        circuit.function.exact(x),
        rtol=0,
        atol=circuit.absolute_error + abs(scaled.factor) * TAIL * noise,
    )
    # The noise is not what hides an error of the circuit.
    assert abs(scaled.factor) * TAIL * noise < circuit.absolute_error


@pytest.mark.parametrize("degree", [2, 4])
def test_a_plan_of_squares_gives_the_scale_that_its_input_makes_of_it(
    bench: Bench, degree: int
) -> None:
    coefficients = np.random.default_rng(degree).uniform(0.1, 1.0, degree + 1).tolist()
    polynomial = Polynomial(tuple(coefficients), -1.0, 1.0)
    scaled = scaled_plan_of(polynomial)
    x = np.linspace(-1.0, 1.0, bench.context.slots)
    sealed = bench.seal(scaled.scale * x + scaled.offset, SCALE)
    with pytest.raises(LoweringError, match="at once"):
        bench.evaluator.evaluate(scaled.plan, [sealed], target_scale=1.5 * SCALE)
    made = bench.evaluator.evaluate(scaled.plan, [sealed], target_scale=None)
    found = scaled.factor * bench.context.decrypt(made, bench.secret)
    planned = bench.planned(scaled.plan, [SCALE], None)
    assert made.scale == planned.values[-1]
    # No slope of a degree below 5 exceeds 16 times the sum of its coefficients.
    allowed = 32 * TAIL * DEVIATION * sum(coefficients) / SCALE
    np.testing.assert_allclose(found, polynomial(x), rtol=0, atol=allowed)


def test_softmax_of_four_logits_has_its_error_on_ciphertexts(bench: Bench) -> None:
    circuit = softmax(4, (-1.0, 1.0), error=0.02)
    logits = np.random.default_rng(11).uniform(-1.0, 1.0, 4)
    logits[:2] = (1.0, -1.0)
    # Exponential of what is shifted, four logits again and again so that rotations go around.
    exponent, inverted = circuit.exponential.scaled, circuit.inverse.scaled
    shift = logits.mean() + most_over_mean(4, circuit.on) if circuit.is_centred else circuit.on[1]
    entered = exponent.scale * (np.tile(logits, bench.context.slots // 4) - shift) + exponent.offset
    planned = bench.planned(exponent.plan, [None], SCALE)
    evaluator = bench.evaluator
    powers = evaluator.evaluate(
        exponent.plan, [bench.seal(entered, planned.values[0])], target_scale=SCALE
    )
    total = evaluator.rotate_sum(powers, [1, 2])
    signed = evaluator.negate(total) if inverted.scale < 0 else total
    quotient = evaluator.evaluate(
        inverted.plan, [evaluator.add_constant(signed, inverted.offset)], target_scale=SCALE
    )
    product = evaluator.multiply(evaluator.drop(powers, quotient.level), quotient)
    found = circuit.factor * bench.context.decrypt(evaluator.rescale(product), bench.secret)
    exact = np.exp(logits) / np.exp(logits).sum()
    assert quotient.level - 1 == bench.top - circuit.depth
    # The noise is far below the circuit's error of about 1e-2, of which this leaves a thousandth.
    np.testing.assert_allclose(found[:4], exact, rtol=0, atol=1.001 * circuit.error)
    np.testing.assert_allclose(found, np.tile(circuit(logits), len(found) // 4), rtol=0, atol=1e-6)
