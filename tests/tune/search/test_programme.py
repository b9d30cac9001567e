from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.tune.search.programme import Option, Solution, Task, cost_of, front, reduced

# Rises that add up without rounding.
EIGHTHS = st.integers(-8, 40).map(lambda k: k / 8.0)
OPTIONS = st.lists(st.builds(Option, st.integers(0, 5), EIGHTHS), min_size=1, max_size=3)


@st.composite
def tasks(draw: st.DrawFn, most: int = 6) -> Task:
    """Any graph of a few steps: chains, branches, skips, and ends of its own."""
    count = draw(st.integers(0, most))
    options = [tuple(draw(OPTIONS)) for _ in range(count)]
    before = [
        draw(st.sets(st.integers(0, k - 1), max_size=k)) if k else set() for k in range(count)
    ]
    return Task(tuple(options), tuple(tuple(sorted(each)) for each in before))


def by_brute_force(task: Task) -> list[tuple[int, float]]:
    """Cost and rise of all that is undominated."""
    every = [
        (cost_of(task, choice), sum(o[k].rise for o, k in zip(task.options, choice, strict=True)))
        for choice in itertools.product(*(range(len(each)) for each in task.options))
    ]
    kept = {
        (cost, rise)
        for cost, rise in every
        if not any(c <= cost and r <= rise and (c, r) != (cost, rise) for c, r in every)
    }
    return sorted(kept)


@given(tasks())
@settings(max_examples=100)
def test_the_front_is_that_of_brute_force(task: Task) -> None:
    assert [(each.cost, each.rise) for each in front(task)] == by_brute_force(task)


@given(tasks())
def test_every_solution_is_what_its_choice_makes(task: Task) -> None:
    def again(found: Solution) -> Solution:
        taken = [each[k] for each, k in zip(task.options, found.choice, strict=True)]
        rise = sum(each.rise for each in taken)
        return Solution(cost_of(task, found.choice), rise, found.choice)

    assert [again(each) for each in front(task)] == list(front(task))


@given(tasks(most=9))
def test_what_a_longer_way_implies_is_no_part_of_the_longest_path(task: Task) -> None:
    choice = [0] * len(task.options)
    direct = Task(task.options, reduced(task.before))
    assert cost_of(direct, choice) == cost_of(task, choice)


def test_parallel_branches_count_once() -> None:
    steep = (Option(1, 4.0), Option(5, 0.0))
    fork = Task((steep, steep, (Option(1, 0.0),)), ((), (), (0, 1)))
    assert front(fork) == (Solution(2, 8.0, (0, 0, 0)), Solution(6, 0.0, (1, 1, 0)))


def test_a_hundred_residual_blocks_are_a_chain() -> None:
    count = 200
    options = (Option(6, 1.0), Option(7, 0.5), Option(9, 0.125))
    skips = tuple(tuple(range(max(0, k - 2), k)) for k in range(count))
    found = front(Task((options,) * count, skips))
    assert found[0] == Solution(6 * count, 200.0, (0,) * count)
    assert found[-1] == Solution(9 * count, 25.0, (2,) * count)


def test_a_form_that_ruins_the_network_is_taken_only_where_nothing_else_is_as_cheap() -> None:
    ruin = (Option(1, float("inf")), Option(3, 0.5))
    assert [each.choice for each in front(Task((ruin,), ((),)))] == [(0,), (1,)]
