from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from tacit.errors import TypeMismatch
from tacit.ir.functions import FUNCTIONS, Family, Function, from_attributes

Definition = Callable[[torch.Tensor], torch.Tensor]

# A few roundings of a double each; exp and erf of two libraries differ in the last bits.
TOLERANCE = 1e-12

IN_TORCH: list[tuple[Function, Definition]] = [
    (Function("relu"), torch.relu),
    (Function("leaky_relu"), functional.leaky_relu),
    (Function("leaky_relu", (0.3,)), lambda x: functional.leaky_relu(x, 0.3)),
    (Function("hardtanh"), functional.hardtanh),
    (Function("hardtanh", (-0.5, 2.0)), lambda x: torch.clamp(x, -0.5, 2.0)),
    (Function("relu6"), functional.relu6),
    (Function("sigmoid"), torch.sigmoid),
    (Function("tanh"), torch.tanh),
    (Function("gelu"), functional.gelu),
    (Function("gelu_tanh"), lambda x: functional.gelu(x, approximate="tanh")),
    (Function("silu"), functional.silu),
    (Function("mish"), functional.mish),
    (Function("log_sigmoid"), functional.logsigmoid),
    (Function("softsign"), functional.softsign),
    (Function("softplus"), functional.softplus),
    (Function("softplus", (2.0, 1.0)), lambda x: functional.softplus(x, 2.0, 1.0)),
    (Function("elu"), functional.elu),
    (Function("elu", (0.5,)), lambda x: functional.elu(x, 0.5)),
    (Function("selu"), torch.selu),
    (Function("hard_sigmoid"), functional.hardsigmoid),
    (Function("hard_swish"), functional.hardswish),
    (Function("exp"), torch.exp),
    (Function("square"), torch.square),
    (Function("abs"), torch.abs),
    (Function("sign"), torch.sign),
    (Function("bipolar"), lambda x: torch.where(x < 0.0, -1.0, 1.0)),
    (Function("heaviside"), lambda x: torch.heaviside(x, torch.zeros((), dtype=x.dtype))),
    (Function("ternary", (0.5,)), lambda x: torch.sign(torch.trunc(2.0 * x))),
    (Function("erf"), torch.erf),
    (Function("sin"), torch.sin),
    (Function("cos"), torch.cos),
]
OF_POSITIVE_NUMBERS: list[tuple[Function, Definition]] = [
    (Function("log"), torch.log),
    (Function("sqrt"), torch.sqrt),
    (Function("rsqrt"), torch.rsqrt),
    (Function("inverse"), torch.reciprocal),
]


def short(value: object) -> str:
    """A name that is the same in every process: what stands after it may be an address."""
    return str(value)[:20]


PARTIAL = {function.name for function, _ in OF_POSITIVE_NUMBERS}
TOTAL = [family for name, family in FUNCTIONS.items() if name not in PARTIAL]

every_total_family = pytest.mark.parametrize("family", TOTAL, ids=lambda family: family.name)


@pytest.mark.parametrize(("function", "definition"), IN_TORCH, ids=short)
def test_a_function_means_what_torch_means(function: Function, definition: Definition) -> None:
    x = np.concatenate([np.linspace(-8.0, 8.0, 321), [-40.0, 0.0, 40.0]])

    ours = function.exact(x)

    theirs = definition(torch.from_numpy(x)).numpy()
    assert np.all(np.abs(ours - theirs) <= TOLERANCE * np.maximum(1.0, np.abs(theirs)))


@pytest.mark.parametrize(
    ("function", "definition"), OF_POSITIVE_NUMBERS, ids=lambda value: str(value)[:20]
)
def test_a_function_of_positive_numbers_means_what_torch_means(
    function: Function, definition: Definition
) -> None:
    x = np.geomspace(1e-6, 1e6, 301)

    ours = function.exact(x)

    theirs = definition(torch.from_numpy(x)).numpy()
    assert np.all(np.abs(ours - theirs) <= TOLERANCE * np.maximum(1.0, np.abs(theirs)))


