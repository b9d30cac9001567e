"""One network of bench/field.py, measured in a process of its own, which that file starts."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from baselines import bandwidth, single, slalom, whole
from baselines.timing import Work, least
from networks import imagenet
from torch import Tensor, nn
from verified import Verified, verified

Figures = dict[str, object]
Seconds = Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Case:
    """A network, itself and folded, the ways to compute it, and how often all is timed."""

    original: nn.Module
    folded: nn.Module
    steps: tuple[imagenet.Step, ...]
    floats: Mapping[str, whole.Run]
    integers: Mapping[str, whole.Run]
    rounds: int
    seed: int


def case(given: argparse.Namespace) -> Case:
    """The network that the command line asks for."""
    original = imagenet.network(given.network)
    folded = imagenet.folded(original)
    floats = whole.floats(folded, given.folder, compiled=not given.quick)
    integers = whole.integers(folded, given.folder)
    steps = imagenet.steps(folded)
    return Case(original, folded, steps, floats, integers, given.rounds, given.seed)


def of_batch(asked: Case, batch: int) -> Figures:
    """All figures of one batch's size."""
    x = imagenet.images(batch)
    theirs = slalom.verifier(asked.folded, batch, np.random.default_rng(asked.seed))
    ours = verified(asked.original, batch)
    works = {
        **{f"float32/{way}": _whole(run, x) for way, run in asked.floats.items()},
        **{f"int8/{way}": _whole(run, x) for way, run in asked.integers.items()},
        **{f"read/{way}": work for way, work in bandwidth.reading().items()},
        **{
            f"slalom/{name}": Work(lambda _, step=step: step())
            for name, step in theirs.steps.items()
        },
        "slalom": Work(lambda _: theirs()),
        **ours.works,
    }
    seconds = least(works, rounds=asked.rounds)
    read = bandwidth.BYTES / min(_under("read/", seconds).values())
    floats, integers = (_best(_under(f"{kind}/", seconds)) for kind in ("float32", "int8"))
    verify = _ours(ours, seconds, read)
    return {
        "rounds": asked.rounds,
        "read_bytes_per_second": read,
        "float32": floats,
        "int8": integers | {"differences": _differences(asked, x)},
        "slalom": {
            "seconds": seconds["slalom"],
            "precompute_seconds": theirs.precompute_seconds,
            "layers": _under("slalom/", seconds),
        },
        "verify": verify,
        "ratios": _ratios(floats, integers, seconds),
        "layers": _layers(asked, batch, _under("slalom/", seconds), ours),
    }


def _whole(run: whole.Run, x: Tensor) -> Work:
    def quiet(_: object) -> object:
        with torch.inference_mode():
            return run(x)

    return Work(quiet)


def _under(head: str, seconds: Seconds) -> dict[str, float]:
    return {
        name.removeprefix(head): found for name, found in seconds.items() if name.startswith(head)
    }


def _best(ways: dict[str, float]) -> Figures:
    by = min(ways, key=ways.__getitem__)
    return {"seconds": ways[by], "by": by, "all": ways}


def _ours(ours: Verified, seconds: Seconds, read: float) -> Figures:
    speed = ours.kernel_bytes / seconds["verify, kernel"]
    return {
        "seconds": seconds["verify"],
        "challenge_seconds": seconds["verify, challenges"],
        "blinded_seconds": seconds["verify, blinded"],
        "mask_seconds": seconds["verify, masks"],
        "kernel_seconds": seconds["verify, kernel"],
        "kernel_bytes_per_second": speed,
        "kernel_share_of_bandwidth": speed / read,
        "soundness_bits": ours.soundness_bits,
        "facts": dict(ours.facts),
    }


def _ratios(floats: Figures, integers: Figures, seconds: Seconds) -> Figures:
    def times(theirs: object, ours: str) -> float | None:
        assert isinstance(theirs, float)
        return theirs / seconds[ours] if ours in seconds else None

    return {
        "float32": times(floats["seconds"], "verify"),
        "int8": times(integers["seconds"], "verify"),
        "slalom": times(seconds["slalom"], "verify"),
        "blinded_float32": times(floats["seconds"], "verify, blinded"),
        "blinded_int8": times(integers["seconds"], "verify, blinded"),
    }


def _differences(asked: Case, x: Tensor) -> dict[str, float]:
    """How far every int8 way's result for one image is from float32's, relatively."""
    with torch.inference_mode():
        exact = asked.folded(x[:1])
        found = {way: torch.as_tensor(run(x[:1])) for way, run in asked.integers.items()}
    return {way: float((y - exact).norm() / exact.norm()) for way, y in found.items()}


def _layers(asked: Case, batch: int, theirs: Seconds, ours: Verified) -> list[Figures]:
    """Every layer that multiplies; equal shapes are timed once."""
    kinds = {
        shapes: (
            _best(least(single.floats(step, batch), rounds=asked.rounds)),
            _best(least(single.integers(step, batch), rounds=asked.rounds)),
        )
        for shapes, step in single.products(asked.steps).items()
    }
    layers = [step for step in asked.steps if step.products]
    verify = ours.layers(asked.rounds)
    return [
        {
            "name": step.name,
            "kind": type(step.layer).__name__,
            "input": step.inputs[0],
            "output": step.output,
            "products": step.products,
            "float32": kinds[single.shapes(step)][0]["seconds"],
            "int8": kinds[single.shapes(step)][1]["seconds"],
            "slalom": theirs[step.name],
            "verify": seconds,
        }
        for step, seconds in zip(layers, verify, strict=True)
    ]


def main() -> None:
    """Measure one network and leave its figures in a file of the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", required=True, choices=list(imagenet.NETWORKS))
    parser.add_argument("--folder", required=True, type=Path)
    parser.add_argument("--batches", nargs="+", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    asked = case(given)
    found = {
        "products": sum(step.products for step in asked.steps),
        "batches": {str(batch): of_batch(asked, batch) for batch in given.batches},
    }
    (given.folder / "found.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
