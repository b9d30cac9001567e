"""Composites: polynomials after one another that approach the sign, and what is made of it."""

from tacit.approx.composites.composite import Composite, composite, composite_sign, of_stages
from tacit.approx.composites.forms import Form
from tacit.approx.composites.iterates import flat_iterate, steep_iterate
from tacit.approx.composites.search import best, fit_composite

__all__ = [
    "Composite",
    "Form",
    "best",
    "composite",
    "composite_sign",
    "fit_composite",
    "flat_iterate",
    "of_stages",
    "steep_iterate",
]
