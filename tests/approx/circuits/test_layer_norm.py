from __future__ import annotations

import numpy as np
import pytest

from tacit.approx.circuits import LayerNorm, layer_norm
from tacit.errors import OutOfRange, TypeMismatch
from tacit.ir.functions import FloatArray

NARROW = layer_norm(64, variance=(0.25, 4.0), error=0.01)
WIDE = layer_norm(16, variance=(0.01, 10.0), error=0.02, epsilon=1e-3, objective="products")
FROM_ZERO = layer_norm(8, variance=(0.0, 1.0), error=0.05, epsilon=0.01)
every_norm = pytest.mark.parametrize(
    "found", [NARROW, WIDE, FROM_ZERO], ids=["narrow", "wide", "from zero"]
)


def drawn(found: LayerNorm, seed: int) -> FloatArray:
    """Entries of shape (points, count), of all variances, some with one entry far from the rest."""
    generator = np.random.default_rng(seed)
    shapes = generator.normal(size=(2000, found.count))
    shapes[::2, 0] += 50.0
    shapes -= shapes.mean(axis=1, keepdims=True)
    shapes /= shapes.std(axis=1, keepdims=True)
    variances = generator.uniform(*found.variance, (2000, 1))
    return np.asarray(shapes * np.sqrt(variances) + generator.normal(size=(2000, 1)))


def exact(x: FloatArray, epsilon: float) -> FloatArray:
    """Layer norm as everybody defines it."""
    variance = x.var(axis=-1, keepdims=True)
    return np.asarray((x - x.mean(axis=-1, keepdims=True)) / np.sqrt(variance + epsilon))


@every_norm
def test_the_error_holds_for_all_entries(found: LayerNorm) -> None:
    x = drawn(found, 3)

    assert np.abs(found(x) - exact(x, found.epsilon)).max() <= found.error


@every_norm
def test_what_is_measured_is_below_the_bound(found: LayerNorm) -> None:
    assert found.error / 20.0 < found.measured_error <= found.error


@every_norm
def test_the_depth_is_that_of_a_square_the_root_and_a_product(found: LayerNorm) -> None:
    assert found.depth == 2 + found.inverse_square_root.plan.depth
    assert found.products == 2 + found.inverse_square_root.plan.products


def test_the_errors_asked_for_are_met() -> None:
    assert NARROW.error <= 0.01
    assert WIDE.error <= 0.02
    assert FROM_ZERO.error <= 0.05


def test_variances_outside_are_refused_unless_asked_for() -> None:
    x = 10.0 * drawn(NARROW, 4)

    with pytest.raises(OutOfRange, match="the variance in layer norm"):
        NARROW(x)
    assert NARROW(x, extrapolate=True).shape == x.shape


def test_a_variance_that_may_vanish_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="let the root vanish"):
        layer_norm(8, variance=(0.0, 1.0), error=0.1, epsilon=0.0)
    with pytest.raises(TypeMismatch, match="no variance"):
        layer_norm(1, variance=(0.5, 1.0), error=0.1)
    with pytest.raises(TypeMismatch, match="not an interval"):
        layer_norm(8, variance=(1.0, 1.0), error=0.1)
