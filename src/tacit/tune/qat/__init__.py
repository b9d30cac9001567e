"""Networks learn with the small integers that they will compute with."""

from tacit.tune.qat.activations import QuantActivation, QuantIdentity, fitted
from tacit.tune.qat.bounds import Bound
from tacit.tune.qat.grids import fake_quantise
from tacit.tune.qat.knobs import QAT, Look, Trained
from tacit.tune.qat.layers import QuantConv2d, QuantLinear, Sums, accumulator_bits, limit
from tacit.tune.qat.quantise import quantise
from tacit.tune.qat.rows import Rows
from tacit.tune.qat.settings import Enforcement, Quantisation, Widths
from tacit.tune.qat.training import train

__all__ = [
    "QAT",
    "Bound",
    "Enforcement",
    "Look",
    "QuantActivation",
    "QuantConv2d",
    "QuantIdentity",
    "QuantLinear",
    "Quantisation",
    "Rows",
    "Sums",
    "Trained",
    "Widths",
    "accumulator_bits",
    "fake_quantise",
    "fitted",
    "limit",
    "quantise",
    "train",
]
