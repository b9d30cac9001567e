"""Programs of bits as single files: out of a bundle, and into one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tacit.cli import describe
from tacit.cli.screen import Screen
from tacit.errors import TacitError
from tacit.serve import load_original, pack, read_packed, write_packed

ENDING = ".safetensors"
EXPORT_EXAMPLES = (
    "Example: tacit lower digits.onnx --data digits.npz --to binary "
    "· tacit export digits.bundle -o digits.safetensors"
)
IMPORT_EXAMPLES = "Example: tacit import digits.safetensors -o digits.bundle"
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there already.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def export(
    bundle: Annotated[
        Path, typer.Argument(metavar="DIR", help="A bundle of bits, with its owner's part.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help=f"The file to write, which ends in {ENDING}.")
    ],
    overwrite: Overwrite = False,
    json: AsJson = False,
) -> None:
    """Write a program of bits to one file, a bit for each weight -1 or +1 (docs/bits.md)."""
    if output.suffix != ENDING:
        raise TacitError(f"{output} does not end in {ENDING}", hint="it is such a file")
    program = load_original(bundle).program
    write_packed(program, output, overwrite=overwrite)
    Screen(json).report(
        {
            "exported": str(output),
            "bytes": output.stat().st_size,
            **describe.words_record(program.graph, program.arithmetic),
        }
    )


def take(
    file: Annotated[Path, typer.Argument(help="What tacit export wrote.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The bundle to write.")],
    overwrite: Overwrite = False,
    json: AsJson = False,
) -> None:
    """Pack a program of bits that was exported as a bundle, to be served and evaluated."""
    program = read_packed(file)
    pack(program, output, overwrite=overwrite)
    Screen(json).report(
        {"bundle": str(output), **describe.arithmetic_record(program.arithmetic)},
    )
