"""Plans made of other plans: one set in after another, equal steps made only once."""

from __future__ import annotations

from dataclasses import dataclass, field

from tacit.approx.plans.plan import Plan, Step
from tacit.errors import TypeMismatch


@dataclass
class Assembly:
    """A plan of `inputs` values while it is put together; a step that is there is not made again.

    >>> square = Plan((Step(products=((0, 0, 1),)),))
    >>> assembly = Assembly()
    >>> assembly.set_in(square, assembly.set_in(square, 0)), assembly.set_in(square, 0)
    (2, 1)
    """

    inputs: int = 1
    steps: list[Step] = field(default_factory=list)
    # Equal numbers may be a float and an integer, and only a float takes a level.
    made: dict[tuple[Step, bool], int] = field(default_factory=dict)

    def add(self, step: Step) -> int:
        """The number of the value that a step makes."""
        key = (step, step.only_adds)
        if key not in self.made:
            self.steps.append(step)
            self.made[key] = self.inputs + len(self.steps) - 1
        return self.made[key]

    def set_in(self, plan: Plan, *values: int) -> int:
        """The number of the result of a plan whose inputs are these values."""
        if len(values) != plan.inputs:
            raise TypeMismatch(f"{len(values)} values were given for {plan.inputs} inputs")
        places = list(values)
        for step in plan.steps:
            places.append(self.add(_renumbered(step, places)))
        return places[-1]

    def plan(self, result: int) -> Plan:
        """The plan whose result is that value, without the steps that it does not need."""
        if not self.inputs <= result < self.inputs + len(self.steps):
            raise TypeMismatch(f"value {result} is not made by a step")
        needed = {result}
        for place in range(result, self.inputs - 1, -1):
            if place in needed:
                needed.update(self.steps[place - self.inputs].uses)
        places = list(range(self.inputs))
        kept: list[Step] = []
        for place, step in enumerate(self.steps[: result - self.inputs + 1], start=self.inputs):
            # What is left out is not used, so its number does not matter.
            places.append(self.inputs + len(kept))
            if place in needed:
                kept.append(_renumbered(step, places))
        return Plan(tuple(kept), self.inputs)


def then(first: Plan, second: Plan) -> Plan:
    """The plan that gives the first one's result to the second one, which has a single input."""
    assembly = Assembly(first.inputs)
    middle = assembly.set_in(first, *range(first.inputs))
    return assembly.plan(assembly.set_in(second, middle))


def _renumbered(step: Step, places: list[int]) -> Step:
    products = ((places[first], places[second], weight) for first, second, weight in step.products)
    terms = ((places[value], constant) for value, constant in step.terms)
    return Step(tuple(products), tuple(terms), step.constant)
