"""Computing on ciphertexts: never with a secret key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import final

import numpy as np

from tacit.approx.plans import Plan, Step, scales
from tacit.errors import EngineError
from tacit.lattigo.context import Context
from tacit.lattigo.home import apply_maps
from tacit.lattigo.library import Argument, integers, real, reals
from tacit.lattigo.objects import Ciphertext, EvaluationKeys, LinearMap, Plaintext


@final
class Evaluator:
    """A context with evaluation keys; safe from several threads, and parallel inside."""

    __slots__ = ("_context", "_keys")

    def __init__(self, context: Context, keys: EvaluationKeys) -> None:
        self._context = context
        self._keys = keys

    @property
    def context(self) -> Context:
        """The context."""
        return self._context

    @property
    def keys(self) -> EvaluationKeys:
        """The evaluation keys."""
        return self._keys

    def add(self, first: Ciphertext, second: Ciphertext) -> Ciphertext:
        """The sum, of two ciphertexts at one level and one scale."""
        return self.made("tacit_ckks_add", first.number, second.number)

    def subtract(self, first: Ciphertext, second: Ciphertext) -> Ciphertext:
        """The difference, of two ciphertexts at one level and one scale."""
        return self.made("tacit_ckks_subtract", first.number, second.number)

    def add_plain(self, ciphertext: Ciphertext, plaintext: Plaintext) -> Ciphertext:
        """The sum with a plaintext of the same scale, at the ciphertext's level or above."""
        return self.made("tacit_ckks_add_plain", ciphertext.number, plaintext.number)

    def add_constant(self, ciphertext: Ciphertext, constant: float) -> Ciphertext:
        """The sum with one number in every slot."""
        return self.made("tacit_ckks_add_constant", ciphertext.number, real(constant))

    def multiply(
        self, first: Ciphertext, second: Ciphertext, *, relinearise: bool = True
    ) -> Ciphertext:
        """The product, whose scale is the product of the scales; not rescaled."""
        product = self.made("tacit_ckks_multiply", first.number, second.number)
        return self.relinearise(product) if relinearise else product

    def multiply_plain(self, ciphertext: Ciphertext, plaintext: Plaintext) -> Ciphertext:
        """The product with a plaintext at the ciphertext's level or above; not rescaled."""
        return self.made("tacit_ckks_multiply_plain", ciphertext.number, plaintext.number)

    def multiply_constant(
        self, ciphertext: Ciphertext, constant: float, *, scale: float
    ) -> Ciphertext:
        """The product with one number, encoded at a scale by which the result's grows."""
        return self.made(
            "tacit_ckks_multiply_constant", ciphertext.number, real(constant), real(scale)
        )

    def negate(self, ciphertext: Ciphertext) -> Ciphertext:
        """The negative."""
        return self.made("tacit_ckks_negate", ciphertext.number)

    def relinearise(self, ciphertext: Ciphertext) -> Ciphertext:
        """A product brought back to degree one."""
        return self.made("tacit_ckks_relinearise", ciphertext.number, self._keys.number)

    def rescale(self, ciphertext: Ciphertext) -> Ciphertext:
        """The same values one level lower, the scale divided by the level's prime."""
        return self.made("tacit_ckks_rescale", ciphertext.number)

    def drop(self, ciphertext: Ciphertext, level: int) -> Ciphertext:
        """The same values at the same scale at a lower level; costs nothing."""
        return self.made("tacit_ckks_drop", ciphertext.number, level)

    def rotate(self, ciphertext: Ciphertext, step: int) -> Ciphertext:
        """The rotation to the left: slot s holds what slot s + step held."""
        return self.rotate_hoisted(ciphertext, [step])[step]

    def rotate_hoisted(self, ciphertext: Ciphertext, steps: Sequence[int]) -> dict[int, Ciphertext]:
        """Several rotations of one ciphertext, cheaper together than apart."""
        wanted = integers(dict.fromkeys(steps))
        out = np.zeros(len(wanted), dtype=np.uint64)
        self._context.opened.call(
            "tacit_ckks_rotate", ciphertext.number, self._keys.number, wanted, len(wanted), out
        )
        return dict(zip(wanted.tolist(), self.wrapped(out.tolist()), strict=True))

    def rotate_sum(self, ciphertext: Ciphertext, steps: Sequence[int]) -> Ciphertext:
        """For each step in turn, the sum so far and its rotation."""
        wanted = integers(steps)
        return self.made(
            "tacit_ckks_rotate_sum", ciphertext.number, self._keys.number, wanted, len(wanted)
        )

    def linear_map(self, ciphertext: Ciphertext, linear_map: LinearMap) -> Ciphertext:
        """A matrix times a ciphertext; not rescaled."""
        return self.linear_maps([ciphertext], [linear_map])

    def linear_maps(
        self, ciphertexts: Sequence[Ciphertext], maps: Sequence[LinearMap | None]
    ) -> Ciphertext:
        """The sum of matrices times ciphertexts, sharing the giant steps; None is a zero matrix."""
        return self.linear_layer(ciphertexts, [maps])[0]

    def linear_layer(
        self, ciphertexts: Sequence[Ciphertext], rows: Sequence[Sequence[LinearMap | None]]
    ) -> list[Ciphertext]:
        """A sum of matrices times ciphertexts for every row, sharing the baby steps."""
        return self.wrapped(apply_maps("tacit_ckks_apply_maps", ciphertexts, rows, self._keys))

    def evaluate(
        self, plan: Plan, inputs: Sequence[Ciphertext], *, target_scale: float | None
    ) -> Ciphertext:
        """The plan's result for these inputs, at exactly the target scale.

        Without one it has the scale that the inputs make of it, which is the only one where it is
        but a product of them: `approx.plans.scales` tells which scale of the input it follows from.
        It ends `plan.depth` levels below the lowest input. Raises EngineError where there are too
        few levels or inputs, or no key for products; LoweringError where no scales fit the plan.
        """
        if len(inputs) != plan.inputs:
            raise EngineError(f"{len(inputs)} ciphertexts were given; the plan takes {plan.inputs}")
        top = min(each.level for each in inputs)
        if plan.depth > top:
            raise EngineError(
                f"the plan needs {plan.depth} levels; the ciphertext has {top}",
                hint="lower the degree, or plan more levels",
            )
        found = scales(
            plan,
            self._context.parameters.q,
            level=top,
            inputs=[each.scale for each in inputs],
            target=target_scale,
        )
        known = dict(enumerate(inputs))
        number = plan.inputs
        for number, step in enumerate(plan.steps, start=plan.inputs):
            used = {value: known[value] for value in step.uses}
            # What no later step uses is let go before the next one is made.
            known = {v: c for v, c in known.items() if plan.last_uses[v] > number - plan.inputs}
            level, scale = found.levels[number], found.values[number]
            known[number] = self.step(step, used, level=level, scale=scale)
        return known[number]

    def step(
        self, step: Step, values: Mapping[int, Ciphertext], *, level: int, scale: float
    ) -> Ciphertext:
        """One step of a plan, relinearised and rescaled once, at exactly this level and scale.

        `values` holds what the step uses, at the level of the sum or above: one above `level`, or
        `level` itself if the step only adds. The scales of all products must be one, which is
        `scale` times the prime that rescaling divides by.
        """
        place = {value: index for index, value in enumerate(values)}
        products = [each for a, b, weight in step.products for each in (place[a], place[b], weight)]
        return self.made(
            "tacit_ckks_step",
            np.array([each.number for each in values.values()], dtype=np.uint64),
            len(values),
            integers(products),
            len(step.products),
            integers(place[value] for value, _ in step.terms),
            reals(constant for _, constant in step.terms),
            len(step.terms),
            real(step.constant),
            int(step.only_adds),
            level,
            real(scale),
            self._keys.number,
        )

    def made(self, name: str, *arguments: Argument) -> Ciphertext:
        """The ciphertext that a function of the library makes."""
        return Ciphertext(self._context, self._context.opened.make(name, *arguments))

    def wrapped(self, numbers: Sequence[int]) -> list[Ciphertext]:
        """The ciphertexts behind handles."""
        return [Ciphertext(self._context, number) for number in numbers]
