"""The demo: the shipped network answers for digits that it never saw, and that it cannot see."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.ckks import CKKS
from tacit.arithmetics.integers import Grouping, Integers
from tacit.cli.describe import arithmetic_record, cost_record
from tacit.cli.evaluate import accuracy, classes, compare
from tacit.cli.screen import Screen, in_bytes, in_seconds
from tacit.errors import TacitError
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph
from tacit.ir.text import parameter_count
from tacit.passes import calibrate
from tacit.program import Cost, Json, Program, lower
from tacit.read import read
from tacit.serve import Client, Party, Server, load_part, make_keys, pack

# The network was trained on pixels divided by this.
BRIGHTEST = 16.0


@dataclass(frozen=True)
class Demo:
    """A network that comes with the package, and the arithmetic that it is shown in."""

    file: str
    arithmetic: CKKS | Integers


DEMOS: Mapping[str, Demo] = {
    # 32 digits share a ciphertext, in the time of one. Sixteen bits keep scores within 1e-2 of the
    # simulated ones with room to spare: bench/digits.py measures it.
    CKKS.name: Demo("digits.onnx", CKKS(error=2**-6, precision=16, batch=32)),
    # Trained for narrow sums by examples/integers/digits.py; as many digits as fit share the slots.
    Integers.name: Demo("digits-integers.onnx", Integers(grouping=Grouping.TENSOR)),
}


@dataclass(frozen=True, eq=False)
class Shipped:
    """The network that comes with the package, calibrated, and digits that it never saw."""

    demo: Demo
    network: Graph
    digits: FloatArray
    labels: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Story:
    """What happened: the digits' scores by every way, what was sent, how long each step took."""

    shipped: Shipped
    clear: FloatArray
    simulated: FloatArray
    opened: FloatArray
    message: bytes
    seconds: Mapping[str, float]
    sent: Mapping[str, int]
    weights: Mapping[str, int]


def run(name: str, count: int, picture: Path, screen: Screen) -> None:
    """Play owner, client and server in an arithmetic, with files between them, and tell of it."""
    if name not in DEMOS:
        raise TacitError(f"there is no demo of {name!r}", hint=f"known are {', '.join(DEMOS)}")
    shipped = _shipped(DEMOS[name], count)
    program = lower(shipped.network, shipped.demo.arithmetic)
    cost = program.cost
    _tell_program(shipped, cost, screen)
    with tempfile.TemporaryDirectory() as folder:
        story = _play(shipped, program, Path(folder), screen)
    _tell_story(story, cost, screen)
    drawn = _drawn(story, picture, screen)
    if screen.json:
        screen.report(_record(story, cost) | {"picture": drawn})


def _shipped(demo: Demo, count: int) -> Shipped:
    folder = files("tacit") / "demo"
    with (folder / "digits.npz").open("rb") as file:
        data = np.load(file, allow_pickle=False)
        calibration, digits, labels = data["calibration"], data["x"], data["y"]
    network = calibrate(read(str(folder / demo.file)), calibration / BRIGHTEST)
    return Shipped(demo, network, digits[:count] / BRIGHTEST, labels[:count].astype(np.int64))


def _play(shipped: Shipped, program: Program, folder: Path, screen: Screen) -> Story:
    """Every file that would travel is written by one party and read by the other."""
    bundle, secret, public = folder / "bundle", folder / "my.secret", folder / "my.keys"
    pack(program, bundle)
    clock = [time.perf_counter()]
    with screen.progress("the client makes its keys") as progress:
        make_keys(bundle / "client", secret=secret, keys=public, progress=progress)
    client = Client(bundle / "client", secret=secret)
    clock.append(time.perf_counter())
    with screen.progress("the server takes the keys and encodes its weights") as progress:
        server = Server(bundle / "server", keys=public, progress=progress)
    clock.append(time.perf_counter())
    message = client.seal(shipped.digits)
    clock.append(time.perf_counter())
    with screen.progress("the server answers") as progress:
        answer = server.answer(message, progress=progress)
    clock.append(time.perf_counter())
    opened = client.open(answer, request=message)
    clock.append(time.perf_counter())
    steps = ("making_keys", "loading", "sealing", "answering", "opening")
    halves = {party: load_part(bundle, party).half for party in (Party.CLIENT, Party.SERVER)}
    return Story(
        shipped=shipped,
        clear=shipped.network(shipped.digits),
        simulated=program(shipped.digits),
        opened=opened,
        message=message,
        seconds=dict(zip(steps, np.diff(clock).tolist(), strict=True)),
        sent={
            "keys_bytes": public.stat().st_size,
            "request_bytes": len(message),
            "answer_bytes": len(answer),
            "secret_key_bytes": secret.stat().st_size,
        },
        weights={party.value: parameter_count(half.graph) for party, half in halves.items()},
    )


