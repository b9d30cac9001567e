"""Scalar functions as data: name, exact meanings, kinks, and names in torch and ONNX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from tacit.errors import TypeMismatch
from tacit.ir import balls

FloatArray = NDArray[np.float64]
# Klambauer et al. 2017: alpha and scale, as torch rounds them.
SELU = 1.6732632423543772, 1.0507009873554805


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
    in their order. `kinks` gives the points where a derivative jumps or where the function ends,
    ascending; `branches` the same meaning in balls, analytic in each gap between them.
    """

    name: str
    meaning: Callable[..., FloatArray]
    branches: Callable[..., tuple[balls.Branch, ...]]
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

    @property
    def branches(self) -> tuple[balls.Branch, ...]:
        """The function in balls: one branch for each gap between neighbouring kinks, ascending."""
        return self.family.branches(*self.values)

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
    # 1 + tanh(y) = 2 sigmoid(2 y), which does not cancel for negative y.
    result: FloatArray = x * special.expit(2.0 * inner)
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


def _softsign(x: FloatArray) -> FloatArray:
    return x / (1.0 + np.abs(x))


def _mish(x: FloatArray) -> FloatArray:
    # Misra 2019: x · tanh(softplus(x)).
    result: FloatArray = x * np.tanh(np.logaddexp(0.0, x))
    return result


def _bipolar(x: FloatArray) -> FloatArray:
    # Courbariaux et al. 2016 (arXiv 1602.02830), equation 1: both zeros, and NaN, give +1.
    return np.where(x < 0.0, -1.0, 1.0)


def _heaviside(x: FloatArray) -> FloatArray:
    return np.where(x > 0.0, 1.0, 0.0)


def _ternary(x: FloatArray, threshold: float) -> FloatArray:
    return np.where(x >= threshold, 1.0, np.where(x <= -threshold, -1.0, 0.0))


def _at(*points: float) -> Callable[..., tuple[float, ...]]:
    return lambda *_: points


def _switch(beta: float, threshold: float) -> tuple[float, ...]:
    return (threshold / beta,) if beta else ()


def _everywhere(branch: balls.Branch, count: int = 1) -> Callable[..., tuple[balls.Branch, ...]]:
    return lambda *_: (branch,) * count


