import math

import flint
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.approx import METHODS, Custom, Fit, fit
from tacit.approx.methods.taylor import Taylor
from tacit.approx.polynomial import Parity
from tacit.errors import TypeMismatch
from tacit.ir.functions import Function


def expanded(function: Function | Custom | str, low: float, high: float, degree: int) -> Fit:
    return fit(function, (low, high), degree=degree, method=Taylor())


def test_it_has_a_name() -> None:
    assert METHODS["taylor"] is Taylor


@pytest.mark.parametrize("degree", [0, 1, 5, 12])
def test_the_exponential_is_its_series(degree: int) -> None:
    x = np.linspace(-1.0, 1.0, 21)

    found = expanded("exp", -1, 1, degree)

    series = sum(x**k / math.factorial(k) for k in range(degree + 1))
    # Values up to e, rounded once for each of at most 13 terms.
    assert np.abs(found(x) - series).max() <= 1e-14


@given(
    st.sampled_from(["sigmoid", "tanh", "gelu", "silu", "sin", "cos", "erf", "softplus", "mish"]),
    st.floats(-3.0, 3.0),
    st.integers(0, 10),
)
def test_the_error_at_the_centre_is_of_the_next_order(
    name: str, centre: float, degree: int
) -> None:
    function = Function(name)
    found = fit(name, (centre - 1.0, centre + 1.0), degree=degree, method=Taylor(centre))
    h = np.array([-0.05, 0.05])

    error = np.abs(found(centre + h) - function.exact(centre + h))

    # Their Taylor coefficients are below 2, as their derivatives are below 2 k! for radius 1.
    assert np.all(error <= 4.0 * 0.05 ** (degree + 1) + 1e-14)


def test_the_centre_is_the_middle_of_the_interval_by_default() -> None:
    by_default = expanded("exp", 1, 3, 4)
    about_two = fit("exp", (1, 3), degree=4, method=Taylor(2.0))
    about_one = fit("exp", (1, 3), degree=4, method=Taylor(1.0))

    assert by_default.polynomial == about_two.polynomial
    assert by_default.polynomial != about_one.polynomial
    assert about_one(np.array(1.0)) == pytest.approx(math.e, rel=1e-14)


@pytest.mark.parametrize(("name", "parity"), [("sin", Parity.ODD), ("cos", Parity.EVEN)])
def test_symmetry_about_the_centre_is_kept_exactly(name: str, parity: Parity) -> None:
    assert expanded(name, -2, 2, 9).polynomial.parity is parity


def test_a_polynomial_is_its_own_expansion_about_any_point() -> None:
    found = fit("square", (-1, 3), degree=6, method=Taylor(0.75))

    # x² = (1 + 2 t)² on [-1, 3].
    assert found.polynomial.coefficients == (3.0, 4.0, 2.0)


def test_terms_that_cancel_are_computed_with_enough_digits() -> None:
    x = np.linspace(-20.0, 20.0, 401)

    found = expanded("sin", -20, 20, 127)

    # Terms up to 20**20 / 20! = 4e7 cancel; what follows degree 127 is below 20**129 / 129!.
    assert np.abs(found(x) - np.sin(x)).max() <= 1e-13


def test_a_kink_elsewhere_is_no_obstacle() -> None:
    found = expanded("relu", -1, 3, 5)

    assert found.polynomial.degree == 1
    assert found(np.array(2.5)) == pytest.approx(2.5, rel=1e-15)
    assert found.error == pytest.approx(1.0, rel=1e-9)


def test_a_function_of_ones_own_is_expanded_if_it_has_branches() -> None:
    inverse = Custom("inverse", lambda x: 1.0 / (x + 3.0), branches=(lambda x: 1 / (x + 3),))

    found = expanded(inverse, -1, 1, 3)

    # 1/3 - x/9 + x²/27 - x³/81
    powers = np.polynomial.chebyshev.cheb2poly(np.array(found.polynomial.coefficients))
    assert powers == pytest.approx([1 / 3, -1 / 9, 1 / 27, -1 / 81], rel=1e-14)


@pytest.mark.parametrize(
    ("function", "on", "method", "words"),
    [
        (Function("relu"), (-1, 1), Taylor(), "relu has a kink at 0"),
        (Function("tanh"), [(-2, -1), (1, 2)], Taylor(), "one interval, not 2"),
        (Function("tanh"), (-1, 1), Taylor(1.5), r"centre 1.5 is outside of \[-1, 1\]"),
        (Custom("mine", np.tanh), (-1, 1), Taylor(), "derivatives of mine are not known"),
        (
            Custom("root", np.cbrt, branches=(lambda x: x.log().exp(),)),
            (-1, 1),
            Taylor(),
            "no Taylor polynomial of degree 3 about 0",
        ),
    ],
)
def test_what_has_no_expansion_is_refused(
    function: Function | Custom, on: list[tuple[float, float]], method: Taylor, words: str
) -> None:
    with pytest.raises(TypeMismatch, match=words) as raised:
        fit(function, on, degree=3, method=method)

    assert raised.value.hint


def test_a_weight_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="knows no weight"):
        fit("tanh", (-1, 1), degree=3, method=Taylor(), weight=Function("exp"))


def test_working_precision_is_given_back() -> None:
    before = flint.ctx.prec

    expanded("sin", -20, 20, 63)

    assert flint.ctx.prec == before
