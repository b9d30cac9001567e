"""Scalar functions in ball arithmetic: enclosures and Taylor series at any precision.

A function that has kinks is analytic between them; each gap has its branch, which knows nothing of
the kinks. On a ball a branch encloses the function where it is defined, and is nan where nothing is
known. `flint.ctx.prec` says with how many bits it computes, and `flint.ctx.cap` how many terms a
series has at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import flint

# The function's Taylor series where its argument is a series; a number is a series of length 1.
Branch = Callable[[flint.arb_series], flint.arb_series]


class Branched(Protocol):
    """What has analytic branches; `tacit.ir.functions.Function` has."""

    @property
    def branches(self) -> tuple[Branch, ...]:
        """One branch for each gap between neighbouring kinks, ascending."""


def branches(function: Branched) -> tuple[Branch, ...]:
    """One analytic branch for each gap between neighbouring kinks, ascending.

    >>> from tacit.ir.functions import Function
    >>> left, right = branches(Function("abs"))
    >>> value(left, flint.arb(-2)) == 2, value(right, flint.arb(2)) == 2
    (True, True)
    """
    return function.branches


def value(branch: Branch, x: flint.arb) -> flint.arb:
    """The branch's enclosure on the ball `x`; nan where nothing is known."""
    return expansion(branch, x, 1)[0]


def expansion(branch: Branch, x: flint.arb, length: int) -> flint.arb_series:
    """The branch's first `length` Taylor coefficients at `x`, or around all points of a ball."""
    with capped(length):
        try:
            return branch(flint.arb_series([x, 1], length))
        except (ValueError, ZeroDivisionError):
            # How flint refuses to divide by what may be 0 somewhere in the ball.
            return flint.arb_series([flint.arb.nan()] * length, length)


@contextmanager
def capped(length: int) -> Iterator[None]:
    """Series of at most this many terms, which flint knows only as a global setting."""
    before = flint.ctx.cap
    flint.ctx.cap = length
    try:
        yield
    finally:
        flint.ctx.cap = before


def line(slope: float, offset: float = 0.0) -> Branch:
    """The branch slope · x + offset."""
    return lambda x: x * slope + offset


def flat(height: float) -> Branch:
    """The branch that has one value."""
    return lambda x: x * 0 + height


def bent(left: float, right: float) -> tuple[Branch, ...]:
    """Two lines through the origin that meet there: their slopes."""
    return line(left), line(right)


def clamp(low: float, high: float) -> tuple[Branch, ...]:
    """The branches of min(max(x, low), high)."""
    return (flat(low), line(1.0), flat(high)) if low <= high else (flat(high),) * 3


def softplus(beta: float, threshold: float) -> tuple[Branch, ...]:
    """The branches of log(1 + exp(beta x)) / beta, which is x where beta x > threshold."""
    del threshold  # It is the kink between the two.
    if beta == 0.0:
        return (flat(float("nan")),)

    def smooth(x: flint.arb_series) -> flint.arb_series:
        return _softplus(x * beta) / beta

    return (smooth, line(1.0)) if beta > 0.0 else (line(1.0), smooth)


def elu(alpha: float, scale: float) -> tuple[Branch, ...]:
    """The branches of scale · alpha · (exp(x) - 1) and scale · x."""

    def left(x: flint.arb_series) -> flint.arb_series:
        return _expm1(x) * alpha * scale

    return left, line(scale)


def hard_sigmoid() -> tuple[Branch, ...]:
    """The branches of min(max(x / 6 + 1 / 2, 0), 1)."""
    return flat(0.0), _hard_sigmoid, flat(1.0)


def hard_swish() -> tuple[Branch, ...]:
    """The branches of x · hard_sigmoid(x)."""
    return flat(0.0), lambda x: x * _hard_sigmoid(x), line(1.0)


def softsign() -> tuple[Branch, ...]:
    """The branches of x / (1 + |x|)."""
    return lambda x: x / (1 - x), lambda x: x / (1 + x)


def sigmoid(x: flint.arb_series) -> flint.arb_series:
    """1 / (1 + exp(-x))."""
    if _is_right(x):
        return 1 / ((-x).exp() + 1)
    # The other form would divide by a number that is large and, for a ball, wide.
    power = x.exp()
    return power / (power + 1)


