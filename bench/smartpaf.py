"""SmartPAF's techniques measured: accuracy won back after activations became polynomials.

    python bench/smartpaf.py --data DATA [--only resnet20 fashion] [--forms alpha7 ...]
                             [--variants full ...] [--workers 2] [--out bench/results/smartpaf.json]

DATA (or TACIT_DATA) holds cifar-10-batches-bin/, fashion-mnist/ and weights/. Every case runs in a
process of its own on one core, keeps its state in bench/.cache/smartpaf/, and goes on from there if
it was stopped. Candidates are chosen on images held out of the training part; the test part is used
once, at a case's end. Float accuracies are the same network's with its own activations.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

import machine

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "examples" / "smartpaf"))

FORMS = ("alpha7", "f1f1g1g1", "f2g3", "f2g2", "f1g2")
# Points below float that are aimed at, under static scales.
TARGETS = {
    "resnet20": {"alpha7": 1.0, "f1f1g1g1": 1.0, "f2g3": 2.5, "f2g2": 2.5, "f1g2": 6.0},
    "fashion": {"alpha7": 1.0, "f1f1g1g1": 1.0},
}
SEED, HELD_OUT = 20261127, 1000
Record = dict[str, object]


@dataclass(frozen=True)
class Variant:
    """Which techniques, under which scaling, and knobs that differ from the others'."""

    techniques: str
    scaling: str = "static"
    knobs: tuple[tuple[str, float], ...] = ()


# What is left out keeps the number of steps: those of the progressive pass go to the end.
VARIANTS = {
    "untuned": Variant("none"),
    "ct": Variant("ct"),
    "full": Variant("ct,pa,at"),
    "without ct": Variant("pa,at"),
    "without pa": Variant("ct,at"),
    "without at": Variant("ct,pa"),
    "dynamic": Variant("ct,pa,at", "dynamic"),
    "without distillation": Variant("ct,pa,at", knobs=(("distillation", 0.0),)),
    "without penalty": Variant("ct,pa,at", knobs=(("penalty", 0.0),)),
    "without average": Variant("ct,pa,at", knobs=(("average", 0.0),)),
    "together": Variant("ft"),
}
USUAL = ("full", "untuned", "ct", "without ct", "without pa", "without at", "dynamic")


def network(name: str, data: Path) -> tuple[object, object, object, object, object]:
    """The float network, its training and test images, augmentation and normalisation."""
    import networks

    from tacit.data import IMAGENET, cropped_and_flipped, load_images, split

    if name == "resnet20":
        folder = data / "cifar-10-batches-bin"
        weights = data / "weights" / "resnet20_cifar10_akamaster.npz"
        model = networks.load_weights(networks.CifarResNet(), weights)
        train, test = (load_images(folder, part) for part in ("train", "test"))
        return model, train, test, cropped_and_flipped, IMAGENET
    from recipes import RECIPES
    from tune import trained

    recipe = RECIPES["cnn-fashion"]
    train, test = (load_images(data / "fashion-mnist", part) for part in ("train", "test"))
    # The float network never sees what candidates are told by.
    model = trained(recipe, split(train, HELD_OUT, SEED)[0], cache())
    return model, train, test, recipe.augmentation, recipe.normalisation


