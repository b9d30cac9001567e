"""Computing on encrypted integers: exact modulo the plaintext modulus, never with a secret key."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, final

import numpy as np

from tacit.errors import EngineError
from tacit.lattigo.home import apply_maps
from tacit.lattigo.integers.context import Context
from tacit.lattigo.integers.objects import Ciphertext, LinearMap, Plaintext
from tacit.lattigo.library import Argument, integers
from tacit.lattigo.objects import EvaluationKeys

if TYPE_CHECKING:
    from tacit.approx.plans import Step


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
        """The sum, of two ciphertexts at one level.

        Different factors are made equal first, by two integers of about √t: that is half of t's
        bits of noise budget.
        """
        return self.made("tacit_bgv_add", first.number, second.number)

    def subtract(self, first: Ciphertext, second: Ciphertext) -> Ciphertext:
        """The difference, of two ciphertexts at one level; factors are treated as by `add`."""
        return self.made("tacit_bgv_subtract", first.number, second.number)

    def negate(self, ciphertext: Ciphertext) -> Ciphertext:
        """The negative."""
        return self.made("tacit_bgv_negate", ciphertext.number)

    def add_plain(self, ciphertext: Ciphertext, plaintext: Plaintext) -> Ciphertext:
        """The sum with a plaintext at the ciphertext's level or above."""
        return self.made("tacit_bgv_add_plain", ciphertext.number, plaintext.number)

    def add_constant(self, ciphertext: Ciphertext, constant: int) -> Ciphertext:
        """The sum with one integer in every slot."""
        return self.made("tacit_bgv_add_constant", ciphertext.number, self.residue(constant))

    def multiply(
        self, first: Ciphertext, second: Ciphertext, *, relinearise: bool = True
    ) -> Ciphertext:
        """The product of two ciphertexts at one level; not rescaled, which BGV needs next."""
        product = self.made("tacit_bgv_multiply", first.number, second.number)
        return self.relinearise(product) if relinearise else product

    def multiply_plain(self, ciphertext: Ciphertext, plaintext: Plaintext) -> Ciphertext:
        """The product with a plaintext at the ciphertext's level or above; not rescaled."""
        return self.made("tacit_bgv_multiply_plain", ciphertext.number, plaintext.number)

    def multiply_constant(
        self, ciphertext: Ciphertext, constant: int, *, factor: int | None = None
    ) -> Ciphertext:
        """The product with one integer; not rescaled.

        It may be given at another factor, so that it can be added to what has that factor: both
        changes are one multiplication by an integer of up to t/2, by which the noise grows.
        """
        wanted = ciphertext.factor if factor is None else factor
        return self.made(
            "tacit_bgv_multiply_constant", ciphertext.number, self.residue(constant), wanted
        )

    def step(
        self, step: Step, values: Mapping[int, Ciphertext], *, level: int, factor: int
    ) -> Ciphertext:
        """One step of a plan, relinearised once, and in BGV rescaled once if it multiplies.

        `values` holds what the step uses, at least one, at the level of the sum or above. All are
        dropped to it, which leaves their noise. The sum, before it is rescaled, has the factor:
        where a term has another one, or a product's values have, the constant or the weight takes
        it on, and so is of up to t/2.
        """
        place = {value: index for index, value in enumerate(values)}
        products = [
            each
            for first, second, weight in step.products
            for each in (place[first], place[second], self.residue(int(weight)))
        ]
        return self.made(
            "tacit_bgv_step",
            np.array([each.number for each in values.values()], dtype=np.uint64),
            len(values),
            integers(products),
            len(step.products),
            integers(place[value] for value, _ in step.terms),
            integers(self.residue(int(constant)) for _, constant in step.terms),
            len(step.terms),
            self.residue(int(step.constant)),
            level,
            factor,
            self._keys.number,
        )

    def relinearise(self, ciphertext: Ciphertext) -> Ciphertext:
        """A product brought back to degree one."""
        return self.made("tacit_bgv_relinearise", ciphertext.number, self._keys.number)

    def rescale(self, ciphertext: Ciphertext) -> Ciphertext:
        """The same values one level lower: modulus and noise divided by the level's prime."""
        return self.made("tacit_bgv_rescale", ciphertext.number)

    def drop(self, ciphertext: Ciphertext, level: int) -> Ciphertext:
        """The same values and noise at a lower level; costs nothing but noise budget."""
        return self.made("tacit_bgv_drop", ciphertext.number, level)

    def rotate(self, ciphertext: Ciphertext, step: int) -> Ciphertext:
        """Both rows rotated to the left: slot s of a row holds what its slot s + step held."""
        return self.rotate_hoisted(ciphertext, [step])[step]

    def rotate_hoisted(self, ciphertext: Ciphertext, steps: Sequence[int]) -> dict[int, Ciphertext]:
        """Several rotations of one ciphertext, cheaper together than apart."""
        wanted = integers(dict.fromkeys(steps))
        out = np.zeros(len(wanted), dtype=np.uint64)
        self._context.opened.call(
            "tacit_bgv_rotate", ciphertext.number, self._keys.number, wanted, len(wanted), out
        )
        made = [Ciphertext(self._context, number) for number in out.tolist()]
        return dict(zip(wanted.tolist(), made, strict=True))

    def rotate_sum(self, ciphertext: Ciphertext, steps: Sequence[int]) -> Ciphertext:
        """For each step in turn, the sum so far and its rotation."""
        wanted = integers(steps)
        number = self._context.opened.make(
            "tacit_bgv_rotate_sum", ciphertext.number, self._keys.number, wanted, len(wanted)
        )
        return Ciphertext(self._context, number)

    def linear_layer(
        self, inputs: Sequence[Ciphertext], rows: Sequence[Sequence[LinearMap | None]]
    ) -> list[Ciphertext]:
        """A sum of matrices times ciphertexts for every row, sharing the baby steps; not rescaled.

        None is a zero matrix. All ciphertexts are at one level and have one factor, which the
        results keep.
        """
        numbers = apply_maps("tacit_bgv_apply_maps", inputs, rows, self._keys)
        return [Ciphertext(self._context, number) for number in numbers]

    def residue(self, constant: int) -> int:
        """An integer of any size modulo t; raises EngineError for any other number."""
        try:
            return operator.index(constant) % self._context.parameters.plaintext_modulus
        except TypeError as cause:
            raise EngineError(f"{constant!r} was given where an integer is wanted") from cause

    def made(self, name: str, *arguments: Argument) -> Ciphertext:
        """The ciphertext that a function of the library makes."""
        return Ciphertext(self._context, self._context.opened.make(name, *arguments))
