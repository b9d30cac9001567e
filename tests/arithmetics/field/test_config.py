from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tacit.arithmetics.field.config import MOST_SOUNDNESS, Field
from tacit.arithmetics.field.parties import Demand
from tacit.arithmetics.field.promises import Mode
from tacit.arithmetics.field.settings import Depthwise, Format, Search, Settings
from tacit.arithmetics.field.verify.prime import Prime
from tacit.errors import InsecureParameters, TypeMismatch
from tests.arithmetics.field.scene import batch, grouped, scene


def test_forty_bits_and_one_message_are_the_default() -> None:
    assert Field().soundness == 40
    assert Field().mode is Mode.INTEGRITY
    assert Field().prime.modulus > 2**32


@pytest.mark.parametrize("soundness", [0, -1, MOST_SOUNDNESS + 1])
def test_a_soundness_that_means_nothing_is_refused(soundness: int) -> None:
    with pytest.raises(TypeMismatch, match="soundness"):
        Field(soundness=soundness)


def test_a_batch_of_nothing_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="no number of inputs"):
        Field(batch=0)


def test_knobs_of_the_numbers_are_refused_as_their_settings_are() -> None:
    with pytest.raises(TypeMismatch, match="activations 9"):
        Field(activations=9)
    with pytest.raises(TypeMismatch, match="weights 1"):
        Field(weights=1)
    with pytest.raises(TypeMismatch, match="fraction 0"):
        Field(fraction=0)


def test_settings_are_the_knobs_about_numbers() -> None:
    field = Field(
        activations=7,
        weights=6,
        scales=Search.MSE,
        per_channel=False,
        power_of_two=True,
        format=Format.SLALOM,
        fraction=5,
        depthwise=Depthwise.WORKER,
    )

    assert field.settings == Settings(
        activations=7,
        weights=6,
        power_of_two=True,
        search=Search.MSE,
        per_channel=False,
        format=Format.SLALOM,
        fraction=5,
        depthwise=Depthwise.WORKER,
    )


def test_a_demand_is_the_other_knobs() -> None:
    field = Field(mode=Mode.PRIVATE, prime=Prime.P61, soundness=50, batch=3)

    assert field.demand == Demand(Mode.PRIVATE, Prime.P61, 50, 3)


def test_every_knob_is_a_number_about_numbers_or_a_demand() -> None:
    knobs = {each.name for each in dataclasses.fields(Field)}
    settings = {each.name for each in dataclasses.fields(Settings)}
    demand = {each.name for each in dataclasses.fields(Demand)}

    assert knobs == (settings - {"search"}) | {"scales"} | demand


def test_either_mode_detects_cheating_and_one_hides_inputs() -> None:
    plain, hidden = Field().promise, Field(mode=Mode.PRIVATE).promise

    assert plain.detects_cheating
    assert hidden.detects_cheating
    assert (plain.hides_input, hidden.hides_input) == (False, True)
    assert "the inputs" in plain.server_learns[0]
    assert not any("the inputs, in the clear" in each for each in hidden.server_learns)
    assert any("enclave" in each for each in plain.not_promised)
    assert any("ledger is set back" in each for each in hidden.not_promised)


@pytest.mark.parametrize("soundness", [40, 47, 60, 120])
def test_a_check_is_repeated_until_it_is_sound_enough(soundness: int) -> None:
    where = scene(grouped(), Field(soundness=soundness))

    found = where.program.arithmetic.audit(where.asking)

    assert isinstance(found["soundness_bits"], float)
    assert found["soundness_bits"] >= soundness


def test_a_product_too_large_for_a_prime_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    field = Field()
    monkeypatch.setattr(Prime, "modulus", property(lambda _: 7))

    with pytest.raises(InsecureParameters, match="too large"):
        scene(grouped(), field)


def test_a_small_prime_is_for_slaloms_numbers_alone() -> None:
    with pytest.raises(TypeMismatch, match="do not fit in the field"):
        Field(prime=Prime.SLALOM)

    assert Field(prime=Prime.SLALOM, format=Format.SLALOM).prime is Prime.SLALOM


def test_a_simulation_has_no_noise() -> None:
    where = scene(grouped())
    x = batch(where.program.graph, 2)

    noisy = where.program(x, noise=np.random.default_rng(1))

    assert np.array_equal(noisy, where.program(x))