_FAMILIES = (
    Family(
        "relu",
        _relu,
        lambda: balls.bent(0.0, 1.0),
        kinks=_at(0.0),
        torch=("relu", "relu_"),
        onnx=("Relu",),
    ),
    Family(
        "leaky_relu",
        _leaky_relu,
        lambda slope: balls.bent(slope, 1.0),
        (Parameter("slope", 0.01, "alpha"),),
        kinks=_at(0.0),
        torch=("leaky_relu", "leaky_relu_"),
        onnx=("LeakyRelu",),
    ),
    Family(
        "hardtanh",
        _clamp,
        balls.clamp,
        (Parameter("low", -1.0), Parameter("high", 1.0)),
        kinks=lambda low, high: (low, high),
        torch=("hardtanh", "hardtanh_", "clamp", "clamp_"),
        onnx=("Clip",),
    ),
    Family(
        "relu6",
        lambda x: np.clip(x, 0.0, 6.0),
        lambda: balls.clamp(0.0, 6.0),
        kinks=_at(0.0, 6.0),
        torch=("relu6",),
    ),
    Family(
        "sigmoid",
        special.expit,
        _everywhere(balls.sigmoid),
        torch=("sigmoid", "sigmoid_"),
        onnx=("Sigmoid",),
    ),
    Family("tanh", np.tanh, _everywhere(balls.tanh), torch=("tanh", "tanh_"), onnx=("Tanh",)),
    Family("gelu", _gelu, _everywhere(balls.gelu), torch=("gelu",), onnx=("Gelu",)),
    Family("gelu_tanh", _gelu_tanh, _everywhere(balls.gelu_tanh)),
    Family("silu", _silu, _everywhere(balls.silu), torch=("silu", "silu_"), onnx=("Swish",)),
    Family("mish", _mish, _everywhere(balls.mish), torch=("mish",), onnx=("Mish",)),
    Family(
        "softplus",
        _softplus,
        balls.softplus,
        (Parameter("beta", 1.0), Parameter("threshold", 20.0)),
        kinks=_switch,
        torch=("softplus",),
        onnx=("Softplus",),
    ),
    Family(
        "log_sigmoid", special.log_expit, _everywhere(balls.log_sigmoid), torch=("log_sigmoid",)
    ),
    Family("softsign", _softsign, balls.softsign, kinks=_at(0.0), onnx=("Softsign",)),
    Family(
        "elu",
        _elu,
        balls.elu,
        (Parameter("alpha", 1.0, "alpha"), Parameter("scale", 1.0)),
        kinks=_at(0.0),
        torch=("elu", "elu_"),
        onnx=("Elu",),
    ),
    Family(
        "selu",
        lambda x: _elu(x, *SELU),
        lambda: balls.elu(*SELU),
        kinks=_at(0.0),
        torch=("selu",),
        onnx=("Selu",),
    ),
    Family(
        "hard_sigmoid",
        _hard_sigmoid,
        balls.hard_sigmoid,
        kinks=_at(-3.0, 3.0),
        torch=("hardsigmoid",),
    ),
    Family(
        "hard_swish",
        _hard_swish,
        balls.hard_swish,
        kinks=_at(-3.0, 3.0),
        torch=("hardswish", "hardswish_"),
        onnx=("HardSwish",),
    ),
    Family("exp", np.exp, _everywhere(balls.exp), torch=("exp",), onnx=("Exp",)),
    Family(
        "log",
        np.log,
        _everywhere(balls.log, 2),
        kinks=_at(0.0),
        torch=("log",),
        onnx=("Log",),
    ),
    Family("square", np.square, _everywhere(balls.square), torch=("square",)),
    Family(
        "sqrt",
        np.sqrt,
        _everywhere(balls.sqrt, 2),
        kinks=_at(0.0),
        torch=("sqrt",),
        onnx=("Sqrt",),
    ),
    Family(
        "rsqrt",
        lambda x: 1.0 / np.sqrt(x),
        _everywhere(balls.rsqrt, 2),
        kinks=_at(0.0),
        torch=("rsqrt",),
    ),
    Family(
        "inverse",
        np.reciprocal,
        _everywhere(balls.inverse, 2),
        kinks=_at(0.0),
        torch=("reciprocal",),
        onnx=("Reciprocal",),
    ),
    Family(
        "abs",
        np.abs,
        lambda: balls.bent(-1.0, 1.0),
        kinks=_at(0.0),
        torch=("abs",),
        onnx=("Abs",),
    ),
    Family(
        "sign",
        np.sign,
        lambda: (balls.flat(-1.0), balls.flat(1.0)),
        kinks=_at(0.0),
        torch=("sign",),
        onnx=("Sign",),
    ),
    Family(
        "bipolar",
        _bipolar,
        lambda: (balls.flat(-1.0), balls.flat(1.0)),
        kinks=_at(0.0),
    ),
    Family(
        "heaviside",
        _heaviside,
        lambda: (balls.flat(0.0), balls.flat(1.0)),
        kinks=_at(0.0),
    ),
    Family(
        "ternary",
        _ternary,
        lambda _: (balls.flat(-1.0), balls.flat(0.0), balls.flat(1.0)),
        (Parameter("threshold", 0.05),),
        kinks=lambda threshold: (-threshold, threshold),
    ),
    Family("sin", np.sin, _everywhere(balls.sin), torch=("sin",), onnx=("Sin",)),
    Family("cos", np.cos, _everywhere(balls.cos), torch=("cos",), onnx=("Cos",)),
    Family("erf", special.erf, _everywhere(balls.erf), torch=("erf",), onnx=("Erf",)),
)

FUNCTIONS: dict[str, Family] = {family.name: family for family in _FAMILIES}


def from_attributes(family: Family, attributes: dict[str, Any]) -> Function:
    """The function that an ONNX node with these attributes means."""
    values = (
        float(attributes.get(each.onnx, each.default)) if each.onnx else each.default
        for each in family.parameters
    )
    return Function(family.name, tuple(values))
