"""The demo: the shipped network answers for digits that it never saw, and that it cannot see."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from tacit.arithmetics.ckks import CKKS
from tacit.cli.describe import arithmetic_record, cost_record
from tacit.cli.evaluate import accuracy, classes, compare
from tacit.cli.screen import Screen, in_bytes, in_seconds
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph
from tacit.ir.text import parameter_count
from tacit.passes import calibrate
from tacit.program import Cost, Json, Program, lower
from tacit.read import read
from tacit.serve import Client, Party, Server, load_part, make_keys, pack

# The network was trained on pixels divided by this.
BRIGHTEST = 16.0
ARITHMETIC = CKKS(batch=8)


@dataclass(frozen=True, eq=False)
class Shipped:
    """The network that comes with the package, calibrated, and digits that it never saw."""

    network: Graph
    digits: FloatArray
    labels: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Story:
    """What happened, for telling and drawing."""

    digits: FloatArray
    labels: NDArray[np.int64]
    clear: FloatArray
    simulated: FloatArray
    opened: FloatArray
    message: bytes
    record: dict[str, Json]


def run(count: int, picture: Path, screen: Screen) -> None:
    """Play the parts of owner, client and server, with files between them, and tell of it."""
    shipped = _shipped(count)
    program = lower(shipped.network, ARITHMETIC)
    cost = program.cost
    _tell_network(shipped, program, cost, screen)
    with tempfile.TemporaryDirectory() as folder:
        story = _play(shipped, program, Path(folder), screen)
    story.record["cost"] = cost_record(cost)
    _tell_answers(story, cost, screen)
    story.record["picture"] = _drawn(story, picture, screen)
    if screen.json:
        screen.report(story.record)


def _shipped(count: int) -> Shipped:
    folder = files("tacit") / "demo"
    with (folder / "digits.npz").open("rb") as file:
        data = np.load(file, allow_pickle=False)
        calibration, digits, labels = data["calibration"], data["x"], data["y"]
    network = calibrate(read(str(folder / "digits.onnx")), calibration / BRIGHTEST)
    return Shipped(network, digits[:count] / BRIGHTEST, labels[:count].astype(np.int64))


def _play(shipped: Shipped, program: Program, folder: Path, screen: Screen) -> Story:
    """Every file that would travel is written and read again."""
    bundle, secret, public = folder / "bundle", folder / "my.secret", folder / "my.keys"
    pack(program, bundle, source=shipped.network)
    started = time.perf_counter()
    with screen.progress("the client makes keys") as progress:
        make_keys(bundle / "client", secret=secret, keys=public, progress=progress)
    seconds = {"keys": time.perf_counter() - started}
    sizes = {"secret_key": secret.stat().st_size, "keys": public.stat().st_size}
    client = Client(bundle / "client", secret=secret)
    with screen.progress("the server loads the keys and encodes its weights") as progress:
        server = Server(bundle / "server", keys=public, progress=progress)
    loaded = time.perf_counter()
    message = client.seal(shipped.digits)
    sealed = time.perf_counter()
    with screen.progress("the server answers") as progress:
        answer = server.answer(message, progress=progress)
    answered = time.perf_counter()
    opened = client.open(answer, request=message)
    seconds |= {
        "loading": loaded - started - seconds["keys"],
        "sealing": sealed - loaded,
        "answering": answered - sealed,
        "opening": time.perf_counter() - answered,
    }
    sizes |= {"request": len(message), "answer": len(answer)}
    parts = {party: load_part(bundle, party).half.graph for party in (Party.CLIENT, Party.SERVER)}
    clear, simulated = shipped.network(shipped.digits), program(shipped.digits)
    record: dict[str, Json] = {
        **arithmetic_record(ARITHMETIC),
        "digits": len(shipped.digits),
        "labels": shipped.labels.tolist(),
        "clear": _class_list(clear),
        "encrypted": _class_list(opened),
        "clear_accuracy": accuracy(clear, shipped.labels),
        "encrypted_accuracy": accuracy(opened, shipped.labels),
        "from_clear": compare(opened, clear),
        "from_simulated": compare(opened, simulated),
        "wall_seconds": dict(seconds),
        "wall_seconds_per_digit": seconds["answering"] / len(shipped.digits),
        "sent_bytes": dict(sizes),
        "weights": {party.value: parameter_count(graph) for party, graph in parts.items()},
    }
    return Story(
        shipped.digits, shipped.labels, clear, simulated, opened, message, record
    )


def _class_list(results: FloatArray) -> list[Json]:
    found = classes(results)
    assert found is not None, "the network tells ten scores"
    return list(found.tolist())
