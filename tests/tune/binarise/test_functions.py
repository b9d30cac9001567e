from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from tacit.errors import TypeMismatch
from tacit.tune.binarise import (
    QUANTISERS,
    DoReFa,
    Quantiser,
    SteSign,
    SteTern,
    SwishSign,
    approx_sign,
    dorefa,
    dorefa_weights,
    magnitude_aware_sign,
    ste_heaviside,
    ste_sign,
    ste_tern,
    swish_sign,
)

Doubles = NDArray[np.float64]
Entrywise = Callable[[Doubles], Doubles]
BEYOND = np.nextafter(1.0, 2.0)
EDGES = np.array(
    [
        *(0.0, -0.0, 5e-324, -5e-324, 1e-30, -1e-30, 0.05, -0.05, np.nextafter(0.05, 0.0)),
        *(0.5, 1.0, -1.0, BEYOND, -BEYOND, np.nextafter(1.0, 0.0), 2.0, -2.0, 1e30, -1e30),
        *(np.inf, -np.inf, np.nan, 300.0, -300.0),
    ]
)


def signed(x: Doubles) -> Doubles:
    return np.where(x < 0.0, -1.0, 1.0)


def within(clip: float) -> Entrywise:
    return lambda x: np.where(np.abs(x) <= clip, 1.0, 0.0)


def parabola(x: Doubles) -> Doubles:
    return np.where(np.abs(x) <= 1.0, 2.0 * (1.0 - np.abs(x)), 0.0)


def swish(beta: float) -> Entrywise:
    def slope(x: Doubles) -> Doubles:
        with np.errstate(over="ignore", invalid="ignore"):
            y = beta * x
            found = beta * (2.0 - y * np.tanh(y / 2.0)) / (1.0 + np.cosh(y))
        # Where the formula overflows it is less than any double.
        return np.where(np.abs(y) > 700.0, 0.0, found)

    return slope


def ternary(t: float) -> Entrywise:
    return lambda x: np.where(x >= t, 1.0, np.where(x <= -t, -1.0, 0.0))


# What is tested, what it gives, and what its gradient is, written down once more.
CASES: dict[str, tuple[Callable[[Tensor], Tensor], Entrywise, Entrywise]] = {
    "ste_sign": (ste_sign, signed, within(1.0)),
    "ste_sign to 1.3": (lambda x: ste_sign(x, 1.3), signed, within(1.3)),
    "ste_sign without clip": (lambda x: ste_sign(x, math.inf), signed, within(math.inf)),
    "approx_sign": (approx_sign, signed, parabola),
    "swish_sign": (swish_sign, signed, swish(5.0)),
    "swish_sign of 10": (lambda x: swish_sign(x, 10.0), signed, swish(10.0)),
    "ste_heaviside": (ste_heaviside, lambda x: np.where(x > 0.0, 1.0, 0.0), within(1.0)),
    "ste_tern": (ste_tern, ternary(0.05), within(1.0)),
    "ste_tern at 0.4": (lambda x: ste_tern(x, 0.4, 2.0), ternary(0.4), within(2.0)),
    "dorefa of 1": (
        lambda x: dorefa(x, 1),
        lambda x: np.rint(np.clip(x, 0.0, 1.0)),
        lambda x: np.where((x >= 0.0) & (x <= 1.0), 1.0, 0.0),
    ),
    "dorefa of 3": (
        lambda x: dorefa(x, 3),
        lambda x: np.rint(np.clip(x, 0.0, 1.0) * 7.0) / 7.0,
        lambda x: np.where((x >= 0.0) & (x <= 1.0), 1.0, 0.0),
    ),
}
FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "ste_sign": ste_sign,
    "approx_sign": approx_sign,
    "swish_sign": swish_sign,
    "ste_heaviside": ste_heaviside,
    "magnitude_aware_sign": magnitude_aware_sign,
    "ste_tern": ste_tern,
    "ternary_weights": lambda x: ste_tern(x, None),
    "dorefa": dorefa,
    "dorefa_weights": dorefa_weights,
}
EVERY = pytest.mark.parametrize("name", CASES)


def gradient(function: Callable[[Tensor], Tensor], x: Tensor, outer: Tensor) -> Tensor:
    leaf = x.clone().requires_grad_()
    torch.autograd.backward(function(leaf), outer)
    assert leaf.grad is not None
    return leaf.grad


def drawn(seed: int, *shape: int) -> Doubles:
    return np.random.default_rng(seed).normal(size=shape) * 2.0


@EVERY
def test_values_at_the_edges_are_the_formulas(name: str) -> None:
    function, value, _ = CASES[name]
    np.testing.assert_array_equal(function(torch.tensor(EDGES)).numpy(), value(EDGES))


@EVERY
def test_gradients_at_the_edges_are_the_formulas(name: str) -> None:
    function, _, slope = CASES[name]
    x = torch.tensor(EDGES)
    found = gradient(function, x, torch.full_like(x, 3.0)).numpy()
    np.testing.assert_allclose(found, 3.0 * slope(EDGES), rtol=1e-12, atol=1e-200)


