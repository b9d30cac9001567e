"""The search for bits: the cheapest widths of inputs, weights and activations that still answer."""

from tacit.arithmetics.integers.search.aim import Aim, Examples
from tacit.arithmetics.integers.search.find import find_bits
from tacit.arithmetics.integers.search.found import Found, Point

__all__ = ["Aim", "Examples", "Found", "Point", "find_bits"]
