"""Comparisons and what they choose, where that is a number of the model's own: signs and steps."""

from __future__ import annotations

import numpy as np

from tacit.ir.functions import Function
from tacit.ir.graph import Op
from tacit.ir.ops import Add, Map, Mul, Sub
from tacit.read.layers import binary
from tacit.read.shared import Held, Operand, Site

# What comparisons and choices become.
BECOMES: tuple[type[Op], ...] = (Sub, Map, Mul, Add)


def above(site: Site, first: Operand, second: Operand, *, equal: bool) -> Held:
    """1 where a > b, or where a >= b if they may be `equal`, else 0."""
    x = _difference(site, first, second)
    if not equal:
        return site.put(Map(Function("heaviside")), x)
    signs = site.step("sign", Map(Function("bipolar")), x)
    half = site.constant(0.5, "half")
    return site.put(Add(), site.step("halved", Mul(), signs, half), half)


def chosen(site: Site, mask: Held, first: Operand, second: Operand) -> Held:
    """a where the mask is 1, b where it is 0; both are constants."""
    if isinstance(first, Held) or isinstance(second, Held):
        raise site.refusal(
            "it chooses between values by one that is secret",
            hint="only constants can be chosen so; use ReLU, a maximum, sign or a clamp",
        )
    a, b = (np.asarray(each, dtype=np.float64) for each in (first, second))
    return binary(site, Add(), _step(site, mask, a - b), b)


def _step(site: Site, mask: Held, by: Operand) -> Held:
    inner = Site(site.builder, f"{site.name}_step", site.kind, site.origin)
    return binary(inner, Mul(), mask, by)


def _difference(site: Site, first: Operand, second: Operand) -> Held:
    """a - b, or what is enough to know its sign."""
    inner = Site(site.builder, f"{site.name}_difference", site.kind, site.origin)
    if isinstance(first, Held) and not isinstance(second, Held) and not np.any(second):
        return first
    if isinstance(second, Held) and not isinstance(first, Held) and not np.any(first):
        return binary(inner, Mul(), second, np.array(-1.0))
    return binary(inner, Sub(), first, second)
