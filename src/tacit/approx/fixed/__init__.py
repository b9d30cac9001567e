"""Whole numbers instead of reals: fits for BGV and BFV, and tables as polynomials over F_t."""

from tacit.approx.fixed.field import FieldPolynomial, interpolate
from tacit.approx.fixed.fit import FixedFit, fixed_fit
from tacit.approx.fixed.inputs import Inputs
from tacit.approx.fixed.modular import centred, joined, plan_modulo, plan_values_modulo, residues
from tacit.approx.fixed.ranges import Range, range_of, ranges_of

__all__ = [
    "FieldPolynomial",
    "FixedFit",
    "Inputs",
    "Range",
    "centred",
    "fixed_fit",
    "interpolate",
    "joined",
    "plan_modulo",
    "plan_values_modulo",
    "range_of",
    "ranges_of",
    "residues",
]
