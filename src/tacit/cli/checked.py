"""The demo of checking: a worker that nobody trusts answers, in the open and without sight."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from tacit.arithmetics.field import Field, Mode, Work, report
from tacit.cli.checking import Asked, Story, play
from tacit.cli.describe import arithmetic_record
from tacit.cli.evaluate import accuracy, compare
from tacit.cli.hired import Hired
from tacit.cli.screen import Screen, in_bytes, in_seconds
from tacit.cli.shipped import Shipped, drawn, in_a_row, predicted
from tacit.ir.text import parameter_count
from tacit.program import Json, lower

CHECKING: Mapping[Mode, str] = {
    Mode.INTEGRITY: "with all else that the verifier does",
    Mode.PRIVATE: "with all else that the verifier does; each digit's masks are a write to disk",
}


def tell(arithmetic: Field, shipped: Shipped, picture: Path, screen: Screen) -> dict[str, Json]:
    """Play owner, verifier and worker in both modes, then cheat, and tell of it."""
    programs = {
        mode: lower(shipped.network, replace(arithmetic, mode=mode))
        for mode in (Mode.INTEGRITY, Mode.PRIVATE)
    }
    products = report(programs[Mode.INTEGRITY].graph, arithmetic)
    _tell_program(shipped, arithmetic, products, screen)
    story = play(arithmetic, shipped, programs, screen)
    _tell_story(story, screen)
    return _record(story) | {"picture": drawn(partial(_door, story), picture, screen)}


def _tell_program(
    shipped: Shipped, arithmetic: Field, products: Sequence[Work], screen: Screen
) -> None:
    theirs = sum(each.multiplications for each in products if each.soundness_bits is not None)
    screen.say(
        f"A worker that nobody trusts answers for {len(shipped.digits)} handwritten digits; "
        "every product is checked"
    )
    screen.say("")
    screen.say(
        f"owner     lowers {parameter_count(shipped.network)} parameters into {arithmetic.name}: "
        f"integers of {arithmetic.activations} bits, {len(products)} products, "
        f"checked modulo {arithmetic.prime.value}"
    )
    screen.say(f"worker    computes {theirs} multiplications a digit, in a process of its own")


def _tell_story(story: Story, screen: Screen) -> None:
    count, labels = len(story.clear), story.shipped.labels
    for mode, asked in story.asked.items():
        _tell_mode(mode, story.workers[mode], asked, screen)
    screen.say("")
    screen.say(f"digit      {in_a_row(labels)}")
    screen.say(f"clear      {in_a_row(predicted(story.clear))}   the network itself")
    for mode, asked in story.asked.items():
        found = predicted(asked.scores)
        screen.say(f"{mode.value:<10} {in_a_row(found)}   {_agreement(story, asked)}")
    screen.say("")
    tried = sum(each.tried for each in story.tampered)
    rejected = sum(each.rejected for each in story.tampered)
    weakest = min(each.work.soundness_bits or 0.0 for each in story.tampered)
    screen.say(
        f"cheating  one entry of a true answer off by one, {tried} times in "
        f"{len(story.tampered)} products: {rejected} rejected"
    )
    screen.say(f"          a false product passes with a chance of 2^-{weakest:g} at most")
    screen.say(f"          {story.verdict}")
    screen.say("")
    screen.say("worker    saw the model; in integrity mode the digits, in private mode bytes that")
    screen.say("          look uniform; of verdicts nothing but that a connection was closed")
    right = min(accuracy(each.scores, labels) or 0.0 for each in story.asked.values())
    screen.say(f"verifier  holds the whole model, and knows that {right:.1%} of {count} are right")


def _tell_mode(mode: Mode, worker: Hired, asked: Asked, screen: Screen) -> None:
    seconds, sent = asked.seconds, asked.sent
    screen.say("")
    screen.say(
        f"{mode.value:<10}worker {worker.process}: {worker.back_end}, sandbox {worker.sandbox}"
    )
    if seconds["making_masks"]:
        screen.say(f"          making masks ahead took {in_seconds(seconds['making_masks'])}")
    many = "one question" if asked.questions == 1 else f"{asked.questions} questions"
    screen.say(
        f"          {many}: {in_bytes(sent['question_bytes'])} there, "
        f"{in_bytes(sent['answer_bytes'])} back"
    )
    screen.say(
        f"          asking took {in_seconds(seconds['asking'])} (the worker, and the way there and "
        f"back), checking {in_seconds(seconds['checking'])} ({CHECKING[mode]})"
    )


def _agreement(story: Story, asked: Asked) -> str:
    same = np.array_equal(asked.scores, story.simulated)
    return "equal to the simulation, bit by bit" if same else "not what was simulated"


def _door(story: Story) -> Callable[[Path], None]:
    from tacit.cli.checked_picture import draw

    return partial(draw, story)


def _record(story: Story) -> dict[str, Json]:
    labels = story.shipped.labels
    return {
        **arithmetic_record(story.arithmetic),
        "digits": len(labels),
        "labels": list(labels.tolist()),
        "clear": list(predicted(story.clear).tolist()),
        "modes": {mode.value: _mode_record(story, mode) for mode in story.asked},
        "tampered": [
            {**each.work.record(), "tried": each.tried, "rejected": each.rejected}
            for each in story.tampered
        ],
        "verdict": story.verdict,
    }


def _mode_record(story: Story, mode: Mode) -> dict[str, Json]:
    asked, worker = story.asked[mode], story.workers[mode]
    return {
        "predicted": list(predicted(asked.scores).tolist()),
        "accuracy": accuracy(asked.scores, story.shipped.labels),
        "compared_with_clear": compare(asked.scores, story.clear),
        "compared_with_simulation": compare(asked.scores, story.simulated),
        "questions": asked.questions,
        "wall_seconds": dict(asked.seconds),
        "sent": dict(asked.sent),
        "worker": {
            "process": worker.process,
            "back_end": worker.back_end,
            "sandbox": worker.sandbox,
        },
    }
