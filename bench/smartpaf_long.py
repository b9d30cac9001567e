"""A long schedule of SmartPAF's techniques on an accelerator, as long as the minutes that it gets.

    python bench/smartpaf_long.py --data DATA [--form f1f1g1g1] [--minutes 8] [--device cuda]
                                  [--rates published] [--plain] [--no-test] [--folder RUN]
                                  [--out bench/results/smartpaf_long.json]

DATA (or TACIT_DATA) holds cifar-10-batches-bin/ and weights/. ResNet-20's ReLUs become polynomials
of one form, tuned as arXiv 2404.03216 does: equally many steps for each layer, in turns, and then,
which is ours, all together; 20 epochs each were published. A trial measures how fast a step is, and
the steps are those that fit into the minutes. `--rates` says which rates and decays are taken: the
published ones, or those of the short schedule of bench/smartpaf.py. A chain's many small operations
are fused by torch's compiler, which needs a C compiler, unless `--plain` says otherwise.

RUN (bench/.cache/smartpaf-long/FORM-RATES) keeps the schedule, the training's state and a record:
a run that was stopped at its time or before is measured as it was then. Candidates are chosen on
images held out of the training part. The test part is used once, at the end, or, with `--no-test`,
not yet: the same command without it measures what is in RUN, on any device.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import machine
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from tacit.data import Images, load_images, split
from tacit.tune import series
from tacit.tune.measure import score
from tacit.tune.paf import pafs
from tacit.tune.replace import replace as replaced
from tacit.tune.samples import Samples
from tacit.tune.scaling import Scaling, out_of_range, recount, use
from tacit.tune.training import Check, Devices, SmartPAF, smartpaf, techniques
from tacit.tune.training.checkpoint import NAME

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "examples" / "smartpaf"))

import networks  # noqa: E402 (the recipes lie beside the library)
from recipes import RECIPES  # noqa: E402

RECIPE = RECIPES["resnet20-cifar10"]
RATES = {"published": RECIPE.long, "short": RECIPE.knobs}
# Of the training part, as in bench/smartpaf.py, so that both schedules are told by the same images.
HELD_OUT = RECIPE.held_out
# Steps a phase in a trial; looks at the held-out images, and turns, in a phase of the training.
TRIAL, LOOKS, TURNS = 8, 10, 20
# The share of the time that is planned for: steps are not all alike.
PLANNED = 0.9
# Chains differ in lengths, layouts and what learns: torch compiles one for each, and then no more.
SHAPES = 64


class Late(Exception):
    """The minutes are over."""


@dataclass(frozen=True)
class Place:
    """Where a run keeps what it has."""

    folder: Path

    @property
    def record(self) -> Path:
        """What is known of the run, as JSON."""
        return self.folder / "run.json"

    def known(self) -> dict[str, Any]:
        """The record, {} where there is none yet."""
        return json.loads(self.record.read_text()) if self.record.exists() else {}

    def note(self, **facts: object) -> dict[str, Any]:
        """The record with more in it, which is written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        found = {**self.known(), **facts}
        self.record.write_text(json.dumps(found, indent=1) + "\n")
        return found

    def looks(self) -> list[dict[str, Any]]:
        """The looks at the held-out images up to the last state that was written."""
        with safe_open(self.folder / NAME, framework="pt") as file:
            looks: list[dict[str, Any]] = json.loads(file.metadata()["tacit"])["facts"]["checks"]
        return looks

    def best(self, bare: nn.Module) -> nn.Module:
        """The best network of the training, finished or not, under static scales."""
        held = load_file(self.folder / NAME)
        group = "best/"
        bare.load_state_dict(
            {name.removeprefix(group): each for name, each in held.items() if group in name}
        )
        use(bare, Scaling.STATIC)
        return bare


def fuse() -> None:
    """Have the polynomials' small operations compiled into few: the same values, sooner."""
    torch._dynamo.config.recompile_limit = SHAPES
    torch._dynamo.config.accumulated_recompile_limit = 4 * SHAPES
    series.Chain.value = torch.compile(series.Chain.value, dynamic=True)
    series.Chain.gradients = torch.compile(series.Chain.gradients, dynamic=True)


