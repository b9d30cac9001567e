"""The field: time to verify a network's products against computing the network oneself.

    python bench/field.py [--out bench/results/field.json] [--only NAME ...] [--batches 1 16]
                          [--rounds 5] [--quick]

ResNet-18, VGG-16 and MobileNetV1 at 224 × 224 with random weights, each in a process of its own, on
one thread. Every piece of work of a network and batch takes its turn in every round, and the least
of its CPU seconds counts. Seconds are of a whole batch. `--quick` is two rounds, batch 1, without
torch.compile. The file of results holds:

    machine, seed, torch, onnxruntime, numba
    networks.NAME
      products                multiplications for one image
      batches.SIZE
        rounds                how often every piece of work was timed
        read_bytes_per_second of one core over 512 MiB, measured in the same rounds
        float32, int8         {seconds, by, all: {way: seconds}}: the best way is the baseline
        int8.differences      {way: relative distance of its result from float32's}
        slalom                {seconds, precompute_seconds, layers: {step: seconds}}
        verify                null, or {seconds, challenge_seconds, blinded_seconds, mask_seconds,
                              kernel_seconds, kernel_bytes_per_second, kernel_share_of_bandwidth,
                              soundness_bits, facts}
        ratios                {float32, int8, slalom, blinded_float32, blinded_int8}: how many times
                              less `verify` takes; null where it was not measured
        layers                [{name, kind, input, output, products, float32, int8, slalom, verify}]
                              each layer that multiplies, alone at its shapes with its ReLU; the
                              best way's seconds
    targets                   {NAME: {float32, int8}}: ratios aimed at; and kernel_share
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import machine

NAMES = ("resnet18", "vgg16", "mobilenet")
TARGETS = {"vgg16": {"float32": 60, "int8": 15}, "resnet18": {"float32": 18, "int8": 3.5}}
KERNEL_SHARE = 0.8
SEED = 20261127
# One core: read by the libraries when they start.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


def measured(name: str, given: argparse.Namespace) -> dict[str, object]:
    """One network's figures, from a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(Path(__file__).with_name("field_network.py"))]
        command += ["--network", name, "--folder", folder, "--seed", str(SEED)]
        command += ["--rounds", str(given.rounds), "--batches", *map(str, given.batches)]
        command += ["--quick"] if given.quick else []
        subprocess.run(command, env=os.environ | ONE_THREAD, check=True)
        found: dict[str, object] = json.loads((Path(folder) / "found.json").read_text("utf-8"))
        return found


def table(networks: dict[str, dict]) -> str:
    """The ratios, a line for every network and batch."""
    lines = [
        f"{'network':10} {'batch':>5} {'float32':>10} {'int8':>10} {'Slalom':>10} {'verify':>10}"
        f" {'float/v':>8} {'int8/v':>8} {'aimed at':>9} {'kernel':>7}"
    ]
    for name, network in networks.items():
        for batch, found in network["batches"].items():
            lines.append(_line(name, batch, found))
    return "\n".join(lines)


def _line(name: str, batch: str, found: dict) -> str:
    aim = TARGETS.get(name)
    ours, ratios = found["verify"] or {}, found["ratios"]
    times = (found["float32"], found["int8"], found["slalom"], ours)
    milliseconds = " ".join(_cell(each.get("seconds"), 10, "ms", 1e3) for each in times)
    aimed = f"{aim['float32']}/{aim['int8']}" if aim else "–"
    return (
        f"{name:10} {batch:>5} {milliseconds} {_cell(ratios['float32'], 8, '×')}"
        f" {_cell(ratios['int8'], 8, '×')} {aimed:>9}"
        f" {_cell(ours.get('kernel_share_of_bandwidth'), 7, '%', 100)}"
    )


def _cell(value: float | None, width: int, unit: str, factor: float = 1.0) -> str:
    return ("–" if value is None else f"{value * factor:.1f} {unit}").rjust(width)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("bench/results/field.json"))
    parser.add_argument("--only", nargs="*", default=list(NAMES), choices=NAMES)
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 16])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    if given.quick:
        given.rounds, given.batches = 2, [1]
    return given


def main() -> None:
    """Measure every network and write the file after each."""
    given = parsed()
    results = {
        "machine": machine.description(),
        **{name: metadata.version(name) for name in ("torch", "onnxruntime", "numba")},
        "seed": SEED,
        "targets": TARGETS | {"kernel_share": KERNEL_SHARE},
        "networks": {},
    }
    for name in given.only:
        results["networks"][name] = measured(name, given)
        print(table({name: results["networks"][name]}), flush=True)
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
