from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx import Composite, Fit, composite, of_trainable, paf
from tacit.errors import NotCalibrated
from tacit.tune.back import approximation, approximations
from tacit.tune.paf import PAF, Approximant, stand_in
from tacit.tune.replace import replace
from tacit.tune.scaling import Scaling, freeze, observe, use
from tests.tune.models import Pooled


def moved(layer: PAF, seed: int, by: float) -> PAF:
    draw = torch.Generator().manual_seed(seed)
    for each in layer.coefficients:
        each.data += by * torch.randn(each.shape, generator=draw)
    use(layer, Scaling.STATIC)
    return layer


def test_untrained_coefficients_come_back_as_the_named_composite() -> None:
    found = approximation(stand_in("relu", "f2g3", on=2.5))
    wanted = of_trainable("f2g3", paf("f2g3").trainable, on=(-2.5, 2.5))
    assert isinstance(found, Composite)
    assert found.degrees == wanted.degrees
    # Coefficients pass through float32.
    assert found.error == pytest.approx(wanted.error, rel=1e-5)


@given(
    st.sampled_from(["relu", "max", "abs"]), st.integers(0, 1000), st.sampled_from([0.01, 0.1, 0.3])
)
@settings(deadline=None, max_examples=15)
def test_a_trained_composite_is_the_layer(function: str, seed: int, by: float) -> None:
    layer = moved(stand_in(function, "f1f1g1g1", on=3.0), seed, by)
    x = torch.linspace(-3.0, 3.0, 501)
    found = approximation(layer)
    assert isinstance(found, Composite)
    values, wanted = found(x.double().numpy()), layer(x).detach().double().numpy()
    # Stages of moved coefficients may reach far out, where float32 errs relative to the largest.
    assert np.abs(values - wanted).max() <= 1e-4 * max(1.0, np.abs(wanted).max())


def test_every_stage_of_a_trained_composite_holds_what_it_is_given() -> None:
    found = approximation(moved(stand_in("relu", "f1f1g1g1", on=3.0), 5, 0.3))
    assert isinstance(found, Composite)
    x = np.linspace(-3.0, 3.0, 10001)
    first, second, third, _ = found.stages
    assert np.abs(first(x)).max() <= second.high
    assert np.abs(second(first(x))).max() <= third.high


def test_high_degrees_lose_no_digits_on_the_way_back() -> None:
    made = composite("relu", (15, 27), (-2.0, 2.0))
    found = approximation(stand_in("relu", made, on=2.0))
    # Coefficients pass through float32; the error is 2e-4 of 2.
    assert found.error == pytest.approx(made.error, rel=1e-3)


def test_one_polynomial_comes_back_as_a_fit() -> None:
    layer = stand_in("relu", 9, on=2.0)
    found = approximation(layer)
    use(layer, Scaling.STATIC)
    x = torch.linspace(-2.0, 2.0, 101)
    assert isinstance(found, Fit)
    assert (found.low, found.high) == (-2.0, 2.0)
    assert np.abs(found(x.double().numpy()) - layer(x).detach().numpy()).max() <= 1e-5


def test_a_models_layers_come_back_by_name_with_errors_measured() -> None:
    x = torch.randn(4, 1, 13, 13, generator=torch.Generator().manual_seed(1))
    forms: dict[str, Approximant] = {"relu": "alpha7", "pool": "f2g2", "silu": 9}
    made = replace(Pooled(), forms, x)
    observe(made, [x])
    freeze(made)
    found = approximations(made)
    assert list(found) == ["relu", *(f"pool.levels.{k}" for k in range(4)), "silu"]
    assert [each.function.name for each in found.values()] == ["relu", *["max"] * 4, "silu"]


def test_a_dynamic_scale_is_no_approximation() -> None:
    with pytest.raises(NotCalibrated, match="act has no static scale"):
        approximation(stand_in("relu", "alpha7", name="act"))