def test_every_family_is_compared_with_torch() -> None:
    compared = {function.name for function, _ in (*IN_TORCH, *OF_POSITIVE_NUMBERS)}

    assert compared == set(FUNCTIONS)


@pytest.mark.parametrize(("function", "_"), OF_POSITIVE_NUMBERS, ids=short)
def test_a_function_of_positive_numbers_ends_at_a_kink(function: Function, _: Definition) -> None:
    assert function.kinks == (0.0,)


@every_total_family
def test_a_function_keeps_the_shape_and_is_finite_where_it_matters(family: Family) -> None:
    x = np.linspace(-30.0, 30.0, 24).reshape(2, 3, 4)

    y = Function(family.name).exact(x)

    assert y.shape == x.shape
    assert np.all(np.isfinite(y))


@every_total_family
def test_the_slope_jumps_nowhere_but_at_kinks(family: Family) -> None:
    function = Function(family.name)
    # Between the hundredths, where all kinks are.
    grid = np.arange(-799, 800) / 100.0 + 0.005
    width = 1e-4
    slopes = np.diff(function.exact(np.stack([grid - width, grid, grid + width])), axis=0) / width

    # A smooth function's slope changes by its curvature times the width; e^8 bounds them all.
    assert np.all(np.abs(slopes[1] - slopes[0]) <= 2.0 * np.exp(8.0) * width)


@pytest.mark.parametrize(
    ("function", "kinks"),
    [
        (Function("relu"), (0.0,)),
        (Function("leaky_relu"), (0.0,)),
        (Function("relu6"), (0.0, 6.0)),
        (Function("hardtanh", (-2.0, 3.0)), (-2.0, 3.0)),
        (Function("hard_swish"), (-3.0, 3.0)),
        (Function("sign"), (0.0,)),
        (Function("gelu"), ()),
        (Function("square"), ()),
    ],
    ids=str,
)
def test_kinks_are_known(function: Function, kinks: tuple[float, ...]) -> None:
    assert function.kinks == kinks


@given(st.floats(-5.0, 0.0), st.floats(0.0, 5.0), st.floats(-100.0, 100.0))
def test_a_clamp_stays_within_its_bounds(low: float, high: float, x: float) -> None:
    function = Function("hardtanh", (low, high))

    assert low <= float(function.exact(np.array(x))) <= high
    assert function.kinks == (low, high)


def test_missing_parameters_are_the_defaults() -> None:
    assert Function("elu", (0.5,)).values == (0.5, 1.0)
    assert Function("softplus") == Function("softplus", (1.0, 20.0))


def test_functions_are_equal_and_hash_alike_where_their_values_are() -> None:
    assert Function("leaky_relu") == Function("leaky_relu", (0.01,))
    assert len({Function("relu"), Function("relu"), Function("tanh")}) == 2


def test_a_function_is_written_with_its_parameters() -> None:
    assert repr(Function("relu")) == "relu"
    assert repr(Function("hardtanh", (-1.0, 2.5))) == "hardtanh(low=-1, high=2.5)"


def test_an_unknown_function_is_refused_with_the_known_ones() -> None:
    with pytest.raises(TypeMismatch, match="no function is called 'swoosh'") as raised:
        Function("swoosh")

    assert "relu" in (raised.value.hint or "")


def test_too_many_parameters_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="relu takes 0 parameters"):
        Function("relu", (1.0,))


def test_no_two_families_share_a_name() -> None:
    in_torch = [name for family in FUNCTIONS.values() for name in family.torch]
    in_onnx = [name for family in FUNCTIONS.values() for name in family.onnx]

    assert len(set(in_torch)) == len(in_torch)
    assert len(set(in_onnx)) == len(in_onnx)


def test_attributes_of_onnx_become_parameters() -> None:
    assert from_attributes(FUNCTIONS["elu"], {"alpha": 0.5}) == Function("elu", (0.5, 1.0))
    assert from_attributes(FUNCTIONS["leaky_relu"], {}) == Function("leaky_relu")
