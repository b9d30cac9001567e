"""CKKS: additions and products of approximate reals; activations become polynomials."""

from tacit.arithmetics.ckks.config import CKKS

__all__ = ["CKKS"]