def cache() -> Path:
    """Where networks and the state of unfinished cases are kept."""
    folder = ROOT / "bench" / ".cache" / "smartpaf"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def case(name: str, form: str, variant: Variant, data: Path) -> Record:
    """One form and variant: tuned, then measured on the test part."""
    import torch

    from tacit.data import split
    from tacit.tune.measure import score
    from tacit.tune.paf import pafs
    from tacit.tune.replace import replace as replaced
    from tacit.tune.samples import Samples
    from tacit.tune.save import save
    from tacit.tune.scaling import Scaling, out_of_range, recount, use
    from tacit.tune.training import SmartPAF, smartpaf, techniques

    torch.set_num_threads(1)
    model, images, test, augmentation, normalisation = network(name, data)
    train, held_out = split(images, HELD_OUT, SEED)
    knobs = SmartPAF(
        techniques=techniques(variant.techniques),
        scaling=Scaling(variant.scaling),
        seed=SEED,
        **dict(variant.knobs),
    )
    layers = len(pafs(replaced(model, form, torch.zeros(2, *train.x.shape[1:]))))
    if "pa" not in variant.techniques:
        knobs = replace(knobs, joint=knobs.joint + layers * knobs.layer_steps)
    parts = (name, form, variant.techniques, variant.scaling, *(knob for knob, _ in variant.knobs))
    folder = cache() / "-".join(parts).replace(",", "")
    went_on = (folder / "checkpoint.safetensors").exists()
    cpu, wall = time.process_time(), time.perf_counter()
    found = smartpaf(
        model, form, Samples(train, held_out, augmentation, normalisation), knobs, folder=folder
    )
    record: Record = {
        "techniques": variant.techniques,
        "trained_under": variant.scaling,
        "knobs": dict(variant.knobs),
        "steps": found.steps,
        # Then the seconds are those of the rest only.
        "went_on": went_on,
        "images_seen": found.steps * knobs.batch,
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "wall_seconds": round(time.perf_counter() - wall, 1),
        "held_out_accuracy": [each.accuracy for each in found.checks if each.kept][-1],
        "checks": [each.record for each in found.checks],
    }
    recount(found.model)
    use(found.model, Scaling.STATIC)
    static = score(found.model, test, normalisation=normalisation)
    record["static_accuracy"] = static.accuracy
    record["out_of_range"] = out_of_range(found.model)
    if variant.techniques in {"none", "ct", "ct,pa,at"}:
        use(found.model, Scaling.DYNAMIC)
        record["dynamic_accuracy"] = score(found.model, test, normalisation=normalisation).accuracy
    if not variant.knobs and variant.scaling == "static" and variant.techniques == "ct,pa,at":
        use(found.model, Scaling.STATIC)
        normalise = normalisation or train.normalisation
        save(
            found.model,
            cache() / f"{name}-{form}.pt2",
            normalise(train.x[:100]),
            overwrite=True,
        )
    return record


def float_accuracy(name: str, data: Path) -> Record:
    """The network with its own activations, on the whole test part."""
    import torch

    from tacit.tune.measure import score

    torch.set_num_threads(1)
    model, _, test, _, normalisation = network(name, data)
    found = score(model, test, normalisation=normalisation)
    return {"accuracy": found.accuracy, "images": found.images}


def child(arguments: argparse.Namespace, *what: str) -> Record:
    """A case in a process of its own, on one core."""
    command = [sys.executable, __file__, "--data", str(arguments.data), "--case", *what]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT
    )
    if done.returncode:
        raise SystemExit(f"{what}: {done.stderr[-2000:]}")
    found: Record = json.loads(done.stdout.splitlines()[-1])
    return found


def play(arguments: argparse.Namespace) -> Record:
    """What a process with a case does."""
    name, form, *variant = arguments.case
    if form == "float":
        return float_accuracy(name, arguments.data)
    return case(name, form, VARIANTS[variant[0]], arguments.data)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("TACIT_DATA"))
    parser.add_argument("--only", nargs="*", default=list(TARGETS), choices=list(TARGETS))
    parser.add_argument("--forms", nargs="*", default=list(FORMS), choices=FORMS)
    parser.add_argument("--variants", nargs="*", default=list(USUAL), choices=list(VARIANTS))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results" / "smartpaf.json")
    parser.add_argument("--case", nargs="*", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("--data (or TACIT_DATA) names the folder that holds the images")
    if arguments.case:
        print(json.dumps(play(arguments)))
        return
    results: dict[str, object] = {"machine": machine.description(), "seed": SEED, "smartpaf": {}}
    if arguments.out.exists():
        results["smartpaf"] = json.loads(arguments.out.read_text())["smartpaf"]
    measured = results["smartpaf"]
    assert isinstance(measured, dict)
    wanted = [(name, "float", "") for name in arguments.only]
    wanted += [
        (name, form, variant)
        for variant in arguments.variants
        for name in arguments.only
        for form in arguments.forms
    ]
    with ThreadPoolExecutor(arguments.workers) as pool:
        waiting = {pool.submit(child, arguments, *each): each for each in wanted}
        for future in as_completed(waiting):
            name, form, variant = waiting[future]
            found = future.result()
            held = measured.setdefault(name, {"float": {}, "targets": TARGETS[name], "forms": {}})
            if form == "float":
                held["float"] = found
            else:
                held["forms"].setdefault(form, {})[variant] = found
            shown = {k: v for k, v in found.items() if k.endswith(("accuracy", "seconds"))}
            print(name, form, variant, shown, flush=True)
            arguments.out.parent.mkdir(parents=True, exist_ok=True)
            arguments.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
