"""Circuits for functions that need more than one polynomial, each with its error and depth."""

from tacit.approx.circuits.circuit import ScalarCircuit
from tacit.approx.circuits.exponential import exponential
from tacit.approx.circuits.gelu import gelu
from tacit.approx.circuits.inverse import inverse
from tacit.approx.circuits.largest import Tournament, largest
from tacit.approx.circuits.layer_norm import LayerNorm, layer_norm
from tacit.approx.circuits.roots import inverse_square_root, square_root
from tacit.approx.circuits.scaled import ScaledPlan
from tacit.approx.circuits.softmax import Softmax, softmax

__all__ = [
    "LayerNorm",
    "ScalarCircuit",
    "ScaledPlan",
    "Softmax",
    "Tournament",
    "exponential",
    "gelu",
    "inverse",
    "inverse_square_root",
    "largest",
    "layer_norm",
    "softmax",
    "square_root",
]
