"""The demo of bits: a network whose weights are signs answers, in the open and in words."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tacit.arithmetics.binary import Binary, Layer, report
from tacit.cli.describe import arithmetic_record
from tacit.cli.evaluate import accuracy, compare
from tacit.cli.screen import Screen, in_bytes, in_seconds
from tacit.cli.shipped import Shipped, drawn, in_a_row, predicted
from tacit.ir.functions import FloatArray
from tacit.ir.text import parameter_count
from tacit.program import Json, Program, lower
from tacit.serve import read_packed, write_packed

# What a parameter takes in single precision, which the network was trained in.
FLOAT_BYTES = 4
# The least of so many times is what the machine can do; others tell what else it did.
REPETITIONS = 20


@dataclass(frozen=True, eq=False)
class Story:
    """What happened: the digits' scores both ways, sizes in bytes, and seconds for all digits."""

    shipped: Shipped
    program: Program
    layers: tuple[Layer, ...]
    clear: FloatArray
    packed: FloatArray
    float_bytes: int
    file_bytes: int
    float_seconds: float
    packed_seconds: float

    @property
    def share(self) -> float:
        """How many of all products are of bits."""
        return _share(self.layers)


def tell(arithmetic: Binary, shipped: Shipped, picture: Path, screen: Screen) -> dict[str, Json]:
    """Write the program to a file, read it, answer by it, and tell of it."""
    story = _play(lower(shipped.network, arithmetic), shipped)
    _tell_program(story, screen)
    _tell_answers(story, screen)
    return _record(story) | {"picture": drawn(partial(_door, story), picture, screen)}


def _play(program: Program, shipped: Shipped) -> Story:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "digits.safetensors"
        write_packed(program, file)
        engine, size = read_packed(file).engine(), file.stat().st_size
    digits = shipped.digits
    return Story(
        shipped=shipped,
        program=program,
        layers=report(program.graph),
        clear=shipped.network(digits),
        packed=engine(digits),
        float_bytes=parameter_count(shipped.network) * FLOAT_BYTES,
        file_bytes=size,
        float_seconds=_least(lambda: shipped.network(digits)),
        packed_seconds=_least(lambda: engine(digits)),
    )


def _tell_program(story: Story, screen: Screen) -> None:
    count, words = (
        len(story.packed),
        Counter(type(each.op).__name__ for each in story.program.graph),
    )
    screen.say(f"A network of bits answers for {count} handwritten digits; nobody is protected")
    screen.say("")
    screen.say(
        f"network  {parameter_count(story.shipped.network)} parameters, lowered into "
        f"{len(story.program.graph)} words: "
        + ", ".join(f"{many} {word}" for word, many in words.items())
    )
    for layer in story.layers:
        screen.say(f"         {_line(layer)}")
    screen.say(
        f"bits     {story.share:.1%} of {_products(story.layers)} products are of single bits"
    )
    screen.say(
        f"size     {in_bytes(story.float_bytes)} in single precision, "
        f"{in_bytes(_weight_bytes(story.layers))} of packed weights; "
        f"{in_bytes(story.file_bytes)} are the whole file, with thresholds and what is real"
    )
    screen.say(
        f"time     {in_seconds(story.packed_seconds / count)} a digit on packed bits, "
        f"{in_seconds(story.float_seconds / count)} a digit for the same graph of doubles in NumPy"
    )


def _line(layer: Layer) -> str:
    if layer.input_bits is None:
        return f"layer {layer.at}: {layer.products} products of reals"
    many = f"{layer.input_bits} × {layer.weight_bits} bits"
    return f"layer {layer.at}: {layer.products} products of {layer.multiplies} ({many})"


def _tell_answers(story: Story, screen: Screen) -> None:
    count, labels = len(story.packed), story.shipped.labels
    agreeing = int((predicted(story.packed) == predicted(story.clear)).sum())
    right = int((predicted(story.packed) == labels).sum())
    difference = float(np.abs(story.packed - story.clear).max())
    screen.say("")
    screen.say(f"digit    {in_a_row(labels)}")
    screen.say(f"clear    {in_a_row(predicted(story.clear))}   the network itself")
    screen.say(f"packed   {in_a_row(predicted(story.packed))}   on words of bits")
    screen.say("")
    screen.say(
        f"{agreeing} of {count} packed predictions are the network's own, {right} are right; "
        f"scores differ by {difference:.1g} at most: the last scale is in single precision"
    )
    screen.say("")
    screen.say("server   sees digits, weights and scores: this arithmetic protects nobody, and no")
    screen.say("         answer is checked; what it gives is speed, and what encryption likes best")


def _share(layers: tuple[Layer, ...]) -> float:
    return sum(each.products for each in layers if each.input_bits) / _products(layers)


def _products(layers: tuple[Layer, ...]) -> int:
    return sum(each.products for each in layers)


def _weight_bytes(layers: tuple[Layer, ...]) -> int:
    return sum(each.weight_bytes for each in layers if each.input_bits)


def _least(work: Callable[[], object]) -> float:
    """The least seconds on the clock that the work takes."""
    times = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def _door(story: Story) -> Callable[[Path], None]:
    from tacit.cli.packed_picture import draw

    return partial(draw, story)


def _record(story: Story) -> dict[str, Json]:
    count, labels = len(story.packed), story.shipped.labels
    return {
        **arithmetic_record(story.program.arithmetic),
        "digits": count,
        "labels": list(labels.tolist()),
        "clear": list(predicted(story.clear).tolist()),
        "packed": list(predicted(story.packed).tolist()),
        "accuracy": accuracy(story.packed, labels),
        "compared_with_clear": compare(story.packed, story.clear),
        "compared_with_simulation": compare(story.packed, story.program(story.shipped.digits)),
        "share_of_bits": story.share,
        "float_bytes": story.float_bytes,
        "packed_weight_bytes": _weight_bytes(story.layers),
        "file_bytes": story.file_bytes,
        "wall_seconds_per_digit": story.packed_seconds / count,
        "float_wall_seconds_per_digit": story.float_seconds / count,
        "layers": [each.record() for each in story.layers],
        "protects": "nobody",
    }
