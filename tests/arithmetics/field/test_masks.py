from __future__ import annotations

import numpy as np
import pytest

from tacit.arithmetics.field.layouts import channels_of, image_of, stored, unstored, value_of
from tacit.arithmetics.field.masks import NoMasks, OnDemand, factors, layers_of
from tacit.arithmetics.field.plan import Plan, product_of
from tacit.errors import ProtocolError
from tests.arithmetics.field import models
from tests.arithmetics.field.models import MODELS
from tests.arithmetics.field.scene import PRODUCTS, crossed, grouped, line, secretly, tokens
from tests.arithmetics.field.worker.scene import truth

EVERY = {**MODELS, **{each.__name__: each for each in (crossed, grouped, line, tokens)}}


def plan_of(name: str) -> Plan:
    return secretly(EVERY[name]()).plan


@pytest.mark.parametrize("name", EVERY)
def test_there_is_a_layer_for_every_round(name: str) -> None:
    known = plan_of(name)

    layers = layers_of(known)

    assert [each.number for each in layers] == list(range(len(known.rounds)))
    assert [np.prod(each.input) for each in layers] == [
        known.nodes[each.value].type.size for each in known.rounds
    ]


@pytest.mark.parametrize("name", ["grouped", "crossed", "line", "perceptron", "tokens"])
def test_a_factor_is_the_product_of_its_mask_in_python_integers(name: str) -> None:
    known = plan_of(name)
    made, layers = factors(known, PRODUCTS), layers_of(known)
    random = np.random.default_rng(1)
    (node, *_) = known.rounds[0].products
    op, shape = product_of(node), known.nodes[node.args[0]].type.shape
    mask = random.integers(0, 2**32, layers[0].input, np.uint32)

    found = made(0, mask)

    value = unstored(value_of(mask[None], shape, channels_of(op, shape)))
    exact = (truth(op, value) % 2**32).astype(np.uint32)
    image = image_of(stored(exact), channels_of(op, node.type.shape))
    assert found.dtype == np.uint32
    assert np.array_equal(found, image.reshape(-1))


def test_products_of_one_value_have_factors_one_behind_the_other() -> None:
    known = secretly(models.residual()).plan
    number, turn = next((k, each) for k, each in enumerate(known.rounds) if len(each.products) == 2)
    layer = layers_of(known)[number]
    mask = np.ones(layer.input, np.uint32)

    found = factors(known, PRODUCTS)(number, mask)

    assert found.shape == layer.output
    assert len(found) == sum(node.type.size for node in turn.products)


def test_no_two_queries_have_a_mask_in_common() -> None:
    masks = OnDemand(secretly(grouped()).plan, PRODUCTS)
    first, second = masks.take(), masks.take()

    assert first.index != second.index
    assert (first.mask(0) == second.mask(0)).mean() < 0.02
    assert (first.mask(1) == second.mask(1)).mean() < 0.02


def test_two_clients_have_no_mask_in_common() -> None:
    known = secretly(grouped()).plan
    first, second = (OnDemand(known, PRODUCTS).take().mask(0) for _ in range(2))

    assert (first == second).mean() < 0.02


def test_a_mask_is_given_out_once() -> None:
    query = OnDemand(secretly(grouped()).plan, PRODUCTS).take()
    query.mask(0)
    query.factor(0)

    with pytest.raises(ProtocolError, match="reuse of a mask"):
        query.mask(0)
    with pytest.raises(ProtocolError, match="reuse of a mask"):
        query.factor(0)


def test_whoever_has_no_masks_is_told_how_to_make_some() -> None:
    with pytest.raises(ProtocolError, match="needs masks") as raised:
        NoMasks().take()

    assert raised.value.hint == "make some ahead (tacit mask) and say where they are (--masks)"