def schedule(rates: str, steps: int) -> SmartPAF:
    """So many steps for each layer, in turns, and together."""
    return replace(
        RATES[rates],
        techniques=techniques("ct,pa,at"),
        layer_steps=steps,
        steps=steps,
        joint=steps,
        turn=max(1, steps // TURNS),
        check=max(1, steps // LOOKS),
        patience=LOOKS,
    )


def trial(network: nn.Module, samples: Samples, chosen: argparse.Namespace) -> float:
    """The seconds of one step in every phase: of a schedule of one step each.

    Everything is compiled in a first round, and timed in a second.
    """
    knobs = replace(schedule(chosen.rates, TRIAL), techniques=techniques("pa,at"), observed=100)
    times: list[float] = []
    for _ in range(2):
        times.clear()
        smartpaf(
            network,
            chosen.form,
            samples,
            knobs,
            told=lambda *_: times.append(time.perf_counter()),
            on=Devices(chosen.device),
        )
    return (times[-1] - times[0]) / (len(times) - 1) * len(times) / TRIAL


def tune(network: nn.Module, samples: Samples, chosen: argparse.Namespace, place: Place) -> None:
    """The training, as long as the minutes allow; its state and its record are in the place."""
    begun = time.perf_counter()
    end = begun + 60.0 * chosen.minutes
    fused = not (chosen.plain or chosen.device == "cpu")
    if fused:
        fuse()
    each = trial(network, samples, chosen)
    left = end - time.perf_counter()
    # The published epochs a phase are never exceeded.
    count = max(TRIAL, min(RECIPE.long.layer_steps, int(PLANNED * left / each)))
    knobs = schedule(chosen.rates, count)
    told = f"{each:.3f} s for a step of each phase, hence {count} steps a phase"
    print(f"{chosen.form}, {chosen.rates} rates: {told}", flush=True)
    place.note(
        form=chosen.form,
        rates=chosen.rates,
        device=device_name(chosen.device),
        fused=fused,
        torch=torch.__version__,
        steps_a_phase=count,
        batch=knobs.batch,
        epochs_a_phase=round(count * knobs.batch / len(samples.train), 2),
        weight_rate=knobs.weight_rate,
        coefficient_rate=knobs.coefficient_rate,
        trial_seconds=round(time.perf_counter() - begun, 1),
    )
    start = time.perf_counter()

    def keep_time(done: int, total: int, phase: str) -> None:
        if done % count == 0:
            seconds = round(time.perf_counter() - start, 1)
            place.note(steps=done, of=total, seconds=seconds, whole=done == total)
            print(f"{done} of {total} steps, {phase}: {seconds} s", flush=True)
        if time.perf_counter() > end:
            raise Late

    try:
        found = smartpaf(
            network,
            chosen.form,
            samples,
            knobs,
            folder=place.folder,
            told=keep_time,
            watch=say,
            on=Devices(chosen.device),
        )
    except Late:
        steps = place.looks()[-1]["step"]
        place.note(seconds=round(time.perf_counter() - start, 1), steps=steps, whole=False)
    else:
        seconds = round(time.perf_counter() - start, 1)
        # A phase without gains ends before its time.
        place.note(seconds=seconds, steps=found.steps, whole=True)


def say(check: Check) -> None:
    """A line for a look at the held-out images."""
    kept = ", kept" if check.kept else ""
    print(f"{check.step} {check.candidate}: {check.accuracy:.2%}, {check.loss:.4f}{kept}")


def device_name(device: str) -> str:
    """What the accelerator calls itself."""
    return torch.cuda.get_device_name() if device == "cuda" else device


def accuracies(model: nn.Module, images: Images, name: str) -> dict[str, float]:
    """Under static and under dynamic scales."""
    found = {}
    for scaling in (Scaling.STATIC, Scaling.DYNAMIC):
        use(model, scaling)
        measured = score(model, images, normalisation=RECIPE.normalisation)
        found[f"{name}{scaling.value}_accuracy"] = measured.accuracy
    use(model, Scaling.STATIC)
    return found


def measure(model: nn.Module, float_network: nn.Module, test: Images) -> dict[str, object]:
    """What the whole test part says, of both networks."""
    recount(model)
    return {
        "float_accuracy": score(float_network, test, normalisation=RECIPE.normalisation).accuracy,
        **accuracies(model, test, ""),
        # Dynamic scales exceed nothing, and count nothing.
        "out_of_range": out_of_range(model),
        "images": len(test),
    }


def play(chosen: argparse.Namespace) -> dict[str, Any]:
    """Tune, unless that is done, and measure."""
    place = Place(chosen.folder)
    data = chosen.data / RECIPE.folder
    weights = chosen.data / "weights" / "resnet20_cifar10_akamaster.npz"
    network = networks.load_weights(RECIPE.build(), weights)
    train, held_out = split(load_images(data, "train"), HELD_OUT, RECIPE.long.seed)
    if "whole" not in place.known():
        samples = Samples(train, held_out, RECIPE.augmentation, RECIPE.normalisation)
        tune(network, samples, chosen, place)
    model = place.best(replaced(network, chosen.form, torch.zeros(2, *train.x.shape[1:])))
    if "held_out_static_accuracy" not in place.known():
        place.note(
            **accuracies(model, held_out, "held_out_"),
            checks=place.looks(),
            coefficients={k: [c.tolist() for c in v.coefficients] for k, v in pafs(model).items()},
        )
    if chosen.no_test:
        return place.known()
    known = place.known()
    if "static_accuracy" in known:
        return known
    return place.note(**measure(model, network, load_images(data, "test")))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("TACIT_DATA"))
    parser.add_argument("--form", default="f1f1g1g1")
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--device", default="cuda", help="Lightning Fabric's accelerator [cuda]")
    parser.add_argument("--rates", choices=RATES, default="published")
    parser.add_argument("--plain", action="store_true", help="compile nothing")
    parser.add_argument("--no-test", action="store_true", help="leave the test part alone")
    parser.add_argument("--folder", type=Path, help="[bench/.cache/smartpaf-long/FORM-RATES]")
    results = ROOT / "bench" / "results" / "smartpaf_long.json"
    parser.add_argument("--out", type=Path, default=results)
    chosen = parser.parse_args()
    if chosen.data is None:
        parser.error("--data (or TACIT_DATA) names the folder that holds the images")
    chosen.data = Path(chosen.data)
    name = f"{chosen.form}-{chosen.rates}"
    chosen.folder = chosen.folder or ROOT / "bench" / ".cache" / "smartpaf-long" / name
    torch.backends.cudnn.benchmark = True
    found = play(chosen)
    shown = {k: v for k, v in found.items() if k.endswith(("accuracy", "seconds", "steps"))}
    print(chosen.form, chosen.rates, shown, flush=True)
    if chosen.no_test:
        return
    results = {"measured_on": machine.description(), "seed": RECIPE.long.seed, "runs": {}}
    if chosen.out.exists():
        results["runs"] = json.loads(chosen.out.read_text())["runs"]
    results["runs"][name] = {k: v for k, v in found.items() if k != "coefficients"}
    chosen.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
