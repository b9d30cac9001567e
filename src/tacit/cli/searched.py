"""What `tacit search` does: one call of the library, and files of what came out."""

from __future__ import annotations

import json
from pathlib import Path

from tacit.arithmetics.ckks import CKKS
from tacit.cli import arguments
from tacit.cli.curves import format_of
from tacit.cli.samples import form_of, samples_of
from tacit.cli.screen import Screen, finite
from tacit.cli.tune import By, Searching
from tacit.data import load_images
from tacit.errors import TacitError
from tacit.files import new_file, require_free
from tacit.program import Json
from tacit.tune.pictures import picture_of_front
from tacit.tune.save import load
from tacit.tune.search import Front, Levels, Price, Search, Seconds, Settings, search


def run(asked: Searching, screen: Screen) -> None:
    """Search, and write the front and its picture."""
    require_free(asked.output, overwrite=asked.overwrite)
    kind = format_of(asked.picture)
    wanted = Search(
        forms=tuple(form_of(each) for each in asked.forms.split(",")),
        price=_price(asked.by, asked.to),
        budget=asked.budget,
        points=asked.points,
        settings=Settings(observed=asked.observed),
    )
    network = load(asked.model)
    samples = samples_of(load_images(asked.shown.data, "train"), asked.shown)
    ledger = asked.output.with_suffix(".jsonl")
    with screen.progress("searching") as progress:
        front = search(network, samples, wanted, ledger=ledger, progress=progress)
    record = front.record()
    with new_file(asked.output, overwrite=asked.overwrite) as file:
        file.write_text(json.dumps(finite(record), indent=1) + "\n", encoding="utf-8")
    with new_file(asked.picture, overwrite=True) as file:
        picture_of_front(front).savefig(file, dpi=120, format=kind)
    told: dict[str, Json] = {"front": str(asked.output), "picture": str(asked.picture)}
    screen.report({**told, **(record if screen.json else _short(front, asked.output))})


def _short(front: Front, path: Path) -> dict[str, Json]:
    """What fits on a screen: the points, by the names that `tacit tune --forms` takes."""
    points: list[Json] = [
        {
            "point": f"{path}#{number}",
            front.price: each.price,
            "accuracy": each.accuracy,
            "forms": each.uniform or ", ".join(each.names.values()),
        }
        for number, each in enumerate(front.points)
    ]
    exact = front.exact
    return {"accuracy": exact.accuracy, "held_out_images": exact.images, "points": points}


def _price(by: By, to: str) -> Price:
    if by is By.LEVELS:
        return Levels()
    arithmetic = arguments.arithmetic(to)
    if not isinstance(arithmetic, CKKS):
        raise TacitError(f"seconds are predicted for ckks, not for {arithmetic.name}")
    return Seconds(arithmetic)
