"""Layers that both frameworks know, composed of the source operations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import MappingProxyType

import numpy as np

from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Op, Shape
from tacit.ir.ops import (
    Add,
    Affine,
    ArgMax,
    Linear,
    Map,
    MatMul,
    Mul,
    Pads,
    Pool,
    Reduce,
    ReduceKind,
    Reshape,
    Softmax,
    Sub,
)
from tacit.read.shared import Array, Held, Operand, Site

# Everything a multiplication chain costs doubles with each step; nobody means x to the power 65.
LARGEST_POWER = 64

# x times one of these functions of x has a name of its own.
_GATED = MappingProxyType({"sigmoid": "silu", "hard_sigmoid": "hard_swish"})


def lined_up(site: Site, *operands: Operand) -> tuple[Held, ...]:
    """The operands as values whose axes behind the batch meet when they broadcast."""
    held = [each for each in operands if isinstance(each, Held)]
    rank = max(len(site.shape(each)) for each in held)
    if any(len(site.shape(each)) != rank for each in held):
        shapes = ", ".join(f"(batch, {str(site.shape(each))[1:]}" for each in held)
        raise site.refusal(
            f"broadcasting {shapes} lets the batch meet another axis",
            hint="give both the same number of axes",
        )
    return tuple(
        each if isinstance(each, Held) else site.constant(_without_batch(site, each, rank))
        for each in operands
    )


def _without_batch(site: Site, array: Array, rank: int) -> Array:
    """The array without the axis that meets the batch, where it has one."""
    if array.ndim <= rank:
        return array
    if array.ndim > rank + 1 or array.shape[0] != 1:
        raise site.refusal(
            f"a constant of shape {array.shape} has a value of its own for each row of the batch",
            hint="give the constant 1 in the place of the batch",
        )
    row: Array = array[0]
    return row


def binary(site: Site, op: Op, first: Operand, second: Operand) -> Held:
    """The op on both operands, broadcast."""
    return site.put(op, *lined_up(site, first, second))


def add(site: Site, first: Operand, second: Operand) -> Held:
    """a + b."""
    return binary(site, Add(), first, second)


def multiply(site: Site, first: Operand, second: Operand) -> Held:
    """a · b; x · x is the square of x, and x · sigmoid(x) the SiLU that people write so."""
    if isinstance(first, Held) and isinstance(second, Held):
        if first == second:
            return site.put(Map(Function("square")), first)
        for x, gate in ((first, second), (second, first)):
            name = _gated(site, x, gate)
            if name is not None:
                return apply(site, x, name)
    return binary(site, Mul(), first, second)


def _gated(site: Site, x: Held, gate: Held) -> str | None:
    """What x times the gate is called, where the gate is such a function of x."""
    node = site.builder.node(gate.name)
    match node.op:
        case Map(function=Function(name=name)) if node.args == (x.name,):
            return _GATED.get(name)
        case _:
            return None


def divide(site: Site, first: Operand, second: Operand) -> Held:
    """a / b, where b is a constant."""
    if isinstance(second, Held):
        raise site.refusal(
            "it divides by a value that is secret",
            hint="divide by a constant, or leave the normalisation to the client",
        )
    divisor = np.asarray(second, dtype=np.float64)
    if np.any(divisor == 0.0):
        raise site.refusal("it divides by zero")
    return binary(site, Mul(), first, 1.0 / divisor)


def scaled(site: Site, x: Held, factor: float, label: str = "scaled") -> Held:
    """factor · x, or x itself where the factor is 1."""
    if factor == 1.0:
        return x
    return site.step(label, Mul(), x, site.constant(factor, f"{label}_factor"))


def linear(site: Site, x: Held, weight: Array, bias: Array | None) -> Held:
    """W x + b over the last axis."""
    W = np.asarray(weight, dtype=np.float64)
    if W.ndim != 2:
        raise site.refusal(f"its weight has {W.ndim} axes, not 2")
    if not site.shape(x):
        raise site.refusal("the batch is its only axis", hint="give each row an axis of its own")
    b = np.zeros(len(W)) if bias is None else np.asarray(bias, dtype=np.float64)
    return site.put(Linear(W, b), x)


def product(site: Site, first: Operand, second: Operand) -> Held:
    """The matrix product, as NumPy broadcasts it."""
    if not isinstance(second, Held):
        assert isinstance(first, Held)
        return _product_with_constant(site, first, second)
    rank = len(site.shape(second))
    if rank < 2 or (isinstance(first, Held) and len(site.shape(first)) != rank):
        raise site.refusal(
            "the matrix product runs along the batch",
            hint="each row of a batch must be answered by itself",
        )
    if isinstance(first, Held):
        return site.put(MatMul(), first, second)
    if first.ndim == 1:
        row = site.step("row", MatMul(), site.constant(first[None]), second)
        shape = site.shape(row)
        return site.put(Reshape((*shape[:-2], shape[-1])), row)
    return site.put(MatMul(), *lined_up(site, first, second))


def _product_with_constant(site: Site, x: Held, matrix: Array) -> Held:
    rank = len(site.shape(x))
    if matrix.ndim == 3 and rank <= 2 and matrix.shape[0] == 1:
        matrix = matrix[0]
    if matrix.ndim == 1:
        column = linear(site, x, matrix[None], None)
        return site.put(Reshape(site.shape(x)[:-1]), column)
    if matrix.ndim == 2:
        return linear(site, x, matrix.T, None)
    return site.put(MatMul(), *lined_up(site, x, matrix))


def gemm(
    site: Site,
    matrices: tuple[Operand, Operand],
    bias: Operand | None,
    factors: tuple[float, float],
) -> Held:
    """alpha · A B + beta · c, `factors` being alpha and beta."""
    (first, second), (alpha, beta) = matrices, factors
    if isinstance(first, Held) and not isinstance(second, Held) and not isinstance(bias, Held):
        offset = np.zeros(1) if bias is None else bias
        if offset.ndim <= 1 or offset.shape[0] == 1:
            shift = np.broadcast_to(beta * offset.reshape(-1), second.shape[1:])
            return linear(site, first, alpha * second.T, shift)
    result = scaled(site, product(site, first, second), alpha, "alpha")
    if bias is None:
        return result
    addend = scaled(site, bias, beta, "beta") if isinstance(bias, Held) else beta * bias
    return binary(site, Add(), result, addend)


def affine(statistics: tuple[Array, Array], weight: Array, bias: Array, epsilon: float) -> Affine:
    """A batch norm at rest; `statistics` holds the running mean and variance."""
    mean, variance = (np.asarray(each, dtype=np.float64) for each in statistics)
    scale = np.asarray(weight, dtype=np.float64) / np.sqrt(variance + epsilon)
    return Affine(scale, np.asarray(bias, dtype=np.float64) - mean * scale)


def same_padding(size: Shape, reach: Shape, stride: Shape, *, upper: bool) -> Pads:
    """The padding that makes ceil(size / stride) windows; the odd one behind where `upper`."""
    result = []
    for n, k, s in zip(size, reach, stride, strict=True):
        total = max((-(-n // s) - 1) * s + k - n, 0)
        less, more = total // 2, total - total // 2
        result.append((less, more) if upper else (more, less))
    return tuple(result)


def pool(site: Site, op: Pool, x: Held, divisor: int | None = None) -> Held:
    """The pooling; an average divides by the divisor instead of its own, where there is one."""
    if divisor is None:
        return site.put(op, x)
    averages = site.step("averages", op, x)
    counts = op.counts(site.shape(x)[1:])
    return site.put(Mul(), averages, site.constant(counts / divisor))


def reduce(site: Site, kind: ReduceKind, x: Held, axes: Sequence[int], *, keep: bool) -> Held:
    """The sum or mean along the axes."""
    along = tuple(sorted({site.axis(x, axis) for axis in axes}))
    return site.put(Reduce(kind, along, keep), x)


def softmax(site: Site, x: Held, axis: int, *, logarithm: bool) -> Held:
    """The softmax along the axis, or its logarithm."""
    return site.put(Softmax(site.axis(x, axis), logarithm), x)


def argmax(site: Site, x: Held, axis: int, *, keep: bool) -> Held:
    """The position of the largest entry along the axis."""
    return site.put(ArgMax(site.axis(x, axis), keep), x)


def apply(site: Site, x: Held, name: str, *parameters: float) -> Held:
    """The scalar function of that name of every entry."""
    return site.put(Map(Function(name, parameters)), x)


def power(site: Site, x: Held, exponent: float) -> Held:
    """x to a whole positive power, by squaring and multiplying."""
    if exponent != int(exponent) or not 1 <= exponent <= LARGEST_POWER:
        raise site.refusal(
            f"the exponent is {exponent:g}",
            hint=f"whole exponents from 1 to {LARGEST_POWER} are read",
        )
    result = x
    # From the second binary digit on: square, and multiply where the digit is 1.
    for digit in f"{int(exponent):b}"[1:]:
        result = site.step("square", Map(Function("square")), result)
        if digit == "1":
            result = site.step("product", Mul(), result, x)
    return result


def clamp(site: Site, x: Held, low: float | None, high: float | None) -> Held:
    """min(max(x, low), high); either bound may be missing."""
    low = None if low is None or math.isinf(low) else low
    high = None if high is None or math.isinf(high) else high
    if low is not None and high is not None:
        return apply(site, x, "hardtanh", low, high)
    if low is not None:
        return _above(site, x, low)
    return x if high is None else _below(site, x, high)


def _above(site: Site, x: Held, low: float) -> Held:
    if low == 0.0:
        return apply(site, x, "relu")
    bound = site.constant(low, "low")
    over = site.step("over", Map(Function("relu")), site.step("shifted", Sub(), x, bound))
    return site.put(Add(), over, bound)


def _below(site: Site, x: Held, high: float) -> Held:
    bound = site.constant(high, "high")
    under = site.step("under", Map(Function("relu")), site.step("shifted", Sub(), bound, x))
    return site.put(Sub(), bound, under)


def maximum(site: Site, first: Operand, second: Operand) -> Held:
    """max(a, b) = b + relu(a - b)."""
    a, b = lined_up(site, first, second)
    over = site.step("over", Map(Function("relu")), site.step("difference", Sub(), a, b))
    return site.put(Add(), over, b)


def minimum(site: Site, first: Operand, second: Operand) -> Held:
    """min(a, b) = b - relu(b - a)."""
    a, b = lined_up(site, first, second)
    under = site.step("under", Map(Function("relu")), site.step("difference", Sub(), b, a))
    return site.put(Sub(), b, under)


def elu(site: Site, x: Held, alpha: float, scale: float, input_scale: float = 1.0) -> Held:
    """scale · x where x > 0, else scale · alpha · (exp(input_scale · x) - 1)."""
    # With s the input's scale: elu(x; alpha, scale, s) = elu(s x; alpha s, scale / s, 1).
    inner = scaled(site, x, input_scale)
    return apply(site, inner, "elu", alpha * input_scale, scale / input_scale)


def prelu(site: Site, x: Held, slope: Array) -> Held:
    """x where x > 0, else slope · x, with one slope or one per channel (the first axis)."""
    slopes: FloatArray = np.asarray(slope, dtype=np.float64).reshape(-1)
    if len(slopes) == 1:
        return apply(site, x, "leaky_relu", float(slopes[0]))
    # x - (1 - slope) · min(x, 0), and min(x, 0) = x - relu(x): slope · x + (1 - slope) · relu(x).
    positive = site.step("positive", Map(Function("relu")), x)
    kept = site.step("kept", Affine(1.0 - slopes, np.zeros(len(slopes))), positive)
    return site.put(Add(), site.step("leak", Affine(slopes, np.zeros(len(slopes))), x), kept)
