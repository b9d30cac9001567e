"""The commands of a verifier: ask workers, and make the masks that hide what they are asked."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from tacit.cli import arguments
from tacit.cli.screen import Screen
from tacit.files import new_file
from tacit.program import Json
from tacit.serve import Client, make_masks
from tacit.serve.worker import Patience, Pool, Setting
from tacit.serve.worker.asking import ask as asked

Bundle = Annotated[
    Path, typer.Argument(metavar="DIR", help="A bundle, or its client's part alone.")
]
Secret = Annotated[Path, typer.Option(help="The client's secret.")]
# What a worker is given at least, however quick others are.
LEAST_SECONDS = 5.0
EXAMPLES = (
    "Examples: tacit ask my.bundle digits.npz --secret my.secret --worker unix:/run/tacit/worker "
    "· tacit ask my.bundle digits.npz --secret my.secret --masks my.masks "
    "--worker tcp:192.0.2.1:7000 --worker tcp:192.0.2.2:7000 --certificates verifier"
)
MASK_EXAMPLES = (
    "Example: tacit mask my.bundle --secret my.secret --masks my.masks --count 1000 "
    "· The ledger my.secret.ledger says which are used: never copy it or put it back."
)


def ask(
    bundle: Bundle,
    data: Annotated[Path, typer.Argument(help="Inputs: an .npz with x, or an .npy.")],
    secret: Secret,
    worker: Annotated[
        list[str], typer.Option(help="unix:/path or tcp:host:port; may be repeated.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The .npy to write, instead of printing.")
    ] = None,
    masks: Annotated[
        Path | None, typer.Option(help="The folder of masks (tacit mask), in private mode.")
    ] = None,
    certificates: Annotated[
        Path | None, typer.Option(help="The verifier's folder of certificates, needed over TCP.")
    ] = None,
    encrypt: Annotated[
        bool, typer.Option("--encrypt", help="Send tensors through TLS as well.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for an answer.")] = 60.0,
    limit: Annotated[int | None, typer.Option(min=1, help="Rows to take [all].")] = None,
    clip: Annotated[
        bool, typer.Option("--clip", help="Move entries into the calibrated range.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask workers for predictions, and check every product that they answer."""
    screen = Screen(json)
    client = Client(bundle, secret=secret, masks=masks)
    x = arguments.load_data(data).first(limit).x
    setting = Setting(certificates, encrypt=encrypt, answer_seconds=timeout)
    start = time.perf_counter()
    patience = Patience(min(timeout, LEAST_SECONDS), most_seconds=timeout)
    with Pool.open(worker, client.program, setting, patience=patience) as pool:
        with screen.progress("asking") as progress:
            results = asked(client.engine, pool, x, clip=clip, progress=progress)
        dropped: dict[str, Json] = dict(pool.dropped)
    record: dict[str, Json] = {
        "rows": len(results),
        "shape": list(results.shape[1:]),
        "wall_seconds": time.perf_counter() - start,
        "dropped": dropped,
    }
    if output is None:
        screen.report({**record, "results": results.tolist()})
        return
    with new_file(output, overwrite=overwrite) as written, written.open("wb") as file:
        np.save(file, results)
    screen.report({**record, "written": str(output)})


def mask(
    bundle: Bundle,
    secret: Secret,
    masks: Annotated[Path, typer.Option(help="The folder to put them into.")],
    count: Annotated[int, typer.Option(min=1, help="For how many inputs.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make masks ahead, each for one input and used up by it; what is begun is gone on with."""
    screen = Screen(json)
    with screen.progress("making masks") as progress:
        make_masks(bundle, secret=secret, masks=masks, count=count, progress=progress)
    size = sum(file.stat().st_size for file in masks.rglob("*") if file.is_file())
    screen.report({"masks": str(masks), "made": count, "bytes": size})
