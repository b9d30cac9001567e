"""What all demos share: networks that come with the package, digits, and how these are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tacit.cli.evaluate import classes
from tacit.cli.screen import Screen
from tacit.errors import TacitError
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph
from tacit.passes import calibrate
from tacit.read import read

# The networks were trained on pixels divided by this.
BRIGHTEST = 16.0
ENDINGS = frozenset({".png", ".pdf", ".svg"})


@dataclass(frozen=True, eq=False)
class Shipped:
    """A network that comes with the package, calibrated, and digits that it never saw."""

    network: Graph
    digits: FloatArray
    labels: NDArray[np.int64]


def shipped(file: str, count: int) -> Shipped:
    """The network of a file, and so many digits."""
    folder = files("tacit") / "demo"
    with (folder / "digits.npz").open("rb") as opened:
        data = np.load(opened, allow_pickle=False)
        calibration, digits, labels = data["calibration"], data["x"], data["y"]
    network = calibrate(read(str(folder / file)), calibration / BRIGHTEST)
    return Shipped(network, digits[:count] / BRIGHTEST, labels[:count].astype(np.int64))


def predicted(scores: FloatArray) -> NDArray[np.int64]:
    """The digits that scores mean."""
    found = classes(scores)
    assert found is not None, "the network gives ten scores"
    return found


def in_a_row(numbers: NDArray[np.int64]) -> str:
    """Digits one after the other."""
    return " ".join(map(str, numbers.tolist()))


def drawn(opened: Callable[[], Callable[[Path], None]], path: Path, screen: Screen) -> str | None:
    """Where the picture is, if it could be drawn: matplotlib may not be installed.

    `opened` opens the door of matplotlib, and gives what draws.
    """
    try:
        draw = opened()
    except ModuleNotFoundError:
        screen.say("There is no picture without matplotlib (pip install 'tacit[pictures]')")
        return None
    if path.suffix.lower() not in ENDINGS:
        raise TacitError(f"{path} is no picture that can be drawn", hint="end it in .png")
    draw(path)
    screen.say(f"picture  {path}")
    return str(path)
