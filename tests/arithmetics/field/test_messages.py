from __future__ import annotations

import numpy as np
import pytest

from tacit.arithmetics.field.messages import Shapes, product_image
from tacit.arithmetics.field.plan import product_of
from tacit.arithmetics.field.verify.geometry import result_shape
from tacit.arithmetics.field.worker.messages import numbers_in
from tacit.errors import ProtocolError
from tests.arithmetics.field import models
from tests.arithmetics.field.models import MODELS
from tests.arithmetics.field.scene import Scene, batch, crossed, grouped, line, scene, tokens

EVERY = {**MODELS, **{each.__name__: each for each in (crossed, grouped, line, tokens)}}


@pytest.mark.parametrize("name", EVERY)
def test_a_product_is_the_image_that_is_checked(name: str) -> None:
    known = scene(EVERY[name]()).plan

    images = [product_image(node) for node in known.products]

    assert images == [
        result_shape(product_of(node), known.nodes[node.args[0]].type.shape)
        for node in known.products
    ]


@pytest.mark.parametrize("name", EVERY)
def test_sizes_are_those_of_a_workers_answer(name: str) -> None:
    where = scene(EVERY[name]())
    shapes = Shapes(where.plan)
    answer = where.worker().answer(where.client().seal(batch(where.program.graph, 3)))

    assert shapes.sizes(where.plan.products, 3) == tuple(map(len, answer))
    assert [len(each) for each in shapes.answered(answer, 3).values()] == [3] * len(answer)


@pytest.fixture(scope="module")
def small() -> Scene:
    return scene(grouped())


@pytest.fixture(scope="module")
def answer(small: Scene) -> tuple[bytes, ...]:
    return small.worker().answer(small.client().seal(batch(small.program.graph, 2)))


def test_an_answer_with_a_part_too_many_or_too_few_is_refused(
    small: Scene, answer: tuple[bytes, ...]
) -> None:
    shapes = Shapes(small.plan)

    with pytest.raises(ProtocolError, match="5 products; 4 were asked for"):
        shapes.answered([*answer, answer[-1]], 2)
    with pytest.raises(ProtocolError, match="3 products; 4 were asked for"):
        shapes.answered(answer[1:], 2)
    with pytest.raises(ProtocolError, match="0 products"):
        shapes.answered([], 2)


@pytest.mark.parametrize("change", [-4, -1, 1, 4])
@pytest.mark.parametrize("part", range(4))
def test_a_part_too_short_or_too_long_is_refused(
    small: Scene, answer: tuple[bytes, ...], part: int, change: int
) -> None:
    wrong = list(answer)
    wrong[part] = (wrong[part] + bytes(4))[: len(wrong[part]) + change]

    with pytest.raises(ProtocolError, match="bytes where"):
        Shapes(small.plan).answered(wrong, 2)


def test_parts_in_another_order_are_refused(small: Scene, answer: tuple[bytes, ...]) -> None:
    with pytest.raises(ProtocolError, match="bytes where"):
        Shapes(small.plan).answered(answer[::-1], 2)


def test_an_answer_for_other_rows_is_refused(small: Scene, answer: tuple[bytes, ...]) -> None:
    with pytest.raises(ProtocolError, match="bytes where"):
        Shapes(small.plan).answered(answer, 3)


def test_a_request_of_no_whole_rows_is_refused(small: Scene) -> None:
    with pytest.raises(ProtocolError, match="a row has 192 bytes"):
        Shapes(small.plan).asked(bytes(191))
    with pytest.raises(ProtocolError):
        Shapes(small.plan).asked(b"")


def test_a_masked_question_names_its_products() -> None:
    where = scene(models.residual())
    turn = next(each for each in where.plan.rounds if len(each.products) == 2)

    numbers, tensor = Shapes(where.plan).masked_question(turn, np.zeros((1, 2), np.uint32))

    names = [where.plan.products[k] for k in numbers_in(numbers, len(where.plan.products))]
    assert tuple(names) == turn.products
    assert tensor == bytes(8)
