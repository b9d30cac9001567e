from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tacit.approx import LeastSquares, fit
from tacit.errors import NotCalibrated
from tacit.ir.functions import Function
from tacit.tune.coefficients import Tuning, tune_coefficients
from tacit.tune.paf import PAF, stand_in
from tacit.tune.replace import replace
from tacit.tune.scaling import Scale, Scaling, freeze, observe, use
from tests.tune.models import Pooled, residual


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def seen(name: str, x: Tensor) -> PAF:
    layer = stand_in("relu", name).eval()
    observe(layer, [x])
    freeze(layer)
    use(layer, Scaling.STATIC)
    return layer


@given(
    st.sampled_from(["alpha7", "f1f1g1g1", "f2g3", "f2g2", "f1g2"]),
    st.integers(0, 1000),
    st.floats(-3.0, 3.0),
    st.sampled_from([0.01, 1.0, 40.0]),
)
@settings(deadline=None, max_examples=10)
def test_tuning_never_ends_worse(name: str, seed: int, shift: float, size: float) -> None:
    layer = seen(name, size * (normal(seed, 3000) + shift))
    (found,) = tune_coefficients(layer, Tuning(steps=8))
    assert found.after <= found.before


def test_a_cheap_form_gains_much_on_the_inputs_themselves() -> None:
    x = normal(1, 50000)
    layer = seen("f1f1g1g1", x)
    before = float((layer(x) - torch.relu(x)).detach().square().mean())
    (found,) = tune_coefficients(layer)
    after = float((layer(x) - torch.relu(x)).detach().square().mean())
    # Measured: eight times less on normal inputs.
    assert after <= before / 4.0
    # The histogram's 2048 bins stand for the inputs.
    assert found.after == pytest.approx(after, rel=0.05)


def test_a_single_polynomial_becomes_the_least_squares_one() -> None:
    x = 2.0 * torch.rand(200000, generator=torch.Generator().manual_seed(1)) - 1.0
    layer = PAF(Function("silu"), fit("silu", (-1.0, 1.0), degree=4), Scale("act")).eval()
    observe(layer, [x])
    (found,) = tune_coefficients(layer, Tuning(spread=0.0))
    wanted = fit("silu", (-1.0, 1.0), degree=4, method=LeastSquares(layer.scale.histogram))
    error = torch.from_numpy(wanted(x.double().numpy())) - torch.nn.functional.silu(x.double())
    # The middles of bins stand for inputs, and coefficients are float32.
    assert found.after == pytest.approx(float(error.square().mean()), rel=0.02)


def test_a_layer_of_a_tuned_one_stays_tame_a_little_outside() -> None:
    layer = seen("f1f1g1g1", normal(1, 50000))
    tune_coefficients(layer)
    x = 1.05 * layer.scale.value
    # Without reach it is off by more than the scale itself.
    assert abs(float(layer(x).detach()) - float(x)) <= 0.1 * float(x)


def test_a_maximum_is_tuned_through_its_tournament() -> None:
    x = normal(1, 3, 1, 13, 13)
    made = replace(Pooled().eval(), {"pool": "f1g2"}, x)
    observe(made, [x])
    (found,) = tune_coefficients(made, Tuning(steps=15))
    assert found.name == "pool"
    assert found.after <= found.before / 2.0


def test_layers_are_tuned_in_inference_order() -> None:
    x = normal(1, 4, 3, 8, 8)
    made = replace(residual().eval(), "f1g2", x)
    observe(made, [x])
    names = [each.name for each in tune_coefficients(made, Tuning(steps=2))]
    assert names == ["2", "3.relu", "3.relu_1", "4.relu", "4.relu_1"]


def test_nothing_is_tuned_that_saw_nothing() -> None:
    with pytest.raises(NotCalibrated, match="PAF has seen no input"):
        tune_coefficients(stand_in("relu", "f1g2"))
