"""`tacit approximate`: its options, and what it writes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from typer.core import TyperCommand

from tacit.approx import METHODS, PAFS, Composite, Fit
from tacit.approx.composites.search import Objective
from tacit.approx.export import EXPORTS
from tacit.approx.fits import MAX_DEGREE
from tacit.cli import circuits, records, ways, whole, wishes
from tacit.cli.printed import Basis
from tacit.cli.screen import Screen
from tacit.errors import TacitError
from tacit.files import new_file, require_free
from tacit.program import Json

ON = "--on"
# Beyond it the closeness of proven bounds is no double.
MOST_BITS = 4096
MORE_HELP = (
    f"Functions: {', '.join(wishes.NAMES)}; with parameters 'leaky_relu(slope=0.1)'. max and "
    "comparison are of a difference a - b: |a - b| / 2, to which (a + b) / 2 is added, and whether "
    "a > b.\n\n"
    f"Circuits: {', '.join(circuits.NAMES)}. The last three are of --count entries; --on is "
    "where each entry is, for layer_norm where the variance is. Their error is relative, but "
    "absolute for gelu, sqrt from 0 on, and those of many entries.\n\n"
    # Without this mark the lines would be joined.
    "\b\nExamples:\n"
    "  tacit approximate sigmoid --on -8 8 --degree 15 --json\n"
    "  tacit approximate sign --on -1 -0.1 --on 0.1 1 --error 0.01 --plan\n"
    "  tacit approximate relu --alpha 8 --objective products\n"
    "  tacit approximate gelu --on -8 8 --compare\n"
    "  tacit approximate inverse --on 0.001 1 --error 0.001 --circuit\n"
    "  tacit approximate softmax --on -4 4 --count 10 --error 0.01"
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
    context: typer.Context,
    function: Annotated[str, typer.Argument(metavar="FUNCTION", help="Its name; see below.")],
    on: Annotated[
        list[Interval] | None,
        typer.Option(ON, parser=interval, metavar="LOW HIGH", help="[-1 1]; repeat it for a union"),
    ] = None,
    degree: Annotated[
        int | None, typer.Option(metavar="D", min=0, help="The polynomial's degree.")
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, max=MAX_DEGREE.bit_length(), help="Take the best of this depth."
        ),
    ] = None,
    error: Annotated[
        float | None, typer.Option(metavar="E", help="Take the least with this error.")
    ] = None,
    least: Annotated[
        wishes.Least,
        typer.Option(metavar="WHAT", help="What --error makes least: degree or depth."),
    ] = wishes.Least.DEGREE,
    method: Annotated[
        str, typer.Option(metavar="NAME", help=f"One of {', '.join(METHODS)}.")
    ] = "minimax",
    precision: Annotated[
        int | None,
        typer.Option(
            metavar="BITS", min=53, max=MOST_BITS, help="Of the coefficients; 53 are doubles."
        ),
    ] = None,
    relative: Annotated[
        bool, typer.Option("--relative", help="Errors are relative to the function's values.")
    ] = False,
    samples: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Inputs (.npy, .npz) whose distribution weighs errors."),
    ] = None,
    basis: Annotated[
        Basis,
        typer.Option(
            metavar="NAME", help="Coefficients of chebyshev polynomials, or of each power of x."
        ),
    ] = Basis.CHEBYSHEV,
    alpha: Annotated[
        float | None,
        typer.Option(metavar="BITS", help="Find a composite, made of a sign, right to these bits."),
    ] = None,
    gap: Annotated[
        float | None,
        typer.Option(
            metavar="EPS",
            help="sign and comparison: nothing holds for |x| < EPS [2^-BITS of --alpha, or 2^-7, "
            "of the largest |x|].",
        ),
    ] = None,
    degrees: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="A composite of stages of these degrees: 7,15,15."),
    ] = None,
    objective: Annotated[
        wishes.Objective,
        typer.Option(
            metavar="WHAT", help="What a composite has least of: depth, products or time."
        ),
    ] = wishes.Objective.DEPTH,
    paf: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=f"A composite by its name: {', '.join(PAFS)}."),
    ] = None,
    front: Annotated[  # noqa: ARG001 - `ways` knows whether it was said
        bool, typer.Option("--front", help="All composites that win in depth or in products.")
    ] = False,
    compare: Annotated[  # noqa: ARG001 - `ways` knows whether it was said
        bool, typer.Option("--compare", help="Every method at equal depth, best first.")
    ] = False,
    circuit: Annotated[  # noqa: ARG001 - `ways` knows whether it was said
        bool, typer.Option("--circuit", help="A circuit, for wide domains; see below.")
    ] = False,
    count: Annotated[
        int | None, typer.Option(metavar="N", help="Circuits of many: the number of entries.")
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Tell how it is computed on ciphertexts, step by step.")
    ] = False,
    input_bits: Annotated[
        int | None,
        typer.Option(
            metavar="BITS",
            min=0,
            help="Fixed point, for BGV and BFV: bits of an input after its point.",
        ),
    ] = None,
    modulus: Annotated[
        int | None,
        typer.Option(
            metavar="T", min=2, help="Fixed point: the plaintext modulus [a 40-bit prime]."
        ),
    ] = None,
    encrypt: Annotated[
        bool, typer.Option("--encrypt", help="Fixed point: run it on ciphertexts, and compare.")
    ] = False,
    export: Annotated[
        str | None, typer.Option(metavar="TOOL", help=f"Write it for {', '.join(EXPORTS)}.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Where --export writes [with the record]."
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw function, polynomial and error.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Approximate a function by a polynomial or a composite, with its error proven.

    Say --degree, --depth or --error for a polynomial, --alpha or --degrees for a composite.
    """
    screen = Screen(json)
    said = said_in(context)
    way = ways.way_of(said, is_of_many=function in circuits.MANY)
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
        paf=paf,
    )
    written = Written(basis, plan, plot, export, output, overwrite)
    written.require_possible()
    # Values that overflow are refused with their place, so numpy need not warn of them, too.
    with screen.progress("approximating"), np.errstate(all="ignore"):
        match way:
            case ways.COMPARISON:
                record = records.comparison(wish)
            case ways.FRONT:
                record = records.front(wish)
            case ways.CIRCUIT:
                chosen: Objective | None = objective.value if "objective" in said else None
                asked = circuits.Asked(function, wish.on, error, count, chosen)
                record = circuits.found(asked, planned=plan)
            case ways.FIXED:
                assert input_bits is not None, "it is what asks for this way"
                sizes = whole.Asked(input_bits, modulus, planned=plan, encrypted=encrypt)
                record = whole.found(wish, sizes)
            case _:
                record = written.record(*wishes.found(wish), wish)
    screen.report(record)


