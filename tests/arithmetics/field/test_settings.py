"""Knobs that mean nothing are refused."""

from __future__ import annotations

from typing import Any

import pytest

from tacit.arithmetics.field.settings import Settings
from tacit.errors import TypeMismatch


@pytest.mark.parametrize("bits", [1, 9])
@pytest.mark.parametrize("name", ["activations", "weights"])
def test_bits_that_no_byte_holds_are_refused(name: str, bits: int) -> None:
    knobs: dict[str, Any] = {name: bits}

    with pytest.raises(TypeMismatch, match=f"{name} {bits} is not between 2 and 8"):
        Settings(**knobs)


@pytest.mark.parametrize("fraction", [0, 13])
def test_fractions_that_no_weight_has_are_refused(fraction: int) -> None:
    with pytest.raises(TypeMismatch, match=f"fraction {fraction}"):
        Settings(fraction=fraction)
