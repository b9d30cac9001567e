"""How a function becomes a polynomial or a composite of polynomials, with its error measured."""

from tacit.approx.composites import Composite, composite, composite_sign, of_stages
from tacit.approx.fits import METHODS, Fit, fit, minimax
from tacit.approx.forms import Form
from tacit.approx.iterates import flat_iterate, steep_iterate
from tacit.approx.polynomial import Parity, Polynomial
from tacit.approx.search import best, fit_composite
from tacit.approx.target import Approximable, Custom, ScalarFunction

__all__ = [
    "METHODS",
    "Approximable",
    "Composite",
    "Custom",
    "Fit",
    "Form",
    "Parity",
    "Polynomial",
    "ScalarFunction",
    "best",
    "composite",
    "composite_sign",
    "fit",
    "fit_composite",
    "flat_iterate",
    "minimax",
    "of_stages",
    "steep_iterate",
]
