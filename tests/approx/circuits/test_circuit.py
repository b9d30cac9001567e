from __future__ import annotations

from collections.abc import Callable

import flint
import numpy as np
import pytest

from tacit.approx.circuits import (
    ScalarCircuit,
    exponential,
    gelu,
    inverse,
    inverse_square_root,
    square_root,
)
from tacit.approx.plans import scales
from tacit.errors import DepthExceeded, OutOfRange, TypeMismatch

BITS = 256
MEANINGS = {
    "inverse": lambda x: 1 / x,
    "rsqrt": lambda x: x.rsqrt(),
    "sqrt": lambda x: x.sqrt(),
    "exp": lambda x: x.exp(),
    "gelu": lambda x: x * (1 + (x / flint.arb(2).sqrt()).erf()) / 2,
}
CIRCUITS = {
    "an inverse": inverse((0.1, 1.0), error=1e-3),
    "a wide inverse": inverse((1.0, 1e4), error=1e-4),
    "a very wide inverse": inverse((1e-6, 1.0), error=1e-6),
    "a negative inverse": inverse((-3.0, -0.05), error=1e-5),
    "an inverse square root": inverse_square_root((0.01, 1.0), error=1e-3),
    "a wide inverse square root": inverse_square_root((1.0, 1e4), error=1e-2),
    "a staged inverse square root": inverse_square_root(
        (0.01, 10.0), error=1e-3, objective="products"
    ),
    "a square root": square_root((0.05, 7.0), error=1e-3),
    "a square root from zero": square_root((0.0, 4.0), error=0.01),
    "a staged square root": square_root((0.0, 50.0), error=0.01, objective="products"),
    "a wide square root": square_root((1e-5, 1.0), error=0.01),
    "an exponential": exponential((-8.0, 0.0), error=1e-4),
    "a wide exponential": exponential((-40.0, 0.0), error=1e-4),
    "an absolute exponential": exponential((-50.0, 3.0), error=1e-3, relative=False),
    "a gelu": gelu((-12.0, 10.0), error=1e-3),
}
every_circuit = pytest.mark.parametrize("circuit", CIRCUITS.values(), ids=CIRCUITS.keys())


