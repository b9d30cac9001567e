"""`tacit approximate`: its options, and what it writes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand

from tacit.approx import METHODS, Composite, Fit
from tacit.approx.export import EXPORTS
from tacit.cli import whole, wishes
from tacit.cli.screen import Screen
from tacit.errors import TacitError
from tacit.ir.functions import FUNCTIONS
from tacit.serve.files import new_file, require_free

ON = "--on"
FUNCTIONS_HELP = (
    f"Functions: {', '.join(sorted({*FUNCTIONS, 'comparison', 'max'}))}; with parameters "
    "'leaky_relu(slope=0.1)'. max and comparison are of a difference a - b: |a - b| / 2, to which "
    "(a + b) / 2 is added, and whether a > b."
)


class TwoNumbers(TyperCommand):
    """A command whose option --on takes two numbers, and may be said several times."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Join the two numbers, which Typer has no type for."""
        left, joined = list(args), []
        while left:
            joined.append(left.pop(0))
            if joined[-1] == ON and len(left) > 1:
                joined.append(f"{left.pop(0)} {left.pop(0)}")
        return super().parse_args(ctx, joined)


class Interval(NamedTuple):
    """What two numbers on the command line mean."""

    low: float
    high: float


def interval(text: str) -> Interval:
    """The interval that two numbers mean.

    >>> interval("-1 2.5")
    Interval(low=-1.0, high=2.5)
    """
    try:
        low, high = map(float, text.split())
    except ValueError as wrong:
        raise typer.BadParameter(f"{ON} takes two numbers, not {text!r}") from wrong
    return Interval(low, high)


def approximate(
    function: Annotated[str, typer.Argument(help="A function's name: they stand below.")],
    on: Annotated[
        list[Interval] | None,
        typer.Option(ON, parser=interval, metavar="LOW HIGH", help="[-1 1]; repeat it for a union"),
    ] = None,
    degree: Annotated[int | None, typer.Option(min=0, help="The polynomial's degree.")] = None,
    depth: Annotated[int | None, typer.Option(min=0, help="Take the best of this depth.")] = None,
    error: Annotated[float | None, typer.Option(help="Take the least with this error.")] = None,
    least: Annotated[
        wishes.Least, typer.Option(help="What --error makes least.")
    ] = wishes.Least.DEGREE,
    method: Annotated[str, typer.Option(help=f"One of {', '.join(METHODS)}.")] = "minimax",
    precision: Annotated[
        int | None, typer.Option(min=53, help="Bits of the coefficients; 53 are doubles.")
    ] = None,
    relative: Annotated[
        bool, typer.Option("--relative", help="Errors are relative to the function's values.")
    ] = False,
    samples: Annotated[
        Path | None, typer.Option(help="Inputs (.npy, .npz) whose distribution weighs errors.")
    ] = None,
    basis: Annotated[
        wishes.Basis, typer.Option(help="What the coefficients belong to.")
    ] = wishes.Basis.CHEBYSHEV,
    alpha: Annotated[
        float | None, typer.Option(help="Find a composite that is right to these bits.")
    ] = None,
    gap: Annotated[
        float | None, typer.Option(help="The sign need not hold for |x| below this [2^-ALPHA].")
    ] = None,
    degrees: Annotated[
        str | None, typer.Option(help="A composite of stages of these degrees: 7,15,15.")
    ] = None,
    objective: Annotated[
        wishes.Objective, typer.Option(help="What a composite has least of.")
    ] = wishes.Objective.DEPTH,
    front: Annotated[
        bool, typer.Option("--front", help="All composites that win in depth or in products.")
    ] = False,
    compare: Annotated[
        bool, typer.Option("--compare", help="Every method at equal depth, best first.")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Tell how it is computed on ciphertexts, step by step.")
    ] = False,
    input_bits: Annotated[
        int | None,
        typer.Option(min=0, help="Fixed point, for BGV and BFV: bits of an input after its point."),
    ] = None,
    modulus: Annotated[
        int | None, typer.Option(min=2, help="Fixed point: the plaintext modulus [a 40-bit prime].")
    ] = None,
    encrypt: Annotated[
        bool, typer.Option("--encrypt", help="Fixed point: run it on ciphertexts, and compare.")
    ] = False,
    export: Annotated[str | None, typer.Option(help=f"Write it for {', '.join(EXPORTS)}.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where --export writes [the screen].")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw function, polynomial and error.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Approximate a function by a polynomial or a composite, with its error proven."""
    screen = Screen(json)
    wish = wishes.Wish(
        function=function,
        on=tuple(on or ()),
        degree=degree,
        depth=depth,
        error=error,
        least=least,
        method=method,
        precision=precision,
        relative=relative,
        samples=samples,
        alpha=alpha,
        gap=gap,
        degrees=degrees,
        objective=objective,
    )
    with screen.progress("approximating"):
        if compare:
            screen.report(wishes.comparison(wish))
            return
        if front:
            screen.report(wishes.front(wish))
            return
        if input_bits is not None:
            screen.report(whole.found(wish, input_bits, modulus, encrypt=encrypt))
            return
        found, seconds = wishes.found(wish)
        record = wishes.record(found, basis, seconds)
    if plan:
        record["plan"] = [*found.plan.text().splitlines()]
    if plot is not None:
        record["picture"] = drawn(found, plot, overwrite=overwrite)
    if export is not None:
        record["exported"] = exported(found, export, output, overwrite=overwrite)
    screen.report(record)


def drawn(found: Fit | Composite, path: Path, *, overwrite: bool) -> str:
    """Draw an approximation, and tell where."""
    try:
        from tacit.cli.curves import draw
    except ImportError as absent:
        raise TacitError(
            "pictures need matplotlib", hint="pip install 'tacit[pictures]'"
        ) from absent
    require_free(path, overwrite=overwrite)
    draw(found, path)
    return str(path)


def exported(found: Fit | Composite, tool: str, path: Path | None, *, overwrite: bool) -> str:
    """Write an approximation for another tool, and tell where, or give the text itself."""
    if tool not in EXPORTS:
        raise TacitError(f"nothing is written for {tool!r}", hint=f"known are {', '.join(EXPORTS)}")
    text = EXPORTS[tool](found)
    if path is None:
        return text
    with new_file(path, overwrite=overwrite) as written:
        written.write_text(text, encoding="utf-8")
    return str(path)
