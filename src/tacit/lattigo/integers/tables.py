"""A polynomial with other coefficients in every slot: each slot looks up a table of its own.

By baby and giant steps: Σ c_j x^j is Σ S_i (x^k)^i, where the inner sums S_i are plaintext products
with x to x^(k-1), summed before they are divided by one prime. They are joined two by two with
x^k, x^2k and so on, as Paterson and Stockmeyer (1973) do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tacit.errors import DepthExceeded, EngineError
from tacit.lattigo.integers.chains import Kind, MapSlots, Multiply
from tacit.lattigo.integers.context import Context, IntegerArray, vector
from tacit.lattigo.integers.evaluator import Evaluator
from tacit.lattigo.integers.lowering import held, lower
from tacit.lattigo.integers.objects import Ciphertext, LinearMap, Plaintext
from tacit.lattigo.integers.parameters import Scheme


@dataclass(frozen=True)
class Tables:
    """The coefficients of every slot's polynomial, encoded for inputs up to a level."""

    terms: int
    level: int
    # For every inner sum, the coefficients of x to x^(k-1); none where there is but a constant.
    rows: tuple[tuple[LinearMap, ...], ...]
    # And that of x^0.
    constants: tuple[Plaintext, ...]


def babies(terms: int) -> int:
    """The power k by which inner sums follow one another; it makes products few, or is one."""
    bits = (terms - 1).bit_length()
    return 1 << -(-bits // 2)


def powers_depth(terms: int) -> int:
    """The products in a row that x to x^(k-1) take."""
    return max(babies(terms) - 2, 0).bit_length()


def each_steps(terms: int) -> tuple[Kind, ...]:
    """The levels that so many terms take, as `chain_for` takes them."""
    if terms < 1:
        raise EngineError(f"a polynomial of {terms} terms was asked for")
    if terms == 1:
        return ()
    k = babies(terms)
    joins = (-(-terms // k) - 1).bit_length()
    # With k = 2, x^k is made on the level of the inner sums.
    inner = Multiply() if k == 2 and joins else MapSlots(k - 1)
    return (*powers_depth(terms) * [Multiply()], inner, *joins * [Multiply()])


def each_depth(terms: int) -> int:
    """The levels that a polynomial of so many terms takes: at most ceil(log2(terms)) + 1."""
    return len(each_steps(terms))


def evaluate_each(evaluator: Evaluator, coefficients: IntegerArray, x: Ciphertext) -> Ciphertext:
    """Σ coefficients[j, s] · x[s]^j modulo t in every slot s; the shape is (terms, slots).

    Raises DepthExceeded where x has fewer levels than `each_depth(terms)`; BFV takes none.
    """
    tables = encode_tables(evaluator.context, coefficients, level=x.level)
    return evaluate_tables(evaluator, tables, x)


def encode_tables(context: Context, coefficients: IntegerArray, *, level: int) -> Tables:
    """Coefficients of the shape (terms, slots), encoded once for many inputs up to a level."""
    if coefficients.ndim != 2 or coefficients.shape[1] != context.slots:
        raise EngineError(
            f"coefficients of the shape (terms, {context.slots}) are wanted, not "
            f"{coefficients.shape}"
        )
    terms = len(coefficients)
    check_depth(context, terms, level)
    inner = level - powers_depth(terms) if divides(context) else level
    k, modulus = babies(terms), context.parameters.plaintext_modulus
    blocks = [padded(coefficients[start : start + k], k) for start in range(0, terms, k)]
    rows = [tuple(diagonal(context, row, inner) for row in block[1:]) for block in blocks]
    constants = [context.encode(vector(block[0]) % modulus, level=inner) for block in blocks]
    return Tables(terms, level, tuple(rows), tuple(constants))


def padded(block: IntegerArray, least: int) -> IntegerArray:
    """A block of coefficients with zeros for those that are not there."""
    return np.pad(block, ((0, least - len(block)), (0, 0)))


def diagonal(context: Context, row: IntegerArray, level: int) -> LinearMap:
    """A plaintext factor: a map that leaves every value in its slot."""
    return context.linear_map({0: row}, level=level, split={0: (0, 0)})


def evaluate_tables(evaluator: Evaluator, tables: Tables, x: Ciphertext) -> Ciphertext:
    """The value of every slot's polynomial, `each_depth(terms)` levels below x in BGV."""
    check_depth(evaluator.context, tables.terms, x.level)
    if x.level > tables.level:
        raise EngineError(
            f"the tables are encoded for level {tables.level}; the ciphertext is at {x.level}",
            hint="drop the ciphertext, or encode the tables at its level",
        )
    if tables.terms == 1:
        nothing = evaluator.multiply_constant(x, 0)
        return evaluator.add_plain(nothing, tables.constants[0])
    k = babies(tables.terms)
    powers = powers_of(evaluator, x, k if len(tables.rows) > 1 else k - 1)
    sums = inner_sums(evaluator, tables, powers[: k - 1])
    giant = powers[-1]
    while len(sums) > 1:
        giant = lower(evaluator, giant, held(sums[0]))
        sums = joined(evaluator, sums, giant)
        if len(sums) > 1:
            giant = divided(evaluator, evaluator.multiply(giant, giant))
    return sums[0]


def powers_of(evaluator: Evaluator, x: Ciphertext, most: int) -> list[Ciphertext]:
    """The powers from x to x^most, each at the least depth."""
    powers = [x]
    for power in range(2, most + 1):
        deeper, other = powers[-(-power // 2) - 1], powers[power // 2 - 1]
        product = evaluator.multiply(deeper, lower(evaluator, other, held(deeper)))
        powers.append(divided(evaluator, product))
    return powers


def inner_sums(
    evaluator: Evaluator, tables: Tables, powers: Sequence[Ciphertext]
) -> list[Ciphertext]:
    """All inner sums, of powers that are brought to the deepest one's level first."""
    near = [lower(evaluator, power, held(powers[-1])) for power in powers]
    sums = evaluator.linear_layer(near, tables.rows)
    return [
        divided(evaluator, evaluator.add_plain(each, constant))
        for each, constant in zip(sums, tables.constants, strict=True)
    ]


def joined(evaluator: Evaluator, sums: Sequence[Ciphertext], giant: Ciphertext) -> list[Ciphertext]:
    """Half as many sums: each even one and the giant power times the one after it."""
    made = [
        joined_two(evaluator, low, high, giant)
        for low, high in zip(sums[::2], sums[1::2], strict=False)
    ]
    alone = [lower(evaluator, each, held(made[0])) for each in sums[2 * len(made) :]]
    return made + alone


def joined_two(
    evaluator: Evaluator, low: Ciphertext, high: Ciphertext, giant: Ciphertext
) -> Ciphertext:
    """The sum of one sum, and of another times the giant power."""
    product = evaluator.multiply(high, giant, relinearise=False)
    matched = evaluator.multiply_constant(low, 1, factor=product.factor)
    return divided(evaluator, evaluator.relinearise(evaluator.add(product, matched)))


def divides(context: Context) -> bool:
    """Whether products are to be rescaled."""
    return context.parameters.scheme is Scheme.BGV


def divided(evaluator: Evaluator, product: Ciphertext) -> Ciphertext:
    """A product, rescaled where the scheme wants it."""
    return evaluator.rescale(product) if divides(evaluator.context) else product


def check_depth(context: Context, terms: int, level: int) -> None:
    """Refuses a level below which there are too few."""
    depth = each_depth(terms)
    if divides(context) and depth > level:
        raise DepthExceeded(
            f"a polynomial of {terms} terms takes {depth} levels; there are {level}",
            hint="choose parameters with each_steps, or fewer terms",
        )
