"""How a function becomes a polynomial or a composite of polynomials, with its error measured."""

from tacit.approx.composites import (
    Composite,
    Form,
    best,
    composite,
    composite_sign,
    fit_composite,
    flat_iterate,
    of_stages,
    steep_iterate,
)
from tacit.approx.fits import Fit, fit
from tacit.approx.methods import METHODS, Interpolation, Minimax
from tacit.approx.polynomial import Parity, Polynomial
from tacit.approx.problem import Method, Problem, Solution
from tacit.approx.target import Approximable, Custom, ScalarFunction

__all__ = [
    "METHODS",
    "Approximable",
    "Composite",
    "Custom",
    "Fit",
    "Form",
    "Interpolation",
    "Method",
    "Minimax",
    "Parity",
    "Polynomial",
    "Problem",
    "ScalarFunction",
    "Solution",
    "best",
    "composite",
    "composite_sign",
    "fit",
    "fit_composite",
    "flat_iterate",
    "of_stages",
    "steep_iterate",
]
