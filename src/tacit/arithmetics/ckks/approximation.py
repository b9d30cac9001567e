"""What stands for an activation: polynomials, one after the other, and what is made of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from tacit.approx import Form, Polynomial
from tacit.approx.plans import Plan, plan_of_composite
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray


@dataclass(frozen=True)
class Approximation:
    """The form of t and s, where s is what the stages, innermost first, make of t in [-1, 1].

    Every stage is normalised: it takes values in [-1, 1], and leaves such to the next one. One
    stage without a form is a polynomial, s itself. Raises TypeMismatch where no plan could compute
    it.
    """

    stages: tuple[Polynomial, ...]
    form: Form | None = None

    def __post_init__(self) -> None:
        """Refuse what a plan would not compute, or would compute as something else."""
        if any((stage.low, stage.high) != (-1.0, 1.0) for stage in self.stages):
            raise TypeMismatch("a stage is not normalised", hint="move it to [-1, 1]")
        if self.form is None and len(self.stages) == 1:
            return
        if self.form is None or not self.stages or not _is_sound(self.form):
            raise TypeMismatch(
                f"{len(self.stages)} stages with form {self.form} are no approximation",
                hint="a polynomial has one stage and no form; a form has either a step or a bend",
            )

    @property
    def degrees(self) -> tuple[int, ...]:
        """The stages' degrees, innermost first."""
        return tuple(stage.degree for stage in self.stages)

    @property
    def is_affine(self) -> bool:
        """Whether it is one polynomial of degree at most one."""
        return self.form is None and self.stages[0].degree <= 1

    @cached_property
    def plan(self) -> Plan:
        """The steps in which a server computes it: of least depth, x s made inside if that helps.

        A last stage of degree d takes the product with x in where d + 2 <= 2**ceil(log2(d + 1)).
        """
        if self.form is None:
            return self.stages[0].plan
        return plan_of_composite(self.stages, self.form)

    def __call__(self, t: FloatArray) -> FloatArray:
        """The values at `t`: stage after stage, then the form."""
        value = t
        for stage in self.stages:
            value = stage(value)
        return value if self.form is None else self.form.of(t, value)


def _is_sound(form: Form) -> bool:
    """Whether all numbers are finite, and the sign is used once."""
    numbers = (form.constant, form.step, form.slope, form.bend)
    return all(map(math.isfinite, numbers)) and bool(form.step) != bool(form.bend)
