from __future__ import annotations

import numpy as np
import pytest
import torch

from tacit.approx import PAFS, Custom, composite, fit, paf
from tacit.errors import NotCalibrated, TypeMismatch
from tacit.ir.functions import Function
from tacit.tune.paf import PAF, Approximant, stand_in
from tacit.tune.scaling import Scale, Scaling, use

X = torch.linspace(-3.0, 3.0, 601)


def at_rest(function: str, approximant: Approximant, on: float = 3.0) -> PAF:
    layer = stand_in(function, approximant, on=on).eval()
    use(layer, Scaling.STATIC)
    return layer


@pytest.mark.parametrize("name", PAFS)
@pytest.mark.parametrize("function", ["relu", "max", "abs", "sign"])
def test_a_layer_computes_the_workbenchs_composite(name: str, function: str) -> None:
    wanted = paf(name).composite(function, (-3.0, 3.0))(X.double().numpy())
    found = at_rest(function, name)(X).detach().numpy()
    # Errors of float32 that slopes up to 7.3 in one stage and 2.4 in the next multiply.
    assert np.abs(found - wanted).max() <= 50 * 2.0**-24 * 3.0


def test_a_composite_of_high_degree_is_as_exact_in_float32() -> None:
    made = composite("relu", (15, 27), (-2.0, 2.0))
    found = at_rest("relu", made)(X).detach().numpy()
    scaled = composite("relu", (15, 27), (-3.0, 3.0))(X.double().numpy())
    # Powers of x would lose 8 digits here; the steepest slope is below 400.
    assert np.abs(found - scaled).max() <= 400 * 2.0**-24 * 3.0


def test_bfloat16_costs_what_bfloat16_rounds() -> None:
    layer = at_rest("relu", "alpha7")
    rounded = X.to(torch.bfloat16)
    found = layer(rounded).detach()
    assert found.dtype == torch.bfloat16
    # The result is rounded once, to 8 bits of at most 3.
    assert float((found.float() - layer(rounded.float()).detach()).abs().max()) <= 3.0 * 2.0**-8


def test_the_scale_divides_only_the_argument_of_the_sign() -> None:
    small, large = at_rest("relu", "f2g2", on=1.0), at_rest("relu", "f2g2", on=4.0)
    torch.testing.assert_close(4.0 * small(X / 4.0), large(X))


def test_one_polynomial_of_a_relu_serves_every_scale() -> None:
    layer = at_rest("relu", 8)
    assert layer.degrees == (8,)
    error = fit("relu", (-3.0, 3.0), degree=8).error
    gap = (layer(X) - torch.relu(X)).detach().abs().max()
    assert float(gap) == pytest.approx(error, rel=1e-3)


def test_a_polynomial_of_another_function_keeps_its_interval() -> None:
    found = fit("silu", (-2.0, 6.0), degree=20)
    layer = PAF(Function("silu"), found, Scale("act"))
    x = torch.linspace(-2.0, 6.0, 401)
    # Doubles rounded to float32, in sums of 21 terms that are below 6.
    assert np.abs(layer(x).detach().numpy() - found(x.double().numpy())).max() <= 21 * 6 * 2.0**-23


def test_every_coefficient_learns() -> None:
    layer = stand_in("relu", "alpha7")
    (layer(X) - torch.relu(X)).square().mean().backward()
    slopes = [each.grad for each in layer.coefficients]
    assert [int(each.ne(0).sum()) for each in slopes if each is not None] == [4, 4]


def test_the_state_holds_coefficients_and_scale() -> None:
    source, other = at_rest("relu", "f1g2", on=2.0), stand_in("relu", "f1g2").eval()
    source.coefficients[0].data += 0.1
    other.load_state_dict(source.state_dict())
    use(other, Scaling.STATIC)
    torch.testing.assert_close(other(X), source(X))


def test_a_sign_is_refused_for_what_is_not_made_of_one() -> None:
    with pytest.raises(TypeMismatch, match="silu is not made of one sign"):
        stand_in("silu", "alpha7")


def test_a_fit_of_another_function_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="a fit of tanh cannot stand for silu"):
        stand_in("silu", fit("tanh", (-1.0, 1.0), degree=3))


def test_a_degree_needs_inputs_that_were_seen() -> None:
    with pytest.raises(NotCalibrated, match="silu needs an interval"):
        stand_in("silu", 7)


def test_a_custom_function_has_its_fit() -> None:
    cube = Custom("cube", lambda x: x**3)
    layer = PAF(cube, fit(cube, (-3.0, 3.0), degree=3), Scale("act"))
    assert float((layer(X) - X**3).detach().abs().max()) <= 27.0 * 2.0**-20
