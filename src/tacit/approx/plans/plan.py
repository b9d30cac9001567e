"""What a plan is: the sums of products by which values are computed on ciphertexts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray


@dataclass(frozen=True)
class Step:
    """One value: Σ weight · value · value + Σ constant · value + constant.

    `products` are (first, second, weight), where a weight is a small whole number that costs only
    additions; `terms` are (value, constant). All of it is summed before it is relinearised, once,
    and rescaled, once, so a step takes one level however much it sums. A step that only adds,
    whose constants are whole and without products, takes none.
    """

    products: tuple[tuple[int, int, int], ...] = ()
    terms: tuple[tuple[int, float], ...] = ()
    constant: float = 0.0

    @property
    def only_adds(self) -> bool:
        """Whether it takes no level."""
        return not self.products and all(each.is_integer() for _, each in self.terms)

    @property
    def uses(self) -> tuple[int, ...]:
        """The values that it needs, each once."""
        multiplied = [value for first, second, _ in self.products for value in (first, second)]
        return tuple(dict.fromkeys([*multiplied, *(value for value, _ in self.terms)]))


@dataclass(frozen=True)
class Plan:
    """Steps that compute a value from `inputs` values: value i is input i, then step i - inputs.

    The result is the last value. Everything that it costs is derived from the steps.

    >>> import numpy as np
    >>> cube = Plan((Step(products=((0, 0, 1),)), Step(products=((0, 1, 1),))))
    >>> cube(np.array([2.0])).tolist(), cube.depth, cube.products
    ([8.0], 2, 2)
    """

    steps: tuple[Step, ...]
    inputs: int = 1

    def __post_init__(self) -> None:
        """Refuse steps that use values which are not there yet."""
        if not self.steps or self.inputs < 1:
            raise TypeMismatch("a plan needs an input and a step")
        for place, step in enumerate(self.steps, start=self.inputs):
            if any(not 0 <= value < place for value in step.uses):
                raise TypeMismatch(f"step {place - self.inputs} uses a value that is not made yet")

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """For every value how many levels below the inputs it is."""
        found = [0] * self.inputs
        for step in self.steps:
            above = max((found[value] for value in step.uses), default=0)
            found.append(above + (0 if step.only_adds else 1))
        return tuple(found)

    @property
    def depth(self) -> int:
        """The levels that the result takes."""
        return self.levels[-1]

    @property
    def products(self) -> int:
        """The products of two ciphertexts."""
        return sum(len(step.products) for step in self.steps)

    @property
    def plain_products(self) -> int:
        """The products of a ciphertext and a number."""
        return sum(len(step.terms) for step in self.steps if not step.only_adds)

    @property
    def relinearisations(self) -> int:
        """The relinearisations: one for each step that multiplies."""
        return sum(bool(step.products) for step in self.steps)

    @property
    def rescalings(self) -> int:
        """The rescalings: one for each step that takes a level."""
        return sum(not step.only_adds for step in self.steps)

    @cached_property
    def last_uses(self) -> tuple[int, ...]:
        """For every value the step after which it is not needed; its own if nothing uses it."""
        found = [max(value - self.inputs, 0) for value in range(self.inputs + len(self.steps))]
        for place, step in enumerate(self.steps):
            for value in step.uses:
                found[value] = place
        found[-1] = len(self.steps) - 1
        return tuple(found)

    def __call__(self, *inputs: FloatArray) -> FloatArray:
        """The result for these inputs, in the clear."""
        return self.values(inputs)[-1]

    def values(self, inputs: Sequence[FloatArray]) -> list[FloatArray]:
        """Every value, the inputs first."""
        if len(inputs) != self.inputs:
            raise TypeMismatch(f"{len(inputs)} inputs were given for {self.inputs}")
        known = [np.asarray(each, dtype=np.float64) for each in inputs]
        shape = np.broadcast_shapes(*(each.shape for each in known))
        for step in self.steps:
            total = np.full(shape, step.constant)
            for first, second, weight in step.products:
                total = total + weight * (known[first] * known[second])
            for value, constant in step.terms:
                total = total + constant * known[value]
            known.append(total)
        return known