@EVERY
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_random_values_and_gradients_are_the_formulas(name: str, seed: int) -> None:
    function, value, slope = CASES[name]
    x, outer = drawn(seed, 5, 7), drawn(seed + 1, 5, 7)
    np.testing.assert_array_equal(function(torch.tensor(x)).numpy(), value(x))
    found = gradient(function, torch.tensor(x), torch.tensor(outer)).numpy()
    # A slope of cosh cancels for large arguments; it is at most 5 there.
    np.testing.assert_allclose(found, outer * slope(x), rtol=1e-9, atol=1e-12)


@EVERY
def test_floats_stay_floats(name: str) -> None:
    function, value, _ = CASES[name]
    x = EDGES.astype(np.float32)
    found = function(torch.tensor(x))
    assert found.dtype == torch.float32
    # The border is rounded to a float too.
    is_clear = np.abs(np.abs(x) - 0.05) > 1e-6
    wanted = value(x.astype(np.float64))
    np.testing.assert_allclose(found.double().numpy()[is_clear], wanted[is_clear], rtol=2e-7)


def test_both_zeros_and_what_is_no_number_are_plus_one() -> None:
    x = torch.tensor([0.0, -0.0, math.nan])
    assert torch.equal(ste_sign(x), torch.ones(3))
    assert torch.equal(ste_heaviside(x), torch.zeros(3))


def test_a_magnitude_is_an_outputs_mean_and_a_constant_of_the_gradient() -> None:
    x, outer = drawn(3, 4, 3, 2, 2), drawn(4, 4, 3, 2, 2)
    size = np.abs(x).mean(axis=(1, 2, 3), keepdims=True)
    found = magnitude_aware_sign(torch.tensor(x)).numpy()
    np.testing.assert_allclose(found, size * signed(x), rtol=1e-12)
    slopes = gradient(magnitude_aware_sign, torch.tensor(x), torch.tensor(outer)).numpy()
    np.testing.assert_allclose(slopes, outer * size * within(1.0)(x), rtol=1e-12)


def test_a_magnitude_of_single_weights_is_their_own() -> None:
    x = torch.tensor([-2.0, 0.0, 0.5])
    assert torch.equal(magnitude_aware_sign(x), x)


def test_ternary_weight_networks_choose_their_threshold() -> None:
    x = drawn(5, 6, 8)
    border = 0.7 * np.abs(x).mean()
    found = ste_tern(torch.tensor(x), None)
    np.testing.assert_array_equal(found.numpy(), ternary(border)(x))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_dorefas_weights_and_their_gradients_are_the_formulas(bits: int) -> None:
    w, outer, steps = drawn(bits, 5, 4), drawn(bits + 1, 5, 4), 2**bits - 1
    t = np.tanh(w)
    z = t / (2.0 * np.abs(t).max()) + 0.5
    found = dorefa_weights(torch.tensor(w), bits).numpy()
    np.testing.assert_allclose(found, 2.0 * np.rint(z * steps) / steps - 1.0, rtol=1e-14)
    slopes = gradient(lambda x: dorefa_weights(x, bits), torch.tensor(w), torch.tensor(outer))
    np.testing.assert_allclose(slopes.numpy(), outer * (1.0 - t**2) / np.abs(t).max(), rtol=1e-9)


def test_dorefas_weights_may_all_be_zero() -> None:
    found = dorefa_weights(torch.zeros(3), 2)
    assert torch.isfinite(found).all()


def test_dorefa_lets_what_is_no_number_through() -> None:
    assert torch.isnan(dorefa(torch.tensor([math.nan]))).all()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_module_is_its_function(name: str) -> None:
    module, function = QUANTISERS[name](), FUNCTIONS[name]
    x, outer = torch.tensor(drawn(6, 4, 5)), torch.tensor(drawn(7, 4, 5))
    assert torch.equal(module(x), function(x))
    assert torch.equal(gradient(module, x, outer), gradient(function, x, outer))


def test_the_table_holds_all_quantisers() -> None:
    assert set(QUANTISERS) == {*FUNCTIONS, "lsq", "lsq_weights"}
    assert all(each().bits in {1, 2} for each in QUANTISERS.values())


def test_modules_keep_their_knobs() -> None:
    x = torch.tensor(drawn(8, 40))
    assert torch.equal(SteTern(0.6)(x), ste_tern(x, 0.6))
    assert torch.equal(DoReFa(4)(x), dorefa(x, 4))
    assert torch.equal(
        gradient(SwishSign(2.0), x, torch.ones_like(x)),
        gradient(lambda x: swish_sign(x, 2.0), x, torch.ones_like(x)),
    )


@pytest.mark.parametrize(
    "made",
    [
        lambda: SteSign(0.0),
        lambda: SwishSign(-1.0),
        lambda: SteTern(math.nan),
        lambda: DoReFa(0),
        lambda: DoReFa(9),
    ],
)
def test_knobs_that_mean_nothing_are_refused(made: Callable[[], Quantiser]) -> None:
    with pytest.raises(TypeMismatch):
        made()
