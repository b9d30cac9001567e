import flint
import numpy as np
import pytest

from tacit.approx.target import Custom, as_function, branches_of
from tacit.errors import TypeMismatch
from tacit.ir.balls import value
from tacit.ir.functions import Function


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


def test_a_function_is_known_by_its_family() -> None:
    assert branches_of(Function("relu")) is not None
