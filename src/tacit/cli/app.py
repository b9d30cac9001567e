"""The verbs of the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from tacit.arithmetics.ckks import CKKS
from tacit.cli import (
    approximate,
    arguments,
    asking,
    bits,
    demonstration,
    describe,
    exported,
    tune,
    worker,
)
from tacit.cli.demonstration import DEMOS
from tacit.cli.evaluate import Mode
from tacit.cli.evaluate import evaluate as evaluated
from tacit.cli.group import OneLine
from tacit.cli.screen import Screen
from tacit.errors import NotCalibrated
from tacit.files import new_file, read_bytes, require_free
from tacit.ir.graph import Graph
from tacit.passes import calibrate
from tacit.program import Json
from tacit.program import lower as lowered
from tacit.read import read
from tacit.serve import Client, Server, load_original, make_keys, pack, read_packed

ENCRYPTED_ROWS = 10

app = typer.Typer(
    cls=OneLine,
    help="A trained model, answering on data that the machine answering cannot see, or so that "
    "every answer is checked.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Bundle = Annotated[Path, typer.Argument(metavar="DIR", help="A bundle, or one party's part of it.")]
DataFile = Annotated[Path, typer.Option("--data", help="An .npz with x (and y), or an .npy.")]
SecretFile = Annotated[Path, typer.Option("--secret", help="The client's secret key.")]
OutputFile = Annotated[Path, typer.Option("--output", "-o", help="The file to write.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Take only so many rows.")]
Clip = Annotated[bool, typer.Option("--clip", help="Move what is out of range into it.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there already.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, and no progress.")]


@app.command()
def demo(
    picture: Annotated[Path, typer.Option(help="Where to draw what happened.")] = Path(
        "tacit-demo.png"
    ),
    count: Annotated[int, typer.Option(min=1, max=450, help="How many digits to ask for.")] = 32,
    arithmetic: Annotated[str, typer.Option(help=f"One of {', '.join(DEMOS)}.")] = CKKS.name,
    json: AsJson = False,
) -> None:
    """Answer for handwritten digits, encrypted, checked or on bits, and draw what happened."""
    demonstration.run(arithmetic, count, picture, Screen(json))


@app.command()
def show(
    model: Annotated[
        Path, typer.Argument(help="An .onnx or .pt2 file, a bundle, or what tacit export wrote.")
    ],
    json: AsJson = False,
) -> None:
    """Show the graph read from a model, or the graphs in a bundle or an exported file."""
    if model.is_dir():
        record = describe.bundle_record(model)
    elif model.suffix == exported.ENDING:
        record = describe.program_record(read_packed(model))
    else:
        record = describe.graph_record(read(model))
    Screen(json).report(record)


@app.command(epilog=arguments.knobs())
def lower(
    model: Annotated[Path, typer.Argument(help="An .onnx or .pt2 file.")],
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Typical inputs: .npz, .npy [the ranges in a tuned model]."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The bundle to write [the model's name, as .bundle]."),
    ] = None,
    to: Annotated[str, typer.Option(help="The arithmetic: NAME[:KNOB=VALUE,...].")] = "ckks",
    overwrite: Overwrite = False,
    json: AsJson = False,
) -> None:
    """Lower a model into an arithmetic, and pack it as a bundle."""
    screen = Screen(json)
    bundle = output or model.with_suffix(".bundle")
    require_free(bundle, overwrite=overwrite)
    arithmetic = arguments.arithmetic(to)
    source = _calibrated(model, data, screen)
    with screen.progress("lowering"):
        program = lowered(source, arithmetic)
        pack(program, bundle, source=source, overwrite=overwrite)
        cost = program.cost
    record: dict[str, Json] = {
        "bundle": str(bundle),
        **describe.arithmetic_record(arithmetic),
        "cost": describe.cost_record(cost),
        "approximations": describe.approximations(program),
        **describe.words_record(program.graph, arithmetic),
        "promise": describe.promise_record(arithmetic.promise),
    }
    screen.report(record)


def _calibrated(model: Path, data: Path | None, screen: Screen) -> Graph:
    """The model's graph with ranges: those that the data show, or else those that it brings."""
    x = None if data is None else arguments.load_data(data).x
    graph = read(model)
    if x is not None:
        with screen.progress("calibrating") as progress:
            return calibrate(graph, x, progress=lambda rows: progress(rows, len(x)))
    if any(node.type.range is None for node in graph):
        raise NotCalibrated(f"{model} brings no ranges", hint="show typical inputs with --data")
    return graph


@app.command()
def keys(
    bundle: Bundle,
    secret: Annotated[Path, typer.Option(help="Where to write the key that you keep.")],
    public: Annotated[Path, typer.Option(help="Where to write the keys that the server needs.")],
    overwrite: Overwrite = False,
    json: AsJson = False,
) -> None:
    """Make a client's keys: a secret one, and those to upload, once."""
    screen = Screen(json)
    with screen.progress("making keys") as progress:
        make_keys(bundle, secret=secret, keys=public, overwrite=overwrite, progress=progress)
    screen.report(
        {
            "secret": str(secret),
            "secret_bytes": secret.stat().st_size,
            "public": str(public),
            "public_bytes": public.stat().st_size,
        }
    )


