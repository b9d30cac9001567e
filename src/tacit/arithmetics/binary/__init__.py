"""Networks of bits: XNOR and popcount in the place of multiplications."""

from tacit.arithmetics.binary.clear import in_the_clear
from tacit.arithmetics.binary.config import Binary
from tacit.arithmetics.binary.report import Layer, report

__all__ = ["Binary", "Layer", "in_the_clear", "report"]
