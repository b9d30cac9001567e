"""What `tacit tune` does: one call of the library, and files of what came out."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from tacit.cli.arguments import knobs_of
from tacit.cli.samples import example_rows, forms_of, samples_of
from tacit.cli.screen import Screen, finite
from tacit.cli.tune import Tuning
from tacit.data import load_images
from tacit.errors import TacitError
from tacit.files import new_file, require_free
from tacit.program import Json
from tacit.tune.measure import Score, score
from tacit.tune.pictures import picture_of_course, picture_of_layers
from tacit.tune.report import report, tested
from tacit.tune.save import load, save
from tacit.tune.scaling import Scaling
from tacit.tune.training import Check, Devices, Outcome, SmartPAF, smartpaf, techniques

# Images whose ranges the file keeps.
CALIBRATION = 200


@dataclass(frozen=True)
class Where:
    """Files that a tuning writes: the model, and a folder beside it for everything else."""

    model: Path

    @property
    def folder(self) -> Path:
        """The state of the training, the report and the pictures."""
        return self.model.with_suffix(".tuning")

    @property
    def report(self) -> Path:
        """All figures."""
        return self.folder / "report.json"


def run(asked: Tuning, screen: Screen) -> None:
    """Tune, measure, write the model, the report and the pictures."""
    where = Where(asked.output)
    require_free(where.model, overwrite=asked.overwrite)
    if where.model.suffix.lower() != ".pt2":
        raise TacitError(f"{where.model} is no name of a .pt2 file", hint="end it in .pt2")
    chosen, scaling = techniques(asked.techniques), Scaling(asked.scaling.value)
    knobs = knobs_of(SmartPAF, asked.knobs, "tune", techniques=chosen, scaling=scaling)
    network = load(asked.model)
    samples = samples_of(load_images(asked.shown.data, "train"), asked.shown)
    unseen = load_images(asked.shown.data, "test") if asked.test else None
    begin = time.perf_counter()
    with screen.progress("tuning") as progress:
        found = smartpaf(
            network,
            forms_of(asked.forms),
            samples,
            knobs,
            folder=where.folder,
            told=lambda done, total, _: progress(done, total),
            watch=lambda check: screen.note(told(check)),
            on=Devices(asked.accelerator, asked.devices),
        )
    if not found.is_first:
        return
    seconds = time.perf_counter() - begin
    with screen.progress("measuring"):
        exact = score(network, samples.held_out, normalisation=samples.normalisation)
        record: dict[str, Json] = {"model": str(where.model), **report(found, exact, samples)}
        if unseen is not None:
            record |= tested(network, found.model, unseen, samples)
        rows = example_rows(samples, CALIBRATION)
        save(found.model, where.model, rows, overwrite=asked.overwrite)
        record |= {"tuning_seconds": seconds, "checks": [each.record for each in found.checks]}
        if asked.pictures:
            record["pictures"] = draw(found, exact, where.folder)
    with new_file(where.report, overwrite=True) as file:
        file.write_text(json.dumps(finite(record), indent=1) + "\n", encoding="utf-8")
    record["report"] = str(where.report)
    # The course of it is in the report, and was told while it went on.
    screen.report(record if screen.json else {k: v for k, v in record.items() if k != "checks"})


def told(check: Check) -> str:
    """A look at the held-out images in a line."""
    best = ", the best so far" if check.kept else ""
    skipped = f", {check.skipped} steps skipped: gradients not finite" if check.skipped else ""
    return (
        f"step {check.step} of {check.steps} ({check.phase}, {check.candidate}): "
        f"{check.accuracy:.2%} of held-out images right, loss {check.loss:.4f}{best}{skipped}"
    )


def draw(found: Outcome, exact: Score, folder: Path) -> list[Json]:
    """Each layer's polynomial over its inputs, and the course of the training."""
    drawn = {"layers.png": picture_of_layers(found.model)}
    if len(found.checks) > 1:
        records = [each.record for each in found.checks]
        drawn["course.png"] = picture_of_course(records, exact=exact.accuracy)
    for name, picture in drawn.items():
        with new_file(folder / name, overwrite=True) as file:
            picture.savefig(file, dpi=120, format="png")
    return [str(folder / name) for name in drawn]
