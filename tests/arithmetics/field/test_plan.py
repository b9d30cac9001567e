from __future__ import annotations

import pytest

from tacit.arithmetics.field.config import Field
from tacit.arithmetics.field.ops import Encode, Rescale
from tacit.arithmetics.field.plan import Local, Pass, Plan, Round, Step, plan
from tacit.arithmetics.field.settings import Depthwise
from tacit.ir.graph import Input, Place
from tests.arithmetics.field import models
from tests.arithmetics.field.models import MODELS
from tests.arithmetics.field.scene import crossed, grouped, scene, tokens, turned

networks = pytest.mark.parametrize("name", MODELS)


def plan_of(name: str) -> Plan:
    return scene(MODELS[name]()).plan


def kinds(known: Plan) -> list[type[Step]]:
    return [type(step) for step in known.steps]


@networks
def test_every_node_behind_the_encoding_is_in_one_step(name: str) -> None:
    known = plan_of(name)

    done = [node.name for step in known.steps for node in step.nodes]

    expected = [node.name for node in known.graph if not isinstance(node.op, Input | Encode)]
    assert sorted(done) == sorted(expected)


@networks
def test_no_step_is_before_what_it_needs(name: str) -> None:
    known = plan_of(name)
    place = {node.name: k for k, step in enumerate(known.steps) for node in step.nodes}

    late = [
        (node.name, arg)
        for step in known.steps
        for node in step.nodes
        for arg in node.args
        if place.get(arg, -1) > place[node.name]
    ]

    assert late == []


@networks
def test_a_worker_computes_what_is_placed_with_it(name: str) -> None:
    known = plan_of(name)

    asked = {node.name for each in known.rounds for node in each.products}

    assert asked == {node.name for node in known.graph if node.place is Place.SERVER}
    assert asked == {node.name for node in known.products}
    assert asked == {node.name for each in known.consumers.values() for node in each}


@networks
def test_what_is_checked_in_passing_is_read_by_one_pass(name: str) -> None:
    known = plan_of(name)

    users = [known.graph.users[each] for each in known.checked_in_passing]

    assert all(len(each) == 1 for each in users)
    assert all(isinstance(known.nodes[each].op, Rescale) for (each,) in users)


def test_a_pooling_by_maximum_is_part_of_the_pass_before_it() -> None:
    passes = [step for step in scene(grouped()).plan.steps if isinstance(step, Pass)]

    assert [each.pool is not None for each in passes] == [False, True, False]
    assert passes[1].pool is passes[1].node
    assert passes[0].rescale is passes[0].node


def test_products_of_one_value_are_asked_for_at_once() -> None:
    known = scene(models.residual()).plan

    assert len(known.products) == 7
    assert sorted(len(each.products) for each in known.rounds) == [1, 1, 1, 1, 1, 2]


def test_products_that_see_other_channels_are_asked_for_by_themselves() -> None:
    known = scene(crossed()).plan
    value = known.rounds[0].value

    assert [len(each.products) for each in known.rounds] == [1, 1, 1]
    assert len(known.consumers[value]) == 2


def test_what_a_pass_sees_otherwise_is_checked_before_it() -> None:
    known = plan(turned())

    assert [node.name for node in known.products] == ["rows", "mixed"]
    assert known.checked_in_passing == {"mixed"}


def test_depthwise_products_are_the_verifiers_unless_a_worker_is_to_have_them() -> None:
    local = scene(models.separable()).plan
    asked = scene(models.separable(), Field(depthwise=Depthwise.WORKER)).plan

    assert len(asked.products) == len(local.products) + 1
    assert kinds(local).count(Local) == kinds(asked).count(Local) + 1


def test_steps_follow_the_network() -> None:
    # Two dense layers and what is between them, a reshape, the last layer, and the end.
    assert kinds(scene(tokens()).plan) == [Round, Pass, Round, Pass, Local, Round, Local]