@app.command()
def seal(
    bundle: Bundle,
    secret: SecretFile,
    data: DataFile,
    output: OutputFile,
    limit: Limit = None,
    clip: Clip = False,
    overwrite: Overwrite = False,
    json: AsJson = False,
) -> None:
    """Seal inputs for the server: encrypted, if the bundle's arithmetic encrypts."""
    screen = Screen(json)
    with new_file(output, overwrite=overwrite) as written, screen.progress("sealing"):
        x = arguments.load_data(data).first(limit).x
        message = Client(bundle, secret=secret).seal(x, clip=clip)
        written.write_bytes(message)
    screen.report({"sealed": str(output), "rows": len(x), "message_bytes": len(message)})


@app.command()
def answer(
    bundle: Bundle,
    sealed: Annotated[Path, typer.Argument(help="What a client sealed.")],
    keys_file: Annotated[Path, typer.Option("--keys", help="The keys that the client uploaded.")],
    output: OutputFile,
    overwrite: Overwrite = False,
    json: AsJson = False,
) -> None:
    """Answer sealed inputs; without seeing them, if they are encrypted."""
    screen = Screen(json)
    with new_file(output, overwrite=overwrite) as written:
        message = read_bytes(sealed, "sealed input")
        with screen.progress("loading") as progress:
            server = Server(bundle, keys=keys_file, progress=progress)
        with screen.progress("answering") as progress:
            result = server.answer(message, progress=progress)
        written.write_bytes(result)
    screen.report({"answer": str(output), "answer_bytes": len(result)})


@app.command("open")
def open_answer(
    bundle: Bundle,
    answered: Annotated[Path, typer.Argument(metavar="ANSWER", help="What the server answered.")],
    secret: SecretFile,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The .npy to write, instead of printing.")
    ] = None,
    request: Annotated[
        Path | None, typer.Option(help="The sealed input, to check that this is its answer.")
    ] = None,
    flood: Annotated[
        float,
        typer.Option(
            help="Deviation of noise to add, in the outputs' units, before others see them."
        ),
    ] = 0.0,
    overwrite: Overwrite = False,
    json: AsJson = False,
) -> None:
    """Open an answer: decrypted and checked, as far as the bundle's arithmetic does that."""
    screen = Screen(json)
    asked = None if request is None else read_bytes(request, "sealed input")
    with screen.progress("opening"):
        client = Client(bundle, secret=secret)
        results = client.open(read_bytes(answered, "answer"), request=asked, flood=flood)
    record: dict[str, Json] = {
        "rows": len(results),
        "shape": list(results.shape[1:]),
        "flood": flood,
    }
    if output is None:
        screen.report({**record, "results": results.tolist()})
        return
    with new_file(output, overwrite=overwrite) as written, written.open("wb") as file:
        np.save(file, results)
    screen.report({**record, "written": str(output)})


@app.command()
def evaluate(
    bundle: Bundle,
    data: DataFile,
    mode: Annotated[Mode, typer.Option(help="What is evaluated.")] = Mode.SIMULATE,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help=f"Rows to take [all; {ENCRYPTED_ROWS} where encrypted]."),
    ] = None,
    clip: Clip = False,
    json: AsJson = False,
) -> None:
    """Measure accuracy, time and agreement on data."""
    screen = Screen(json)
    rows = ENCRYPTED_ROWS if limit is None and mode is Mode.ENCRYPTED else limit
    chosen = arguments.load_data(data).first(rows)
    with screen.progress("evaluating") as progress:
        original = load_original(bundle)
        record = evaluated(original, chosen, mode, clip=clip, progress=progress)
    program = original.program
    screen.report({**record, **describe.words_record(program.graph, program.arithmetic)})


@app.command()
def audit(bundle: Bundle, json: AsJson = False) -> None:
    """Tell parameters, their security, and what each party learns."""
    Screen(json).report(describe.audit_record(bundle))


app.command(cls=tune.WithKnobs)(tune.tune)
app.command(epilog=tune.SEARCH_EXAMPLES)(tune.search)
app.command(epilog=bits.EXAMPLES)(bits.bits)
app.command("export", epilog=exported.EXPORT_EXAMPLES)(exported.export)
app.command("import", epilog=exported.IMPORT_EXAMPLES)(exported.take)
app.command(epilog=worker.EXAMPLES)(worker.worker)
app.command(epilog=worker.CERTIFY_EXAMPLES)(worker.certify)
app.command(epilog=asking.EXAMPLES)(asking.ask)
app.command(epilog=asking.MASK_EXAMPLES)(asking.mask)
app.command(cls=approximate.TwoNumbers, epilog=approximate.MORE_HELP)(approximate.approximate)


def main() -> None:
    """Run the command line."""
    app()
