"""`tacit bits`: the cheapest bits for each layer, found and told, and packed if they are to be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tacit.arithmetics.integers import Aim, Examples, Found, Integers, find_bits
from tacit.cli import arguments, describe
from tacit.cli.screen import Screen
from tacit.errors import LoweringError, TacitError
from tacit.files import new_file, require_free
from tacit.ir.graph import Graph
from tacit.passes import calibrate
from tacit.program import Json, lower
from tacit.read import read
from tacit.serve import pack

EXAMPLES = (
    "\b\nExamples:\n"
    "  tacit bits digits.onnx --data held-out.npz --loss 1\n"
    "  tacit bits digits.onnx --data held-out.npz --accumulator 9 --ledger bits.jsonl\n"
    "  tacit bits digits.onnx --data held-out.npz --seconds 5 -o digits.bundle"
)


@dataclass(frozen=True)
class Files:
    """What is written, as far as it is asked for."""

    bundle: Path | None
    ledger: Path | None
    picture: Path | None
    overwrite: bool


def bits(
    model: Annotated[Path, typer.Argument(help="An .onnx or .pt2 file.")],
    data: Annotated[
        Path, typer.Option("--data", help="Held-out inputs x and labels y: .npz; or .npy.")
    ],
    loss: Annotated[
        float | None, typer.Option(min=0.0, help="Points of accuracy that may be lost [1].")
    ] = None,
    target: Annotated[
        float | None, typer.Option(help="The least accuracy (R² of a regression) instead.")
    ] = None,
    accumulator: Annotated[
        int | None, typer.Option(min=1, max=16, help="The most bits of a sum [16].")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.0, help="The most predicted seconds of an answer.")
    ] = None,
    to: Annotated[str, typer.Option(help="The other knobs: integers:KNOB=VALUE,...")] = "integers",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The bundle to write, if any.")
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option(help="Keeps what is tried: a search goes on there.")
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="Where to draw the front.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what is there already.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, and no progress.")
    ] = False,
) -> None:
    """Find the cheapest bits for each layer of a model in small integers.

    Accuracy is simulated on the data, exactly as it will be; without labels it is the agreement
    with the float model. Fails where the target or the seconds cannot be kept.
    """
    files = Files(output, ledger, picture, overwrite)
    aim = Aim(target, loss, seconds, accumulator, _base(to))
    run(model, data, aim, files, Screen(json))


def run(model: Path, data: Path, aim: Aim, files: Files, screen: Screen) -> None:
    """Search, tell, and write what is asked for."""
    if files.bundle is not None:
        require_free(files.bundle, overwrite=files.overwrite)
    kind = None if files.picture is None else _format(files.picture)
    shown, graph = arguments.load_data(data), read(model)
    with screen.progress("calibrating") as progress:
        source = calibrate(graph, shown.x, progress=lambda rows: progress(rows, len(shown.x)))
    with screen.progress("searching for bits") as progress:
        examples = Examples(shown.x, shown.y)
        found = find_bits(source, examples, aim, ledger=files.ledger, progress=progress)
    written = _written(source, found, files, screen)
    if files.picture is not None and kind is not None:
        _draw(found, files, files.picture, kind)
        written["picture"] = str(files.picture)
    record = found.record()
    told = record if screen.json else {k: v for k, v in record.items() if k != "bits"}
    screen.report({**_shown(told, screen), "to": text(found.arithmetic), **written})
    if not found.is_met:
        raise _not_met(found, aim)


def text(arithmetic: Integers) -> str:
    """The knobs that differ from their defaults, as `tacit lower --to` takes them."""
    usual = vars(Integers())
    given = {name: each for name, each in vars(arithmetic).items() if each != usual[name]}
    return f"integers:{','.join(f'{name}={_value(each)}' for name, each in given.items())}"


def _value(value: object) -> str:
    match value:
        case tuple():
            return "+".join(f"{name}@{bits}" for name, bits in value)
        case bool():
            return str(value).lower()
        case _:
            return str(getattr(value, "value", value))


def _base(to: str) -> Integers:
    arithmetic = arguments.arithmetic(to)
    if not isinstance(arithmetic, Integers):
        raise TacitError(f"bits are of integers, not of {arithmetic.name}", hint="--to integers")
    return arithmetic


def _format(path: Path) -> str:
    try:
        from tacit.cli.curves import format_of
    except ImportError as absent:
        hint = "pip install 'tacit[pictures]'"
        raise TacitError("matplotlib is not installed", hint=hint) from absent
    return format_of(path)


def _draw(found: Found, files: Files, path: Path, kind: str) -> None:
    from tacit.cli import fronts

    with new_file(path, overwrite=files.overwrite) as file:
        fronts.draw(found, file, kind)


def _shown(record: dict[str, Json], screen: Screen) -> dict[str, Json]:
    """The record with its front as a table, where people read it."""
    points = record["front"]
    if screen.json or not isinstance(points, list):
        return record
    rows: list[Json] = []
    for each in points:
        match each:
            case {"bits": dict(bits), "accuracy": accuracy, "seconds": seconds}:
                named = ", ".join(f"{name} {width}" for name, width in bits.items())
                rows.append({"accuracy": accuracy, "seconds": seconds, "bits": named})
            case _:
                pass
    return {**record, "front": rows}


def _written(source: Graph, found: Found, files: Files, screen: Screen) -> dict[str, Json]:
    """The layers' widths, and the bundle, if it is asked for and keeps what it is to keep."""
    with screen.progress("lowering"):
        program = lower(source, found.arithmetic)
        told = describe.words_record(program.graph, program.arithmetic)
        if files.bundle is not None and found.is_met:
            pack(program, files.bundle, source=source, overwrite=files.overwrite)
            told["bundle"] = str(files.bundle)
    return told


def _not_met(found: Found, aim: Aim) -> TacitError:
    wanted = "" if found.target is None else f"{found.target:.2%} "
    limit = "" if aim.seconds is None else f"within {aim.seconds:g} s "
    return LoweringError(
        f"no bits that were tried reach {wanted}{limit}: the best reach {found.accuracy:.2%} in "
        f"{found.seconds:.3g} s",
        hint="allow more loss, seconds or accumulator bits, or train with a bound "
        "(tacit.tune.quantise)",
    )