def tanh(x: flint.arb_series) -> flint.arb_series:
    """The hyperbolic tangent."""
    centre = x[0]
    # Near 0 these quotients cancel, but on a wide ball the other ones say nothing.
    if abs(centre.mid()) > 1 or centre.rad() > 0.25:
        power = (-2 * x if _is_right(x) else 2 * x).exp()
        size = (1 - power) / (1 + power)
        return size if _is_right(x) else -size
    # tanh(c + h) = (tanh c + tanh h) / (1 + tanh c tanh h).
    power = (-2 * (x - centre.mid())).exp()
    small = (1 - power) / (1 + power)
    middle = centre.mid().tanh()
    found = (small + middle) / (small * middle + 1)
    return _with_value(found, centre.tanh())


def gelu(x: flint.arb_series) -> flint.arb_series:
    """x times the standard normal's distribution function."""
    root = flint.arb(2).sqrt()
    twice = 1 + (x / root).erf() if _is_right(x) else (-x / root).erfc()
    return x * twice / 2


def gelu_tanh(x: flint.arb_series) -> flint.arb_series:
    """x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x³))) / 2, without cancelling for negative x."""
    cubic = x + x * x * x * (flint.arb(44715) / 10**6)
    return x * sigmoid(2 * (flint.arb(2) / flint.arb.pi()).sqrt() * cubic)


def silu(x: flint.arb_series) -> flint.arb_series:
    """x · sigmoid(x)."""
    return x * sigmoid(x)


def log_sigmoid(x: flint.arb_series) -> flint.arb_series:
    """log(sigmoid(x))."""
    return -_softplus(-x)


def mish(x: flint.arb_series) -> flint.arb_series:
    """x · tanh(log(1 + exp(x)))."""
    # tanh(log u) = (u² - 1) / (u² + 1) with u = 1 + exp(x), divided by its largest power.
    if _is_right(x):
        power = (-x).exp()
        return x * (1 + 2 * power) / (1 + 2 * power + 2 * power * power)
    power = x.exp()
    above = power * (power + 2)
    return x * above / (above + 2)


def exp(x: flint.arb_series) -> flint.arb_series:
    """The exponential."""
    return x.exp()


def erf(x: flint.arb_series) -> flint.arb_series:
    """The error function."""
    return x.erf()


def sin(x: flint.arb_series) -> flint.arb_series:
    """The sine."""
    return x.sin()


def cos(x: flint.arb_series) -> flint.arb_series:
    """The cosine."""
    return x.cos()


def square(x: flint.arb_series) -> flint.arb_series:
    """x²."""
    return x * x


def sqrt(x: flint.arb_series) -> flint.arb_series:
    """The square root, on the part of a ball that is not negative."""
    start = x[0]
    if start > 0 or start < 0:
        return x.sqrt()
    # At 0 there is a value but no derivative.
    rest = [flint.arb.nan()] * (x.prec - 1)
    return flint.arb_series([flint.arb(0).union(start.upper().sqrt()), *rest], x.prec)


def rsqrt(x: flint.arb_series) -> flint.arb_series:
    """1 / sqrt(x)."""
    return x.rsqrt()


def inverse(x: flint.arb_series) -> flint.arb_series:
    """1 / x."""
    return 1 / x


def log(x: flint.arb_series) -> flint.arb_series:
    """The natural logarithm."""
    return x.log()


def _hard_sigmoid(x: flint.arb_series) -> flint.arb_series:
    return x / 6 + flint.arb(0.5)


def _softplus(x: flint.arb_series) -> flint.arb_series:
    """log(1 + exp(x))."""
    size = (-x if _is_right(x) else x).exp()
    # Far from 0 the logarithm of a sum that rounds to 1 would lose all of its digits.
    found = _with_value((1 + size).log(), size[0].log1p())
    return found + x if _is_right(x) else found


def _expm1(x: flint.arb_series) -> flint.arb_series:
    """The exponential minus 1, which near 0 is small."""
    return _with_value(x.exp() - 1, x[0].expm1())


def _is_right(x: flint.arb_series) -> bool:
    return bool(x[0].mid() >= 0)


def _with_value(series: flint.arb_series, start: flint.arb) -> flint.arb_series:
    """The series with a better enclosure of its first coefficient."""
    return flint.arb_series([start, *series.coeffs()[1:]], series.prec)
