from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.arithmetics.integers.bgv.tables import (
    Circuit,
    Table,
    circuit,
    circuits,
    coefficients,
    table_of,
)
from tacit.arithmetics.integers.ops import Lookup
from tacit.ir.affine import IndexArray

# The least prime that batches in the least ring, and one that holds 16 bits.
MODULUS = 40961
FERMAT = 65537
values = st.lists(st.integers(-300, 300), min_size=1, max_size=40)
lows = st.integers(-500, 500)


def computed(found: Circuit, x: IndexArray) -> list[int]:
    """What a circuit makes of integers, centred."""
    modulus = found.polynomial.modulus
    inside = found.polynomial(found.factor * x + found.shift) + found.constant
    return [(int(each) + modulus // 2) % modulus - modulus // 2 for each in inside]


def is_the_table(low: int, table: list[int], modulus: int = MODULUS) -> bool:
    """Whether the circuit gives every entry."""
    found = circuit(Table(low, tuple(table)), modulus)
    return computed(found, low + np.arange(len(table))) == table


def lookup(tables: list[list[int]], low: int, dropped: int = 0) -> Lookup:
    """A word of tables."""
    group = np.arange(len(tables)) if len(tables) > 1 else np.zeros(0, dtype=np.int64)
    return Lookup(np.array(tables), low, "by hand", group.astype(np.int64), dropped)


def products(low: int, table: list[int], modulus: int = MODULUS) -> int:
    """The products of a table's circuit."""
    return circuit(Table(low, tuple(table)), modulus).plan.products


@given(lows, values)
def test_a_circuit_gives_every_entry_of_a_table(low: int, table: list[int]) -> None:
    assert is_the_table(low, table)


@given(lows, values, st.sampled_from([[], [4]]))
def test_an_antisymmetric_table_is_right_and_odd(
    low: int, half: list[int], middle: list[int]
) -> None:
    table = [*(8 - each for each in reversed(half)), *middle, *half]

    assert is_the_table(low, table)
    assert not any(circuit(Table(low, tuple(table)), MODULUS).polynomial.coefficients[0::2])


@given(lows, values)
def test_a_symmetric_table_is_right_and_even(low: int, half: list[int]) -> None:
    table = (*reversed(half), *half)

    assert is_the_table(low, list(table))
    assert not any(circuit(Table(low, table), MODULUS).polynomial.coefficients[1::2])


@given(lows, st.integers(1, 40), st.integers(1, 40), st.integers(-9, 9), st.integers(-9, 9))
def test_a_table_with_one_jump_is_right(
    low: int, left: int, right: int, before: int, after: int
) -> None:
    assert is_the_table(low, [before] * left + [after] * right)


def test_symmetry_takes_fewer_products() -> None:
    random = np.random.default_rng(0).integers(-99, 99, size=64).tolist()
    odd = [*(-each for each in reversed(random[:32])), *random[:32]]
    even = [*reversed(random[:32]), *random[:32]]

    assert products(0, odd) < products(0, random)
    assert products(0, even) < products(0, random)


def test_a_jump_beside_the_middle_is_continued_until_it_is_antisymmetric() -> None:
    beside = [0] * 30 + [1] * 34

    assert products(-5, beside) < products(-5, [*beside[:-1], 2])


@pytest.mark.parametrize("table", [[5], [-3, 8], [4, 4, 4]])
def test_tables_of_few_values_take_no_product(table: list[int]) -> None:
    assert is_the_table(-1, table)
    assert circuit(Table(-1, tuple(table)), MODULUS).depth == 0


def test_a_jump_near_the_end_of_all_that_the_modulus_holds_is_not_continued() -> None:
    # Continued, it would have twice as many points as there are residues.
    assert is_the_table(-100, [0] * 200 + [1], 257)


@given(lows, st.lists(st.integers(-9, 9), min_size=1, max_size=6), st.integers(1, 3))
def test_dropped_bits_are_in_the_table(low: int, table: list[int], dropped: int) -> None:
    word = lookup([table], low, dropped)
    wide = table_of(word)
    places = wide.low + np.arange(len(wide.values))

    assert list(wide.values) == word.run(places[None].astype(np.float64))[0].tolist()
    assert is_the_table(wide.low, list(wide.values))


@given(lows, st.integers(1, 12), st.integers(2, 4), st.integers(0, 1 << 16))
def test_every_group_has_a_polynomial_of_its_own(
    low: int, entries: int, groups: int, seed: int
) -> None:
    tables = np.random.default_rng(seed).integers(-99, 99, size=(groups, entries))

    found = coefficients(lookup(tables.tolist(), low), FERMAT)

    assert [evaluated(column, low, entries) for column in found.T] == tables.tolist()


def evaluated(column: IndexArray, low: int, entries: int) -> list[int]:
    """A polynomial by its coefficients at consecutive integers, centred."""
    found = []
    for x in range(low, low + entries):
        total = sum(int(each) * pow(x, power, FERMAT) for power, each in enumerate(column))
        found.append((total + FERMAT // 2) % FERMAT - FERMAT // 2)
    return found


def test_a_shared_table_has_one_circuit() -> None:
    assert len(circuits(lookup([[1, 2, 3]], 0), MODULUS)) == 1


def test_a_circuit_is_made_once() -> None:
    table = Table(3, (1, 4, 9, 16))

    assert circuit(table, MODULUS) is circuit(Table(3, (1, 4, 9, 16)), MODULUS)