def said_in(context: typer.Context) -> tuple[str, ...]:
    """The options that stand on the command line, in the order of the help."""
    return tuple(
        name
        for name in context.params
        if (source := context.get_parameter_source(name)) and source.name == "COMMANDLINE"
    )


class Written(NamedTuple):
    """What is told and written of an approximation, and where."""

    basis: Basis
    plan: bool
    plot: Path | None
    export: str | None
    output: Path | None
    overwrite: bool

    def require_possible(self) -> None:
        """Refuse names and places that cannot be written to, before any work is done."""
        if self.export is not None and self.export not in EXPORTS:
            raise TacitError(
                f"nothing is written for {self.export!r}", hint=f"known are {', '.join(EXPORTS)}"
            )
        for path in filter(None, (self.plot, self.output)):
            require_free(path, overwrite=self.overwrite)
        if self.plot is not None:
            _picture_format(self.plot)

    def record(self, found: Fit | Composite, seconds: float, wish: wishes.Wish) -> dict[str, Json]:
        """The record; pictures and files are written, and it tells where."""
        record = records.record(found, self.basis, seconds)
        if wish.paf is not None:
            record |= records.trainable(wish.paf)
        if self.plan:
            record["plan"] = [*found.plan.text().splitlines()]
        if self.plot is not None:
            record["picture"] = _drawn(found, self.plot, overwrite=self.overwrite)
        if self.export is not None:
            record["exported"] = self._exported(EXPORTS[self.export](found))
        return record

    def _exported(self, text: str) -> str:
        """Where the text was written, or the text itself."""
        if self.output is None:
            return text
        with new_file(self.output, overwrite=self.overwrite) as written:
            written.write_text(text, encoding="utf-8")
        return str(self.output)


def _picture_format(path: Path) -> str:
    try:
        from tacit.cli.curves import format_of
    except ImportError as absent:
        raise TacitError(
            "pictures need matplotlib", hint="pip install 'tacit[pictures]'"
        ) from absent
    return format_of(path)


def _drawn(found: Fit | Composite, path: Path, *, overwrite: bool) -> str:
    """Draw an approximation, and tell where."""
    from tacit.cli.curves import draw

    with new_file(path, overwrite=overwrite) as written:
        draw(found, written, _picture_format(path))
    return str(path)
