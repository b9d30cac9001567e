"""Scalar functions as data: name, exact meaning, kinks, and names in torch and ONNX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from tacit.errors import TypeMismatch

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Parameter:
    """A parameter of a family of functions: its default and its attribute's name in ONNX."""

    name: str
    default: float
    onnx: str | None = None


@dataclass(frozen=True)
class Family:
    """All that is known of one kind of scalar function; `Function` picks the parameters.

    `torch` lists the names in `torch.ops.aten`, whose arguments after the first are `parameters`
    in their order. `kinks` gives the points where a derivative jumps.
    """

    name: str
    meaning: Callable[..., FloatArray]
    parameters: tuple[Parameter, ...] = ()
    kinks: Callable[..., tuple[float, ...]] = lambda *_: ()
    torch: tuple[str, ...] = ()
    onnx: tuple[str, ...] = ()


@dataclass(frozen=True)
class Function:
    """A scalar function: a family's name and the values of its parameters.

    >>> Function("leaky_relu", (0.1,))
    leaky_relu(slope=0.1)
    >>> float(Function("relu").exact(np.array(-2.0)))
    0.0
    """

    name: str
    values: tuple[float, ...] = field(default=())

    def __post_init__(self) -> None:
        """Refuse unknown names; complete missing parameters with their defaults."""
        if self.name not in FUNCTIONS:
            known = ", ".join(sorted(FUNCTIONS))
            raise TypeMismatch(f"no function is called {self.name!r}", hint=f"known are {known}")
        parameters = self.family.parameters
        if len(self.values) > len(parameters):
            raise TypeMismatch(f"{self.name} takes {len(parameters)} parameters")
        missing = tuple(each.default for each in parameters[len(self.values) :])
        object.__setattr__(self, "values", tuple(float(each) for each in self.values) + missing)

    @property
    def family(self) -> Family:
        """What is known of all functions of this name."""
        return FUNCTIONS[self.name]

    @property
    def kinks(self) -> tuple[float, ...]:
        """The points where the function or a derivative of it jumps."""
        return self.family.kinks(*self.values)

    def exact(self, x: FloatArray) -> FloatArray:
        """The function's exact values at `x`, of the same shape."""
        return self.family.meaning(np.asarray(x, dtype=np.float64), *self.values)

    def __repr__(self) -> str:
        if not self.values:
            return self.name
        names = (each.name for each in self.family.parameters)
        pairs = (f"{name}={value:g}" for name, value in zip(names, self.values, strict=True))
        return f"{self.name}({', '.join(pairs)})"


def _relu(x: FloatArray) -> FloatArray:
    return np.maximum(x, 0.0)


def _leaky_relu(x: FloatArray, slope: float) -> FloatArray:
    return np.where(x >= 0.0, x, slope * x)


def _clamp(x: FloatArray, low: float, high: float) -> FloatArray:
    return np.clip(x, low, high)


def _gelu(x: FloatArray) -> FloatArray:
    # Hendrycks & Gimpel 2016: x times the standard normal's distribution function.
    result: FloatArray = x * special.ndtr(x)
    return result


def _gelu_tanh(x: FloatArray) -> FloatArray:
    inner = np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3)
    result: FloatArray = 0.5 * x * (1.0 + np.tanh(inner))
    return result


def _silu(x: FloatArray) -> FloatArray:
    result: FloatArray = x * special.expit(x)
    return result


def _softplus(x: FloatArray, beta: float, threshold: float) -> FloatArray:
    # torch switches to the identity above the threshold, where the difference is below 2e-9.
    return np.where(x * beta > threshold, x, np.logaddexp(0.0, beta * x) / beta)


def _elu(x: FloatArray, alpha: float, scale: float) -> FloatArray:
    return scale * np.where(x > 0.0, x, alpha * np.expm1(np.minimum(x, 0.0)))


def _hard_sigmoid(x: FloatArray) -> FloatArray:
    return np.clip(x / 6.0 + 0.5, 0.0, 1.0)


def _hard_swish(x: FloatArray) -> FloatArray:
    return x * _hard_sigmoid(x)


def _at(*points: float) -> Callable[..., tuple[float, ...]]:
    return lambda *_: points


_FAMILIES = (
    Family("relu", _relu, kinks=_at(0.0), torch=("relu", "relu_"), onnx=("Relu",)),
    Family(
        "leaky_relu",
        _leaky_relu,
        (Parameter("slope", 0.01, "alpha"),),
        kinks=_at(0.0),
        torch=("leaky_relu", "leaky_relu_"),
        onnx=("LeakyRelu",),
    ),
    Family(
        "hardtanh",
        _clamp,
        (Parameter("low", -1.0), Parameter("high", 1.0)),
        kinks=lambda low, high: (low, high),
        torch=("hardtanh", "hardtanh_", "clamp", "clamp_"),
        onnx=("Clip",),
    ),
    Family("relu6", lambda x: np.clip(x, 0.0, 6.0), kinks=_at(0.0, 6.0), torch=("relu6",)),
    Family("sigmoid", special.expit, torch=("sigmoid", "sigmoid_"), onnx=("Sigmoid",)),
    Family("tanh", np.tanh, torch=("tanh", "tanh_"), onnx=("Tanh",)),
    Family("gelu", _gelu, torch=("gelu",), onnx=("Gelu",)),
    Family("gelu_tanh", _gelu_tanh),
    Family("silu", _silu, torch=("silu", "silu_"), onnx=("Swish",)),
    Family(
        "softplus",
        _softplus,
        (Parameter("beta", 1.0), Parameter("threshold", 20.0)),
        torch=("softplus",),
        onnx=("Softplus",),
    ),
    Family(
        "elu",
        _elu,
        (Parameter("alpha", 1.0, "alpha"), Parameter("scale", 1.0)),
        kinks=_at(0.0),
        torch=("elu", "elu_"),
        onnx=("Elu",),
    ),
    Family(
        "selu",
        lambda x: _elu(x, 1.6732632423543772, 1.0507009873554805),
        kinks=_at(0.0),
        torch=("selu",),
        onnx=("Selu",),
    ),
    Family("hard_sigmoid", _hard_sigmoid, kinks=_at(-3.0, 3.0), torch=("hardsigmoid",)),
    Family(
        "hard_swish",
        _hard_swish,
        kinks=_at(-3.0, 3.0),
        torch=("hardswish", "hardswish_"),
        onnx=("HardSwish",),
    ),
    Family("exp", np.exp, torch=("exp",), onnx=("Exp",)),
    Family("square", np.square, torch=("square",)),
    Family("abs", np.abs, kinks=_at(0.0), torch=("abs",), onnx=("Abs",)),
    Family("sign", np.sign, kinks=_at(0.0), torch=("sign",), onnx=("Sign",)),
    Family("erf", special.erf, torch=("erf",), onnx=("Erf",)),
)

FUNCTIONS: dict[str, Family] = {family.name: family for family in _FAMILIES}


def from_attributes(family: Family, attributes: dict[str, Any]) -> Function:
    """The function that an ONNX node with these attributes means."""
    values = (
        float(attributes.get(each.onnx, each.default)) if each.onnx else each.default
        for each in family.parameters
    )
    return Function(family.name, tuple(values))
