import math
from collections.abc import Callable
from typing import Any

import flint
import numpy as np
import pytest

from tacit.approx.target import Custom, as_function, branches_of, values_of
from tacit.errors import TypeMismatch
from tacit.ir.balls import value
from tacit.ir.functions import FloatArray, Function


def test_a_named_function_has_its_branches() -> None:
    branches = branches_of(as_function("relu"))

    assert branches is not None
    assert [value(each, flint.arb(3)) == 3 for each in branches] == [False, True]


def test_a_function_of_ones_own_has_the_branches_that_it_was_given() -> None:
    def cube(x: flint.arb_series) -> flint.arb_series:
        return x * x * x

    assert branches_of(Custom("cube", lambda x: x**3, branches=(cube,))) == (cube,)


def test_a_plain_callable_has_no_branches() -> None:
    assert branches_of(as_function(np.tanh)) is None


def test_another_number_of_branches_than_of_gaps_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="mine has 1 branches and 1 kinks"):
        Custom("mine", np.abs, kinks=(0.0,), branches=(lambda x: x,))


def test_kinks_that_do_not_ascend_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="do not ascend"):
        Custom("mine", np.abs, kinks=(1.0, 0.0))


@pytest.mark.parametrize(
    ("meaning", "message"),
    [
        (math.exp, "fails on an array"),
        (lambda x: x / 0, "is -inf"),
        (lambda x: [1 / 0 for _ in x], "division by zero"),
        (lambda x: x + 1j, "complex"),
        (lambda x: f"{x}", "could not convert"),
        (lambda x: x[:2], "gave shape"),
        (lambda x: 1e300 * (x + 2.0), "is 1e"),
    ],
)
def test_a_callable_that_is_none_of_arrays_is_refused_with_a_way_out(
    meaning: Callable[[FloatArray], FloatArray], message: str
) -> None:
    with pytest.raises(TypeMismatch, match=message) as caught:
        values_of(Custom("mine", meaning), np.array([-1.0, 0.0, 1.0]))

    assert caught.value.hint


def test_what_cannot_be_called_is_no_function() -> None:
    nothing: Any = 3

    with pytest.raises(TypeMismatch, match="3 is no function"):
        as_function(nothing)


def test_a_callable_that_works_in_place_leaves_its_input() -> None:
    x = np.array([1.0, 2.0])

    Custom("twice", lambda y: np.multiply(y, 2.0, out=y)).exact(x)

    assert x.tolist() == [1.0, 2.0]


def test_a_kink_that_is_no_number_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="do not ascend"):
        Custom("mine", np.abs, kinks=(math.nan,))


def test_a_function_is_known_by_its_family() -> None:
    assert branches_of(Function("relu")) is not None
