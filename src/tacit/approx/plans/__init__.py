"""How a polynomial or a composite is computed on ciphertexts: steps, levels, products, scales."""

from tacit.approx.plans.plan import Plan, Step

__all__ = ["Plan", "Step"]
