from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from tacit.arithmetics.field.config import Field
from tacit.arithmetics.field.layouts import stored
from tacit.arithmetics.field.plan import Plan, Strength, plan, product_of
from tacit.arithmetics.field.settings import Depthwise, Format
from tacit.arithmetics.field.verifier import Challenges, Judged, questions
from tacit.arithmetics.field.verify.challenge import Challenge
from tacit.arithmetics.field.verify.prime import Prime
from tacit.ir.graph import Graph, evaluate
from tests.arithmetics.field.attacks import Answer, Seen
from tests.arithmetics.field.scene import (
    NETWORKS,
    batch,
    grouped,
    scene,
    single,
    turned,
)
from tests.arithmetics.field.worker import scene as words

KNOBS = {
    "int8": Field(),
    "slalom": Field(format=Format.SLALOM, fraction=5),
    "slalom's prime": Field(format=Format.SLALOM, fraction=4, prime=Prime.SLALOM),
    "2^61-1": Field(prime=Prime.P61, power_of_two=True),
    "depthwise": Field(depthwise=Depthwise.WORKER, soundness=90),
}
# Graphs that were written in the field's words, with words that the lowering rarely puts together.
WRITTEN: dict[str, Callable[[], Graph]] = {
    "residual": words.residual,
    "attention": words.attention,
    "line": words.line,
    "slalom": words.slalom,
    "turned": turned,
}
TINY = 3
EXTREMES = [np.iinfo(np.int32).min, -1, np.iinfo(np.int32).max]


def answered(known: Plan, name: str, image: NDArray[np.integer]) -> Answer:
    node = known.nodes[name]
    op, shape = product_of(node), known.nodes[node.args[0]].type.shape
    nothing = np.empty(0, np.int32)
    return Seen(op, shape, image, nothing, 3, np.random.default_rng(0)).of(op, image)


def filled(product: str, number: int) -> Callable[[str, Answer], Answer]:
    """A product whose every entry is a number."""

    def change(name: str, answer: Answer) -> Answer:
        return np.full_like(answer, number) if name == product else answer

    return change


def course(
    known: Plan,
    challenges: Challenges,
    x: NDArray[np.integer],
    change: Callable[[str, Answer], Answer] = lambda _, answer: answer,
) -> Judged:
    """All questions asked of a worker that is true but for a change."""
    asking = questions(known, challenges, x)
    asked, image = next(asking)
    while True:
        true = [(node.name, answered(known, node.name, image)) for node in asked.products]
        try:
            asked, image = asking.send([change(name, answer) for name, answer in true])
        except StopIteration as end:
            judged: Judged = end.value
            return judged


@pytest.mark.parametrize("field", KNOBS.values(), ids=KNOBS)
@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_true_passes_and_is_what_is_simulated(name: str, field: Field) -> None:
    where = scene(NETWORKS[name](), field)
    x = batch(where.program.graph, 3)

    judged = course(
        where.plan,
        Challenges(where.plan, where.strength),
        where.checker().encoded(x, clip=False),
    )

    assert judged.passed.tolist() == [True] * 3
    assert np.array_equal(judged.results, where.program(x))


@pytest.mark.parametrize("name", WRITTEN)
def test_written_graphs_are_computed_as_they_say(name: str) -> None:
    graph = WRITTEN[name]()
    known = plan(graph)
    x = words.encoded(graph, 3, rows=2)
    op = known.encode.op
    code = stored(x).astype(getattr(op, "dtype", np.uint8))

    judged = course(known, Challenges(known, Strength(Prime.P52, 1)), code)

    assert judged.passed.all()
    assert np.array_equal(judged.results, evaluate(graph, {"x": x})[graph.outputs[0]])


@pytest.mark.parametrize("extreme", EXTREMES)
@pytest.mark.parametrize("name", NETWORKS)
def test_numbers_that_no_product_holds_are_false_and_nothing_else(name: str, extreme: int) -> None:
    where = scene(NETWORKS[name]())
    code = where.checker().encoded(batch(where.program.graph, 2), clip=False)

    verdicts = [
        course(
            where.plan,
            Challenges(where.plan, where.strength),
            code,
            filled(node.name, extreme),
        ).passed.any()
        for node in where.plan.products
    ]

    assert verdicts == [False] * len(where.plan.products)


def test_the_row_that_is_false_is_the_one_that_fails() -> None:
    where = scene(grouped())
    code = where.checker().encoded(batch(where.program.graph, 4), clip=False)
    last = where.plan.products[-1].name

    def change(name: str, answer: Answer) -> Answer:
        wrong = answer.copy()
        wrong[2] += name == last
        return wrong

    judged = course(where.plan, Challenges(where.plan, where.strength), code, change)

    assert judged.passed.tolist() == [True, True, False, True]


def test_challenges_are_destroyed_once() -> None:
    where = scene(single())
    challenges = Challenges(where.plan, where.strength)
    code = where.checker().encoded(batch(where.program.graph, 1), clip=False)

    challenges.destroy()

    with pytest.raises(AssertionError, match="destroyed"):
        course(where.plan, challenges, code)


def test_no_two_challenges_are_alike() -> None:
    where = scene(single())
    (product,) = where.plan.products
    x = where.checker().encoded(batch(where.program.graph, 1), clip=False)

    sums = {
        int(Challenges(where.plan, where.strength)[product.name].right(x)[0, 0]) for _ in range(50)
    }

    assert len(sums) == 50


def test_challenges_tell_nothing_of_themselves() -> None:
    where = scene(single())
    challenges = Challenges(where.plan, where.strength)
    (product,) = where.plan.products

    assert repr(challenges) == object.__repr__(challenges)
    assert repr(challenges[product.name]) == object.__repr__(challenges[product.name])


def test_every_repetition_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    field = Field(soundness=30)
    # Of many challenges modulo so small a prime one accepts now and then, all of them never.
    monkeypatch.setattr(Prime, "modulus", property(lambda _: TINY))
    monkeypatch.setattr(Challenge, "is_canonical", lambda *_: True)
    where = scene(single(), field)
    code = where.checker().encoded(batch(where.program.graph, 1), clip=False)
    (product,) = where.plan.products

    def one_more(name: str, answer: Answer) -> Answer:
        return answer + np.int32(name == product.name)

    passed = [
        course(where.plan, Challenges(where.plan, where.strength), code, one_more).passed.any()
        for _ in range(100)
    ]

    assert not any(passed)
