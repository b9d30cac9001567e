"""The demo of encryption: the network answers for digits that it never saw, and cannot see."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tacit.arithmetics.ckks import CKKS
from tacit.arithmetics.integers import Integers
from tacit.cli.describe import arithmetic_record, cost_record
from tacit.cli.evaluate import accuracy, compare
from tacit.cli.screen import Screen, in_bytes, in_seconds
from tacit.cli.shipped import Shipped, drawn, in_a_row, predicted
from tacit.ir.functions import FloatArray
from tacit.ir.text import parameter_count
from tacit.program import Arithmetic, Cost, Json, Program, lower
from tacit.serve import Client, Party, Server, load_part, make_keys, pack


@dataclass(frozen=True, eq=False)
class Story:
    """What happened: the digits' scores by every way, what was sent, how long each step took."""

    shipped: Shipped
    arithmetic: Arithmetic
    clear: FloatArray
    simulated: FloatArray
    opened: FloatArray
    message: bytes
    seconds: Mapping[str, float]
    sent: Mapping[str, int]
    weights: Mapping[str, int]


def tell(
    arithmetic: CKKS | Integers, shipped: Shipped, picture: Path, screen: Screen
) -> dict[str, Json]:
    """Play owner, client and server, with files between them, and tell of it."""
    program = lower(shipped.network, arithmetic)
    cost = program.cost
    _tell_program(shipped, arithmetic, cost, screen)
    with tempfile.TemporaryDirectory() as folder:
        story = _play(shipped, program, Path(folder), screen)
    _tell_story(story, cost, screen)
    return _record(story, cost) | {"picture": drawn(partial(_door, story), picture, screen)}


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
        arithmetic=program.arithmetic,
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


def _tell_program(
    shipped: Shipped, arithmetic: CKKS | Integers, cost: Cost, screen: Screen
) -> None:
    facts, count = cost.facts, len(shipped.digits)
    screen.say(
        f"A network answers for {count} handwritten digits that it never saw and will not see"
    )
    screen.say("")
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
    screen.say(f"digit      {in_a_row(story.shipped.labels)}")
    screen.say(f"clear      {in_a_row(predicted(story.clear))}   the network itself")
    screen.say(f"encrypted  {in_a_row(predicted(story.opened))}   on ciphertexts")
    screen.say("")
    agreeing = int((predicted(story.opened) == predicted(story.clear)).sum())
    right = int((predicted(story.opened) == story.shipped.labels).sum())
    difference = float(np.abs(story.opened - story.simulated).max())
    screen.say(
        f"{agreeing} of {count} encrypted predictions are those in the clear, {right} are right; "
        f"scores differ from the simulation by {difference:.1g} at most"
    )
    screen.say("")
    screen.say("server   saw ciphertexts and evaluation keys; holds the weights, and no secret")
    screen.say("client   saw its digits and their ten scores; holds the secret, and no weights")


def _door(story: Story) -> Callable[[Path], None]:
    from tacit.cli.picture import draw

    return partial(draw, story)


def _record(story: Story, cost: Cost) -> dict[str, Json]:
    count, labels = len(story.opened), story.shipped.labels
    return {
        **arithmetic_record(story.arithmetic),
        "digits": count,
        "labels": list(labels.tolist()),
        "clear": list(predicted(story.clear).tolist()),
        "encrypted": list(predicted(story.opened).tolist()),
        "accuracy": accuracy(story.opened, labels),
        "compared_with_clear": compare(story.opened, story.clear),
        "compared_with_simulation": compare(story.opened, story.simulated),
        "wall_seconds": dict(story.seconds),
        "wall_seconds_per_digit": story.seconds["answering"] / count,
        "sent": dict(story.sent),
        "weights": dict(story.weights),
        "cost": cost_record(cost),
    }
