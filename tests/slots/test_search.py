from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.errors import LoweringError
from tacit.ir.affine import Matrix
from tacit.slots.search import Mapped, Packed, Same, Vector, find_layouts

SLOTS = st.sampled_from([2, 16, 128, 1024])


def dense(name: str, arg: str, outputs: int, inputs: int) -> Mapped:
    """A map without a zero."""
    weight = np.random.default_rng(outputs).normal(size=(outputs, inputs))
    return Mapped(name, (arg,), (Matrix(weight),), (outputs,))


def chain(*sizes: int) -> list[Vector]:
    """Dense maps one behind the other, each followed by something entry by entry."""
    vectors: list[Vector] = [Packed("v0", (sizes[0],))]
    for number, (inputs, outputs) in enumerate(pairwise(sizes), start=1):
        vectors.append(dense(f"map{number}", f"v{number - 1}", outputs, inputs))
        vectors.append(Same(f"v{number}", f"map{number}"))
    return vectors


@given(st.lists(st.integers(1, 40), min_size=1, max_size=4), SLOTS)
def test_every_vector_finds_a_layout_of_its_size(sizes: list[int], slots: int) -> None:
    vectors = chain(*sizes)

    found = find_layouts(vectors, slots)

    assert list(found.layouts) == [each.name for each in vectors]
    assert all(found.layouts[f"v{n}"].size == size for n, size in enumerate(sizes))
    assert {each.slots for each in found.layouts.values()} == {slots}


def test_what_is_made_entry_by_entry_lies_like_what_it_is_made_from() -> None:
    found = find_layouts(chain(12, 7), 64).layouts

    assert found["v1"] is found["map1"]


def test_the_price_is_that_of_all_maps_times_their_weights() -> None:
    packed, first = Packed("x", (8,)), dense("y", "x", 8, 8)

    once = find_layouts([packed, first], 8).price
    heavy = find_layouts([packed, replace(first, weight=3.0)], 8).price
    twice = find_layouts([packed, first, dense("z", "x", 8, 8)], 8).price

    assert once > 0.0
    assert heavy == pytest.approx(3.0 * once)
    assert twice == pytest.approx(2.0 * once)


def test_a_map_of_no_entry_costs_nothing() -> None:
    nothing = Mapped("y", ("x",), (Matrix((4, 8)),), (4,))

    assert find_layouts([Packed("x", (8,)), nothing], 8).price == 0.0


def test_a_diagonal_costs_less_than_a_full_matrix() -> None:
    packed, full = Packed("x", (16,)), dense("y", "x", 16, 16)
    thin = replace(full, matrices=(Matrix(np.eye(16)),))

    assert find_layouts([packed, thin], 64).price < find_layouts([packed, full], 64).price


def test_partners_lie_alike() -> None:
    # Alone, the second would be as cheap in two layouts.
    image = np.random.default_rng(0).normal(size=(32, 32))
    first = Mapped("a", ("x",), (Matrix(image),), (2, 4, 4))
    second = dense("b", "x", 32, 32)

    found = find_layouts([Packed("x", (2, 4, 4)), first, replace(second, partner="a")], 64)

    assert found.layouts["b"] is found.layouts["a"]


def test_partners_of_several_ciphertexts_have_no_argument_whose_copies_are_rotated() -> None:
    # Such copies meet in one ciphertext only: taken here, they would give a cheap wrong answer.
    small, large = dense("s", "x", 4, 16), dense("a", "s", 600, 4)
    partner = replace(dense("b", "x", 600, 16), partner="a")

    found = find_layouts([Packed("x", (16,)), small, large, partner], 128).layouts

    assert found["b"].ciphertexts > 1
    assert found["x"].skew == 0


def refused(where: str) -> list[Vector]:
    """Every choice kept after the first map has rotated copies, which the second cannot take."""
    small, large = dense("small", "x", 16, 32), dense("large", "x", 128, 32)
    return [Packed("x", (32,)), replace(small, of=(4, 4)), replace(large, where=where)]


@pytest.mark.parametrize(("where", "told"), [("", "large"), ("layer (a.b)", r"layer \(a\.b\)")])
def test_a_vector_without_a_layout_is_named(where: str, told: str) -> None:
    with pytest.raises(LoweringError, match=f"^{told} finds no layout in 128 slots"):
        find_layouts(refused(where), 128)
