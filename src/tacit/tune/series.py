"""Chains of Chebyshev series on tensors: evaluated, and differentiated, piece by piece.

Autograd by itself would keep every step of every stage; here a chain keeps nothing but its input
and computes its stages again when gradients are asked for: on a CPU by compiled kernels.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tacit.approx import Form
from tacit.tune import kernels


@dataclass(frozen=True)
class Stage:
    """How a stage's coefficients are meant: those of T_k(t / width), k odd only where `is_odd`."""

    width: float = 1.0
    is_odd: bool = True


@dataclass(frozen=True)
class Chain:
    """Stages after one another, innermost first, and what `form` makes of x and the last value."""

    stages: tuple[Stage, ...]
    form: Form

    def value(
        self, x: Tensor, inverse: Tensor, coefficients: Sequence[Tensor], limit: float = math.inf
    ) -> Tensor:
        """The values at `x`, of any shape.

        The first stage reads x times `inverse`, moved into [-limit, limit].
        """
        t = x * inverse if limit == math.inf else (x * inverse).clamp(-limit, limit)
        for stage, each in zip(self.stages, coefficients, strict=True):
            t = series(t / stage.width if stage.width != 1.0 else t, each, is_odd=stage.is_odd)
        return _ended(self.form, x, t)

    def gradients(
        self,
        x: Tensor,
        inverse: Tensor,
        coefficients: Sequence[Tensor],
        outer: Tensor,
        limit: float = math.inf,
    ) -> tuple[Tensor, list[Tensor]]:
        """By the chain rule, `outer` times the derivatives by `x` and by each coefficient."""
        is_inside = (x * inverse).abs() <= limit
        given = [(x * inverse).clamp(-limit, limit)]
        for stage, each in zip(self.stages, coefficients, strict=True):
            given[-1] = given[-1] / stage.width
            given.append(series(given[-1], each, is_odd=stage.is_odd))
        sign = given.pop()
        form = self.form
        inward = outer * (form.step + form.bend * x) if form.bend else outer * form.step
        found = []
        for stage, each, t in zip(
            reversed(self.stages), reversed(coefficients), reversed(given), strict=True
        ):
            found.append(_by_coefficients(t, len(each), inward, is_odd=stage.is_odd))
            inward = inward * _slope(t, each, is_odd=stage.is_odd) / stage.width
        direct = outer * (form.slope + form.bend * sign)
        return direct + inward * inverse * is_inside, found[::-1]

    def linearised(
        self, x: Tensor, inverse: Tensor, coefficients: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The values at `x` of shape (n,), and their derivatives.

        By x, of shape (n,), and by all coefficients one after the other, of shape (count, n).
        """
        t, rise, rows = x * inverse, inverse.expand_as(x), x.new_zeros((0, *x.shape))
        for stage, each in zip(self.stages, coefficients, strict=True):
            t = t / stage.width
            slope = _slope(t, each, is_odd=stage.is_odd)
            own = torch.stack(list(_basis(t, len(each), is_odd=stage.is_odd)))
            rise, rows = rise * slope / stage.width, torch.cat([rows * slope / stage.width, own])
            t = series(t, each, is_odd=stage.is_odd)
        form = self.form
        outer = form.step + form.bend * x
        direct = form.slope + form.bend * t
        return _ended(form, x, t), direct + outer * rise, outer * rows


def evaluate(
    chain: Chain,
    x: Tensor,
    inverse: Tensor,
    coefficients: Sequence[Tensor],
    limit: float = math.inf,
) -> Tensor:
    """The chain's values at `x`, of its shape and type; no gradient reaches `inverse`.

    Types narrower than the coefficients' are widened in between, so that only the result rounds.
    """
    # An exporter must see plain operations; it asks for no gradients.
    if torch.compiler.is_compiling():
        return chain.value(x.to(coefficients[0].dtype), inverse, coefficients).to(x.dtype)
    is_dense = x.is_contiguous() or x.is_contiguous(memory_format=torch.channels_last)
    return _run(chain, limit, x if is_dense else x.contiguous(), inverse, *coefficients)


def series(t: Tensor, coefficients: Tensor, *, is_odd: bool) -> Tensor:
    """The sum of coefficients[k] T_k(t), or T_(2k+1)(t), by Clenshaw's recurrence."""
    if is_odd:
        now, after = _clenshaw(4.0 * t * t - 2.0, coefficients)
        return t * (now - after)
    now, after = _clenshaw(2.0 * t, coefficients)
    return now - t * after


def _clenshaw(double: Tensor, coefficients: Tensor) -> tuple[Tensor, Tensor]:
    """The last two sums of b_k = c_k + double b_(k+1) - b_(k+2)."""
    *lower, now = coefficients.unbind()
    after = torch.zeros_like(now)
    for each in reversed(lower):
        now, after = each - torch.addcmul(after, double, now, value=-1.0), now
    return now, after


def _slope(t: Tensor, coefficients: Tensor, *, is_odd: bool) -> Tensor:
    """The series' derivative by t."""
    matrix = torch.tensor(_derivative(len(coefficients), is_odd=is_odd)).to(coefficients)
    # What is derived from odd series is even: a series in T_2(t).
    y = 2.0 * t * t - 1.0 if is_odd else t
    return series(y, (matrix * coefficients).sum(1), is_odd=False)


@cache
def _derivative(count: int, *, is_odd: bool) -> tuple[tuple[float, ...], ...]:
    """The matrix from coefficients to those of the derivative.

    The derivative of T_n is 2n times T_(n-1) + T_(n-3) + …, in which T_0 counts half.
    """
    step, first = (2, 1) if is_odd else (1, 0)
    degrees = [first + step * k for k in range(count)]
    return tuple(
        tuple(float(n * (2 if m else 1)) if m < n and (n - m) % 2 else 0.0 for n in degrees)
        for m in (step * k for k in range(count))
    )


def _by_coefficients(t: Tensor, count: int, outer: Tensor, *, is_odd: bool) -> Tensor:
    """The sums over all entries of `outer` times each basis function at `t`; shape (count,)."""
    return torch.stack([torch.dot(outer, each) for each in _basis(t, count, is_odd=is_odd)])


def _basis(t: Tensor, count: int, *, is_odd: bool) -> Iterator[Tensor]:
    """T_k(t), or T_(2k+1)(t), for so many k."""
    double = 4.0 * t * t - 2.0 if is_odd else 2.0 * t
    before, now = t, t if is_odd else torch.ones_like(t)
    for _ in range(count):
        yield now
        before, now = now, double * now - before


def _ended(form: Form, x: Tensor, sign: Tensor) -> Tensor:
    """The form's values, leaving out what it does not have."""
    value = form.step * sign if form.step not in {0.0, 1.0} else sign
    if form.bend or form.slope:
        bent = x * (form.slope + form.bend * sign)
        value = bent + value if form.step else bent
    return value + form.constant if form.constant else value


class _Run(torch.autograd.Function):
    """The chain as one step of autograd, which keeps its input only."""

    @staticmethod
    def forward(
        ctx: Any, chain: Chain, limit: float, x: Tensor, inverse: Tensor, *coefficients: Tensor
    ) -> Tensor:
        ctx.chain, ctx.limit = chain, limit
        ctx.save_for_backward(x, inverse, *coefficients)
        wide = _entries(x).to(coefficients[0].dtype)
        if x.device.type == "cpu":
            flat = _flattened(chain, limit, inverse, coefficients)
            found = kernels.values(wide.numpy(), flat, torch.get_num_threads())
            value = torch.from_numpy(found)
        else:
            value = chain.value(wide, inverse, coefficients, limit)
        return _shaped(value.to(x.dtype), like=x)

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        x, inverse, *coefficients = ctx.saved_tensors
        (given,) = outer
        if given.stride() != x.stride():
            given = torch.empty_like(x).copy_(given)
        wide, rise = (_entries(each).to(coefficients[0].dtype) for each in (x, given))
        if x.device.type == "cpu":
            flat = _flattened(ctx.chain, ctx.limit, inverse, coefficients)
            threads = torch.get_num_threads()
            along, sums = kernels.gradients(wide.numpy(), rise.numpy(), flat, threads)
            by_x = torch.from_numpy(along)
            every = torch.from_numpy(sums).to(coefficients[0].dtype)
            ends = itertools.accumulate(len(each) for each in coefficients)
            pairs = zip(ends, coefficients, strict=True)
            found = [every[end - len(each) : end] for end, each in pairs]
        else:
            with torch.no_grad():
                by_x, found = ctx.chain.gradients(wide, inverse, coefficients, rise, ctx.limit)
        return None, None, _shaped(by_x.to(x.dtype), like=x), None, *found


_run: Callable[..., Tensor] = _Run.apply


def _flattened(
    chain: Chain, limit: float, inverse: Tensor, coefficients: Sequence[Tensor]
) -> kernels.Flat:
    """The chain as the kernels want it."""
    numbers = torch.cat([each.detach() for each in coefficients]).numpy()
    lengths = [0, *(len(each) for each in coefficients)]
    form = chain.form
    return kernels.Flat(
        numbers.dtype.type(inverse),
        numbers.dtype.type(limit),
        numbers,
        np.cumsum(lengths).astype(np.int64),
        np.array([stage.width for stage in chain.stages], numbers.dtype),
        np.array([stage.is_odd for stage in chain.stages]),
        np.array([form.constant, form.step, form.slope, form.bend], numbers.dtype),
    )


def _entries(x: Tensor) -> Tensor:
    """The entries in the order of memory, of shape (n,)."""
    return torch.as_strided(x.detach(), (x.numel(),), (1,), x.storage_offset())


def _shaped(entries: Tensor, *, like: Tensor) -> Tensor:
    """Entries in the order of memory as a tensor of that shape and layout."""
    return torch.as_strided(entries, like.shape, like.stride())
