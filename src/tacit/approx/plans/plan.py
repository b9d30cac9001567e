"""What a plan is: the sums of products by which values are computed on ciphertexts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray


@dataclass(frozen=True)
class Step:
    """One value: Σ weight · value · value + Σ constant · value + constant.

    `products` are (first, second, weight), where a weight is a small whole number that costs only
    additions; `terms` are (value, constant). All of it is summed before it is relinearised, once,
    and rescaled, once, so a step takes one level however much it sums. A step that only adds,
    without products and with Python's integers for the terms' constants, takes none: its values
    must have one scale. A float takes its level even where it happens to be whole, because the
    level is what brings the value to its scale. Integers may have any size.
    """

    products: tuple[tuple[int, int, int], ...] = ()
    terms: tuple[tuple[int, float | int], ...] = ()
    constant: float | int = 0

    @property
    def only_adds(self) -> bool:
        """Whether it takes no level."""
        return not self.products and all(isinstance(each, int) for _, each in self.terms)

    def of(self, values: Sequence[NDArray[Any]], shape: tuple[int, ...]) -> NDArray[Any]:
        """The step's value, of this shape, for the values before it."""
        total = np.full(shape, self.constant, dtype=values[0].dtype)
        for first, second, weight in self.products:
            total = total + weight * (values[first] * values[second])
        for value, constant in self.terms:
            total = total + constant * values[value]
        return total

    def text(self, names: Sequence[str]) -> str:
        """The sum for people, with these names for the values."""
        written = [
            _signed(weight, f"{names[first]}·{names[second]}")
            for first, second, weight in self.products
        ]
        written += [_signed(constant, names[value]) for value, constant in self.terms]
        if self.constant or not written:
            written.append(_signed(self.constant, ""))
        joined = " ".join(written)
        return joined[2:] if joined.startswith("+") else f"-{joined[2:]}"

    @property
    def uses(self) -> tuple[int, ...]:
        """The values that it needs, each once."""
        multiplied = [value for first, second, _ in self.products for value in (first, second)]
        return tuple(dict.fromkeys([*multiplied, *(value for value, _ in self.terms)]))


@dataclass(frozen=True)
class Plan:
    """Steps that compute a value from `inputs` values: value i is input i, then step i - inputs.

    The result is the last value. Everything that it costs is derived from the steps. `names`, if
    there are any, name every value for people.

    >>> import numpy as np
    >>> cube = Plan((Step(products=((0, 0, 1),)), Step(products=((0, 1, 1),))))
    >>> cube(np.array([2.0])).tolist(), cube.depth, cube.products
    ([8.0], 2, 2)
    """

    steps: tuple[Step, ...]
    inputs: int = 1
    names: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        """Refuse steps that use values which are not there yet."""
        if not self.steps or self.inputs < 1:
            raise TypeMismatch("a plan needs an input and a step")
        for place, step in enumerate(self.steps, start=self.inputs):
            if any(not 0 <= value < place for value in step.uses):
                raise TypeMismatch(f"step {place - self.inputs} uses a value that is not made yet")

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """For every value how many levels below the inputs it is made: as late as its uses allow.

        Fewer limbs are left there, so all that makes it is cheaper.
        """
        found = self._least_levels
        latest = [max(each, found[-1]) for each in found]
        latest[: self.inputs] = [0] * self.inputs
        for place in range(len(found) - 1, self.inputs - 1, -1):
            step = self.steps[place - self.inputs]
            for value in step.uses:
                if value >= self.inputs:
                    latest[value] = min(latest[value], latest[place] - (not step.only_adds))
        return tuple(latest)

    @cached_property
    def _least_levels(self) -> list[int]:
        found = [0] * self.inputs
        for step in self.steps:
            above = max((found[value] for value in step.uses), default=0)
            found.append(above + (0 if step.only_adds else 1))
        return found

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

    @property
    def most_alive(self) -> int:
        """The most values that are kept while a step is computed."""
        alive = (
            sum(last >= place for last in self.last_uses[: self.inputs + place])
            for place in range(len(self.steps))
        )
        return max(alive, default=self.inputs)

    def __call__(self, *inputs: FloatArray) -> FloatArray:
        """The result for these inputs, in the clear."""
        return self.values(inputs)[-1]

    def values(self, inputs: Sequence[FloatArray]) -> list[FloatArray]:
        """Every value, the inputs first; arrays of Python's integers are computed exactly."""
        if len(inputs) != self.inputs:
            raise TypeMismatch(f"{len(inputs)} inputs were given for {self.inputs}")
        is_exact = any(np.asarray(each).dtype == object for each in inputs)
        dtype = np.dtype(object if is_exact else np.float64)
        known = [np.asarray(each, dtype=dtype) for each in inputs]
        shape = np.broadcast_shapes(*(each.shape for each in known))
        for step in self.steps:
            known.append(step.of(known, shape))
        return known

    def text(self) -> str:
        """The plan for people: a line for each step, with the levels below the inputs.

        >>> square = Step(products=((0, 0, 2),), constant=-1.0)
        >>> print(Plan((square, Step(terms=((1, 0.25), (0, -3.0)))), names=("t", "T2", "p")).text())
        1  T2 = 2 t·t - 1
        2  p = 0.25 T2 - 3 t
        """
        names = self.names or self._plain_names
        width = len(str(self.depth))
        lines = (
            f"{level:{width}}  {names[place]} = {step.text(names)}"
            for place, (step, level) in enumerate(
                zip(self.steps, self.levels[self.inputs :], strict=True), start=self.inputs
            )
        )
        return "\n".join(lines)

    @property
    def _plain_names(self) -> tuple[str, ...]:
        inputs = (f"x{place}" for place in range(self.inputs))
        return (*inputs, *(f"v{place}" for place in range(len(self.steps))))


def _signed(number: float, name: str) -> str:
    """A summand with its sign before it; a factor of one is left out."""
    size = f"{abs(number):.6g}"
    sign = "-" if number < 0 else "+"
    if not name:
        return f"{sign} {size}"
    return f"{sign} {name}" if abs(number) == 1 else f"{sign} {size} {name}"
