"""Chains: what is done to a number of each channel, step after step, as the graph does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.binary.ops import IntegerArray, Reals
from tacit.ir.affine import IndexArray
from tacit.ir.functions import FloatArray, Function

# Of these the doubles rise wherever the function does, and fall nowhere.
_RISING = frozenset({"relu", "relu6", "hardtanh", "hard_sigmoid"})
_INT32 = np.iinfo(np.int32)


@dataclass(frozen=True, eq=False)
class Scale:
    """factor · x, by channel."""

    factor: FloatArray


@dataclass(frozen=True, eq=False)
class Shift:
    """x + offset, by channel."""

    offset: FloatArray


@dataclass(frozen=True, eq=False)
class Bend:
    """A rising function of x."""

    function: Function


Step = Scale | Shift | Bend


@dataclass(frozen=True, eq=False)
class Chain:
    """Steps, the first one first, for so many channels; each rises or falls, by channel."""

    channels: int
    steps: tuple[Step, ...] = ()

    def then(self, *steps: Step) -> Chain:
        """The chain with more steps behind it."""
        return replace(self, steps=self.steps + steps)

    def __call__(self, x: FloatArray) -> FloatArray:
        """What becomes of one number a channel, rounded as in the graph."""
        for step in self.steps:
            match step:
                case Scale(factor=factor):
                    x = x * factor
                case Shift(offset=offset):
                    x = x + offset
                case Bend(function=function):
                    x = function.exact(x)
        return x

    @property
    def directions(self) -> NDArray[np.float64]:
        """By channel 1 where the chain rises, -1 where it falls, 0 where it is a constant."""
        found = np.ones(self.channels)
        for step in self.steps:
            if isinstance(step, Scale):
                found = found * np.sign(step.factor)
        return found

    def moved(self, change: Callable[[FloatArray], FloatArray], channels: int) -> Chain:
        """The chain of a value whose channels are others of this one's."""
        steps = tuple(_moved(step, change) for step in self.steps)
        return Chain(channels, steps)


def _moved(step: Step, change: Callable[[FloatArray], FloatArray]) -> Step:
    match step:
        case Scale(factor=factor):
            return Scale(change(factor))
        case Shift(offset=offset):
            return Shift(change(offset))
        case Bend():
            return step


def bend_of(function: Function) -> Bend | None:
    """The step that a function is, if it rises."""
    match function:
        case Function(name="leaky_relu", values=(slope,)) if slope >= 0.0:
            return Bend(function)
        case Function(name="hardtanh", values=(low, high)) if low > high:
            return None
        case Function(name=name) if name in _RISING:
            return Bend(function)
        case _:
            return None


def ends_of(function: Function) -> tuple[float, float] | None:
    """The ends between which a function is the identity, if it is a clamp."""
    match function:
        case Function(name="relu"):
            return 0.0, np.inf
        case Function(name="relu6"):
            return 0.0, 6.0
        case Function(name="hardtanh", values=(low, high)):
            return low, high
        case _:
            return None


def reals_of(chain: Chain, low: IndexArray, high: IndexArray) -> Reals | None:
    """The chain as one transform of integers between `low` and `high`, if it is exactly that.

    A clamp that comes while integers are only scaled has to have its ends at integers.
    """
    factor, offset = np.ones(chain.channels), np.zeros(chain.channels)
    for step in chain.steps:
        match step:
            case Scale(factor=more):
                factor, offset = factor * more, offset * more
            case Shift(offset=more):
                offset = offset + more
            case Bend(function=function):
                found = _clamped(function, factor, offset, (low, high))
                if found is None:
                    return None
                low, high = found
    single = (np.float32(each) for each in (factor, offset))
    multiplier, bias = (np.asarray(each) for each in single)
    return Reals(_whole(low), _whole(high), multiplier, bias)


def _clamped(
    function: Function, factor: FloatArray, offset: FloatArray, reach: tuple[IndexArray, IndexArray]
) -> tuple[IndexArray, IndexArray] | None:
    """The reach within what a clamp of factor · n + offset leaves of n, if its ends are integers.

    An end that is beyond the reach changes nothing, whatever it is.
    """
    ends = ends_of(function)
    if ends is None or np.any(offset != 0.0):
        return None
    low, high = reach
    for end, is_least in zip(ends, (True, False), strict=True):
        with np.errstate(all="ignore"):
            place = np.where(factor == 0.0, 0.0, end / factor)
        # Where integers are scaled by a negative number, the least real is the largest integer.
        is_lower = is_least == (factor >= 0.0)
        is_beyond = np.where(is_lower, place <= low, place >= high)
        whole = np.rint(np.clip(place, low, high))
        is_exact = (whole * factor == end) | is_beyond
        if np.isfinite(end) and (not np.all(is_exact) or (np.any(factor == 0.0) and end != 0.0)):
            return None
        if np.isfinite(end):
            low = np.where(is_lower, np.maximum(low, whole), low).astype(np.int64)
            high = np.where(is_lower, high, np.minimum(high, whole)).astype(np.int64)
    return low, high


def _whole(x: IndexArray) -> IntegerArray:
    return np.clip(x, _INT32.min, _INT32.max).astype(np.int32)
