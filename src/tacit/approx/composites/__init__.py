"""Composites: polynomials after one another that approach the sign, and what is made of it."""

from tacit.approx.composites.composite import Composite, composite, of_stages
from tacit.approx.composites.costs import CostModel, Schedule, Stretches, schedule
from tacit.approx.composites.forms import Form, error_of
from tacit.approx.composites.iterates import (
    fewest_iterates,
    flat_iterate,
    iterated,
    steep_iterate,
)
from tacit.approx.composites.pafs import PAFS, Paf, of_trainable, paf
from tacit.approx.composites.pareto import pareto
from tacit.approx.composites.search import best, fit_composite

__all__ = [
    "PAFS",
    "Composite",
    "CostModel",
    "Form",
    "Paf",
    "Schedule",
    "Stretches",
    "best",
    "composite",
    "error_of",
    "fewest_iterates",
    "fit_composite",
    "flat_iterate",
    "iterated",
    "of_stages",
    "of_trainable",
    "paf",
    "pareto",
    "schedule",
    "steep_iterate",
]
