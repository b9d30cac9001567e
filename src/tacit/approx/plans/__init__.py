"""How a polynomial or a composite is computed on ciphertexts: steps, levels, products, scales."""

from tacit.approx.plans.chebyshev import plan_of, products_of_odd
from tacit.approx.plans.composites import plan_of_composite, ways_of_composite
from tacit.approx.plans.plan import Plan, Step
from tacit.approx.plans.scales import Scales, scales
from tacit.approx.plans.simulate import error_growth, noise_of, simulate
from tacit.approx.plans.ways import Stretch, Way, ways

__all__ = [
    "Plan",
    "Scales",
    "Step",
    "Stretch",
    "Way",
    "error_growth",
    "noise_of",
    "plan_of",
    "plan_of_composite",
    "products_of_odd",
    "scales",
    "simulate",
    "ways",
    "ways_of_composite",
]
