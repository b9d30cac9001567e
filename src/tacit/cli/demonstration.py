"""The demos: each has a network that comes with the package, and tells what happens to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tacit.arithmetics.binary import Binary
from tacit.arithmetics.ckks import CKKS
from tacit.arithmetics.field import Field
from tacit.arithmetics.integers import Grouping, Integers
from tacit.cli import checked, encrypted, packed
from tacit.cli.screen import Screen
from tacit.cli.shipped import Shipped, shipped
from tacit.errors import TacitError
from tacit.program import Json

# Plays a demo, tells of it, draws it, and gives its record.
Teller = Callable[[Shipped, Path, Screen], dict[str, Json]]

# 32 digits share a ciphertext, in the time of one. Sixteen bits keep scores within 1e-2 of the
# simulated ones with room to spare: bench/digits.py measures it.
POLYNOMIALS = CKKS(error=2**-6, precision=16, batch=32)


@dataclass(frozen=True)
class Demo:
    """A network that comes with the package, and what is shown of it."""

    file: str
    tell: Teller


DEMOS: Mapping[str, Demo] = {
    CKKS.name: Demo("digits.onnx", partial(encrypted.tell, POLYNOMIALS)),
    # Trained for narrow sums by examples/integers/digits.py; as many digits as fit share the slots.
    Integers.name: Demo(
        "digits-integers.onnx", partial(encrypted.tell, Integers(grouping=Grouping.TENSOR))
    ),
    Field.name: Demo("digits.onnx", partial(checked.tell, Field(batch=32))),
    # Trained for bits by examples/binary/digits.py.
    Binary.name: Demo("digits-binary.onnx", partial(packed.tell, Binary())),
}


def run(name: str, count: int, picture: Path, screen: Screen) -> None:
    """Show an arithmetic at work on so many digits."""
    if name not in DEMOS:
        raise TacitError(f"there is no demo of {name!r}", hint=f"known are {', '.join(DEMOS)}")
    demo = DEMOS[name]
    record = demo.tell(shipped(demo.file, count), picture, screen)
    if screen.json:
        screen.report(record)