def points_of(circuit: ScalarCircuit) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Points of the domain that the measurement does not use: many, and many near the low end."""
    low, high = circuit.on
    even = np.linspace(low, high, 1237)
    near = low + (high - low) * np.geomspace(1e-9, 1.0, 763)
    return np.concatenate([even, np.minimum(near, high)])


@every_circuit
def test_the_errors_hold_in_high_precision(circuit: ScalarCircuit) -> None:
    scaled = circuit.scaled
    with flint.ctx.workprec(BITS):
        x = np.array([flint.arb(each) for each in points_of(circuit)], dtype=object)
        found = scaled.factor * scaled.plan(scaled.scale * x + scaled.offset)
        exact = [MEANINGS[circuit.function.name](each) for each in x]
        misses = [abs(a - b) for a, b in zip(found, exact, strict=True)]
        absolute = max(float(each.upper()) for each in misses)
        shares = [miss / abs(each) for miss, each in zip(misses, exact, strict=True)]

    # What was measured in doubles was rounded up by more than their own rounding.
    assert absolute <= circuit.absolute_error
    assert np.isinf(circuit.relative_error) or (
        max(float(each.upper()) for each in shares) <= circuit.relative_error
    )


@every_circuit
def test_the_plan_is_what_is_called(circuit: ScalarCircuit) -> None:
    x = points_of(circuit)
    scaled = circuit.scaled

    planned = scaled.factor * circuit.plan(scaled.scale * x + scaled.offset)

    assert circuit(x).tolist() == planned.tolist()
    assert (circuit.depth, circuit.products) == (circuit.plan.depth, circuit.plan.products)


@every_circuit
def test_the_normalised_input_stays_in_reach_of_one(circuit: ScalarCircuit) -> None:
    inputs = circuit.scaled.scale * np.array(circuit.on) + circuit.scaled.offset

    assert np.abs(inputs).max() <= circuit.reach
    # Five bits above the scale are enough for all values inside.
    assert circuit.reach <= 32.0


@every_circuit
def test_scales_exist_for_moduli_that_are_not_exact(circuit: ScalarCircuit) -> None:
    generator = np.random.default_rng(5)
    drift = 1.0 + 1e-6 * generator.uniform(-1.0, 1.0, circuit.depth)
    moduli = [2.0**50, *(2.0**40 * drift)]

    found = scales(circuit.plan, moduli, level=circuit.depth, inputs=[2.0**40], target=2.0**40)

    # Each level drifts by 1e-6 at most, and squarings double what there is.
    assert max(found.values) / min(found.values) < 1.01


def test_inputs_outside_the_domain_are_refused() -> None:
    circuit = CIRCUITS["an inverse"]

    with pytest.raises(OutOfRange, match=r"1 of 2 inputs of inverse lie outside \[0.1, 1\].* 1.5"):
        circuit(np.array([0.5, 1.5]))
    with pytest.raises(OutOfRange, match="nan"):
        circuit(np.array([np.nan]))


def test_extrapolation_is_possible_when_asked_for() -> None:
    circuit = CIRCUITS["an inverse"]

    value = circuit(np.array([1.01]), extrapolate=True)

    assert np.isfinite(value).all()


@pytest.mark.parametrize("make", [inverse, inverse_square_root, square_root, exponential, gelu])
@pytest.mark.parametrize("on", [(2.0, 1.0), (1.0, 1.0), (1.0, float("inf")), (float("nan"), 1.0)])
def test_domains_without_an_inside_are_refused(make: object, on: tuple[float, float]) -> None:
    assert callable(make)

    with pytest.raises(TypeMismatch, match="not an interval"):
        make(on, error=0.1)


@pytest.mark.parametrize("make", [inverse, inverse_square_root, square_root, exponential, gelu])
@pytest.mark.parametrize("error", [0.0, -1.0, float("nan")])
def test_errors_that_are_not_above_zero_are_refused(make: object, error: float) -> None:
    assert callable(make)

    with pytest.raises(TypeMismatch, match="error asked for"):
        make((1.0, 2.0), error=error)


# Lengths that no plan can scale by, and lengths of which doubles lose the low end.
@pytest.mark.parametrize("make", [inverse, inverse_square_root, square_root, exponential, gelu])
@pytest.mark.parametrize("on", [(1e-320, 1e-310), (2e300, 1e308), (0.0, 5e-324)])
def test_domains_that_no_double_scales_are_refused(
    make: Callable[..., ScalarCircuit], on: tuple[float, float]
) -> None:
    with pytest.raises(TypeMismatch):
        make(on, error=0.1)


@pytest.mark.parametrize(
    ("make", "on", "error"),
    [
        (inverse, (0.5, 1.0), 1e-17),
        (inverse_square_root, (0.5, 1.0), 1e-17),
        (square_root, (0.5, 1.0), 1e-17),
        (square_root, (0.0, 1.0), 1e-17),
        (gelu, (-1.0, 1.0), 1e-17),
        (gelu, (-1e-280, 1e-280), 1e-297),
        (gelu, (0.0, 1e290), 1.0),
        # Over eight decades of x a rounding of the largest is 1e-8 of the smallest.
        (inverse_square_root, (1e-8, 1.0), 1e-9),
        (square_root, (1e-8, 1.0), 1e-9),
    ],
)
def test_errors_below_a_doubles_rounding_are_refused(
    make: Callable[..., ScalarCircuit], on: tuple[float, float], error: float
) -> None:
    with pytest.raises(DepthExceeded, match="in double precision"):
        make(on, error=error)


def test_an_inverse_whose_ends_are_too_far_apart_is_refused() -> None:
    with pytest.raises(DepthExceeded, match="ratio below 1e-300"):
        inverse((5e-324, 1e10), error=0.1)


@pytest.mark.parametrize("top", [0.0, -1.0, float("inf"), float("nan")])
def test_a_largest_value_that_is_none_is_refused(top: float) -> None:
    with pytest.raises(TypeMismatch, match="largest value"):
        exponential((-1.0, 0.0), error=0.1, top=top)