def _tell_program(shipped: Shipped, cost: Cost, screen: Screen) -> None:
    facts, count = cost.facts, len(shipped.digits)
    screen.say(
        f"A network answers for {count} handwritten digits that it never saw and will not see"
    )
    screen.say("")
    arithmetic = shipped.demo.arithmetic
    screen.say(
        f"owner    lowers {parameter_count(shipped.network)} parameters into {arithmetic.name}: "
        f"ring degree 2^{facts['log2_ring_degree']}, {facts['levels']} levels, "
        f"log2(QP) {facts['log2_qp']}, {arithmetic.security} bits of security"
    )


def _tell_story(story: Story, cost: Cost, screen: Screen) -> None:
    seconds, sent, count = story.seconds, story.sent, len(story.opened)
    digit = seconds["answering"] / count
    groups = -(-count // cost.inputs_at_once)
    many = "one ciphertext" if groups == 1 else f"{groups} ciphertexts"
    screen.say(
        f"client   makes keys in {in_seconds(seconds['making_keys'])}: keeps the secret key "
        f"({in_bytes(sent['secret_key_bytes'])}), sends the others "
        f"({in_bytes(sent['keys_bytes'])}, once)"
    )
    screen.say(f"server   takes them and encodes its weights in {in_seconds(seconds['loading'])}")
    screen.say(
        f"client   seals {count} digits in {in_seconds(seconds['sealing'])} into {many} "
        f"(each holds up to {cost.inputs_at_once}), and sends {in_bytes(sent['request_bytes'])}"
    )
    screen.say(
        f"server   answers in {in_seconds(seconds['answering'])} "
        f"({in_seconds(seconds['answering'] / groups)} a ciphertext, {in_seconds(digit)} a digit) "
        f"and sends {in_bytes(sent['answer_bytes'])}"
    )
    screen.say(f"client   opens the answer in {in_seconds(seconds['opening'])}")
    screen.say("")
    screen.say(f"digit      {_digits(story.shipped.labels)}")
    screen.say(f"clear      {_digits(_classes(story.clear))}   the network itself")
    screen.say(f"encrypted  {_digits(_classes(story.opened))}   on ciphertexts")
    screen.say("")
    agreeing = int((_classes(story.opened) == _classes(story.clear)).sum())
    right = int((_classes(story.opened) == story.shipped.labels).sum())
    difference = float(np.abs(story.opened - story.simulated).max())
    screen.say(
        f"{agreeing} of {count} encrypted predictions are those in the clear, {right} are right; "
        f"scores differ from the simulation by {difference:.1g} at most"
    )
    screen.say("")
    screen.say("server   saw ciphertexts and evaluation keys; holds the weights, and no secret")
    screen.say("client   saw its digits and their ten scores; holds the secret, and no weights")


def _drawn(story: Story, path: Path, screen: Screen) -> str | None:
    """Where the picture is, if it could be drawn: matplotlib may not be installed."""
    try:
        from tacit.cli.picture import draw
    except ModuleNotFoundError:
        screen.say("There is no picture without matplotlib (pip install 'tacit[pictures]')")
        return None
    if path.suffix.lower() not in {".png", ".pdf", ".svg"}:
        raise TacitError(f"{path} is no picture that can be drawn", hint="end it in .png")
    draw(story, path)
    screen.say(f"picture  {path}")
    return str(path)


def _record(story: Story, cost: Cost) -> dict[str, Json]:
    count, labels = len(story.opened), story.shipped.labels
    return {
        **arithmetic_record(story.shipped.demo.arithmetic),
        "digits": count,
        "labels": list(labels.tolist()),
        "clear": list(_classes(story.clear).tolist()),
        "encrypted": list(_classes(story.opened).tolist()),
        "accuracy": accuracy(story.opened, labels),
        "compared_with_clear": compare(story.opened, story.clear),
        "compared_with_simulation": compare(story.opened, story.simulated),
        "wall_seconds": dict(story.seconds),
        "wall_seconds_per_digit": story.seconds["answering"] / count,
        "sent": dict(story.sent),
        "weights": dict(story.weights),
        "cost": cost_record(cost),
    }


def _classes(scores: FloatArray) -> NDArray[np.int64]:
    found = classes(scores)
    assert found is not None, "the network gives ten scores"
    return found


def _digits(numbers: NDArray[np.int64]) -> str:
    return " ".join(map(str, numbers.tolist()))
