"""`tacit tune` and `tacit search`: their options; PyTorch is loaded once one is asked for."""

from __future__ import annotations

import enum
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from tacit.approx import PAFS
from tacit.cli.screen import Screen
from tacit.errors import TacitError

NEEDED = ("torch", "lightning_fabric", "numba", "matplotlib")
TUNE_EXAMPLES = (
    "\b\nExamples:\n"
    "  tacit tune resnet.pt2 --data cifar-10-batches-bin --forms f1f1g1g1 -o tuned.pt2\n"
    "  tacit tune net.pt2 --data mnist --techniques ct --forms conv1.relu=alpha7,relu=7 -o t.pt2\n"
    "  tacit lower tuned.pt2"
)
SEARCH_EXAMPLES = (
    "\b\nExamples:\n"
    "  tacit search net.pt2 --data mnist --forms alpha7,f2g2,f1g2,2 -o front.json\n"
    "  tacit search net.pt2 --data mnist --by seconds --budget 60 -o front.json\n"
    "  tacit tune net.pt2 --data mnist --forms 'front.json#2' -o tuned.pt2"
)


class Under(enum.StrEnum):
    """The scales that are trained under."""

    STATIC = "static"
    DYNAMIC = "dynamic"


class Change(enum.StrEnum):
    """How training images are changed."""

    NONE = "none"
    FLIP = "flip"
    CROP = "crop"
    BOTH = "crop-flip"


class By(enum.StrEnum):
    """What a network should be cheap in."""

    LEVELS = "levels"
    SECONDS = "seconds"


@dataclass(frozen=True)
class Shown:
    """Which images: how many, how changed, how normalised, how many held out to choose by."""

    data: Path
    held_out: int | None
    limit: int | None
    normalise: str
    change: Change = Change.NONE


@dataclass(frozen=True)
class Tuning:
    """What `tacit tune` was asked for."""

    model: Path
    output: Path
    shown: Shown
    forms: str
    techniques: str
    scaling: Under
    knobs: str
    test: bool
    accelerator: str
    devices: int
    pictures: bool
    overwrite: bool


@dataclass(frozen=True)
class Searching:
    """What `tacit search` was asked for."""

    model: Path
    output: Path
    shown: Shown
    forms: str
    by: By
    to: str
    budget: float | None
    points: int
    observed: int
    picture: Path
    overwrite: bool


class WithKnobs(TyperCommand):
    """A command whose help lists the knobs of a tuning, which need PyTorch to be told."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """The knobs, and examples."""
        require()
        from tacit.cli.arguments import described
        from tacit.tune.training import SmartPAF

        self.epilog = f"Knobs: {described(SmartPAF)}.\n\n{TUNE_EXAMPLES}"
        super().format_epilog(ctx, formatter)


def require() -> None:
    """Refuse to begin where what tunes is not installed."""
    absent = [each for each in NEEDED if importlib.util.find_spec(each) is None]
    if absent:
        raise TacitError(f"{', '.join(absent)} is not installed", hint="pip install 'tacit[tune]'")


Model = Annotated[Path, typer.Argument(help="A .pt2 file, for any batch.")]
Data = Annotated[Path, typer.Option("--data", help="Images: idx, CIFAR, .npz, or folders.")]
Normalise = Annotated[
    str, typer.Option(help="The network's: data (as is usual for it), imagenet, …, or means/devs.")
]
HeldOut = Annotated[int | None, typer.Option(min=1, help="Images to choose by [1000 or a tenth].")]
Limit = Annotated[int | None, typer.Option(min=2, help="Training images in all.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there already.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, and no progress.")]


def tune(
    model: Model,
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="The .pt2 to write.")],
    forms: Annotated[
        str,
        typer.Option(help="A PAF or a degree for all layers; layer=form,…; or a search's FILE#2."),
    ] = "f1f1g1g1",
    techniques: Annotated[
        str, typer.Option(help="Of ct, pa, at (or ft), with commas; or none.")
    ] = "ct,pa,at",
    scaling: Annotated[Under, typer.Option(help="What is trained under.")] = Under.STATIC,
    knobs: Annotated[str, typer.Option(help="KNOB=VALUE,... of those below.")] = "",
    augment: Annotated[Change, typer.Option(help="Changes of training images.")] = Change.NONE,
    normalise: Normalise = "data",
    held_out: HeldOut = None,
    limit: Limit = None,
    test: Annotated[
        bool, typer.Option("--test", help="Measure on the test part too, once, at the end.")
    ] = False,
    accelerator: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto.")] = "auto",
    devices: Annotated[int, typer.Option(min=1, help="How many of them.")] = 1,
    pictures: Annotated[bool, typer.Option(help="Draw layers and course.")] = True,
    overwrite: Overwrite = False,
    json: AsJson = False,
) -> None:
    """Replace activations and maxima by polynomials, and win the accuracy back.

    State, report and pictures are kept in OUTPUT's name with the ending .tuning: the same command
    goes on there after a kill. `tacit lower OUTPUT` takes what is written.
    """
    require()
    from tacit.cli import tuned

    output = output if output.suffix else output.with_suffix(".pt2")
    shown = Shown(data, held_out, limit, normalise, augment)
    asked = Tuning(
        *(model, output, shown, forms, techniques, scaling, knobs),
        *(test, accelerator, devices, pictures, overwrite),
    )
    tuned.run(asked, Screen(json))


def search(
    model: Model,
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="The .json of the front.")],
    forms: Annotated[
        str, typer.Option(help="PAFs and degrees to choose from, with commas.")
    ] = ",".join(PAFS),
    by: Annotated[By, typer.Option(help="The price.")] = By.LEVELS,
    to: Annotated[str, typer.Option(help="The arithmetic that seconds are of.")] = "ckks",
    budget: Annotated[float | None, typer.Option(help="The highest price.")] = None,
    points: Annotated[int, typer.Option(min=0, help="How many are built and measured.")] = 12,
    observed: Annotated[int, typer.Option(min=1, help="Images that layers are fitted to.")] = 1000,
    normalise: Normalise = "data",
    held_out: HeldOut = None,
    limit: Limit = None,
    picture: Annotated[
        Path | None, typer.Option(help="Where to draw the front [OUTPUT's name, as .png].")
    ] = None,
    overwrite: Overwrite = False,
    json: AsJson = False,
) -> None:
    """Find a form for each layer: accuracy against levels or predicted seconds.

    Measurements are kept in OUTPUT's name with the ending .jsonl: the same command goes on there
    after a kill, and with other forms or another budget it measures only what is new.
    """
    require()
    from tacit.cli import searched

    asked = Searching(
        *(model, output, Shown(data, held_out, limit, normalise), forms, by, to, budget),
        *(points, observed, picture or output.with_suffix(".png"), overwrite),
    )
    searched.run(asked, Screen(json))
