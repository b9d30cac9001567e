"""The ways to find a polynomial: each a frozen dataclass whose fields are its knobs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tacit.approx.methods.bounded import Bounded
from tacit.approx.methods.caratheodory_fejer import CaratheodoryFejer
from tacit.approx.methods.interpolation import Interpolation
from tacit.approx.methods.least_squares import LeastSquares
from tacit.approx.methods.remez import Minimax
from tacit.approx.methods.taylor import Taylor
from tacit.approx.problem import Method

__all__ = [
    "METHODS",
    "Bounded",
    "CaratheodoryFejer",
    "Interpolation",
    "LeastSquares",
    "Minimax",
    "Taylor",
]

METHODS: Mapping[str, type[Method]] = MappingProxyType(
    {
        each.name: each
        for each in (Minimax, Interpolation, CaratheodoryFejer, LeastSquares, Taylor, Bounded)
    }
)
