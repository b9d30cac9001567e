"""A tuning that is killed at random moments and taken up again ends with the same numbers.

    python bench/resume.py [--kills 10] [--seed 20261127] [--out bench/results/resume.json]

`tacit tune` trains a small network on scikit-learn's digits in a process of its own. Once it runs
undisturbed; then, at each of ten random moments, it is killed (SIGKILL, which no process can catch)
and called again with the same arguments. Every third moment is anywhere between start and end, the
others after the first checkpoint, where there is something to go on with. Compared are all figures
of the report but the seconds, and every number in the tuned file, bit by bit.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

from tacit.tune.save import load

KNOBS = "layer_steps=15,steps=80,joint=120,check=20,turn=10,batch=50,observed=500"
TIME_LIMIT = 600


def prepare(folder: Path) -> None:
    """The data, and a network that has learnt them, as files."""
    digits = load_digits()
    x = (digits.images / 16.0).astype(np.float32)
    np.savez(folder / "digits.npz", x_train=x, y_train=digits.target)
    torch.manual_seed(0)
    network = nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(256, 10)),
    )
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    inputs, labels = torch.from_numpy(x[:, None]), torch.from_numpy(digits.target)
    for _ in range(6):
        for rows in torch.randperm(len(labels)).split(50):
            optimiser.zero_grad()
            functional.cross_entropy(network(inputs[rows]), labels[rows]).backward()
            optimiser.step()
    shapes = ({0: torch.export.Dim("batch")},)
    program = torch.export.export(network.eval(), (inputs[:2].clone(),), dynamic_shapes=shapes)
    torch.export.save(program, folder / "network.pt2")


def start(folder: Path, name: str) -> subprocess.Popen[bytes]:
    """`tacit tune`, begun or taken up."""
    command = [sys.executable, "-c", "from tacit.cli import main; main()", "tune"]
    command += ["network.pt2", "--data", "digits.npz", "--forms", "f1g2", "--knobs", KNOBS]
    command += ["-o", f"{name}.pt2", "--no-pictures", "--json"]
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def finish(folder: Path, name: str) -> float:
    """Seconds until it ends by itself."""
    begin = time.perf_counter()
    process = start(folder, name)
    _, said = process.communicate(timeout=TIME_LIMIT)
    if process.returncode:
        raise SystemExit(said.decode()[-2000:])
    return time.perf_counter() - begin


def figures(folder: Path, name: str) -> dict[str, object]:
    """All that the report says but times and names."""
    found: dict[str, object] = json.loads((folder / f"{name}.tuning" / "report.json").read_text())
    return {key: value for key, value in found.items() if key not in {"model", "tuning_seconds"}}


def same_numbers(folder: Path, one: str, other: str) -> bool:
    """Whether two tuned files hold the same tensors, bit by bit."""
    first, second = (load(folder / f"{name}.pt2").state_dict() for name in (one, other))
    return first.keys() == second.keys() and all(
        torch.equal(each, second[name]) for name, each in first.items()
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=20261127)
    default = Path(__file__).parent / "results" / "resume.json"
    parser.add_argument("--out", type=Path, default=default)
    arguments = parser.parse_args()
    drawn = np.random.default_rng(arguments.seed)
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        prepare(folder)
        whole = finish(folder, "whole")
        for number in range(arguments.kills):
            name = f"killed{number}"
            checkpoint = folder / f"{name}.tuning" / "checkpoint.safetensors"
            begin = time.perf_counter()
            process = start(folder, name)
            while number % 3 and not checkpoint.exists():
                time.sleep(0.01)
            before = time.perf_counter() - begin
            moment = before + float(drawn.uniform(0.0, max(whole - before, 1.0)))
            time.sleep(moment - before)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            had_begun = checkpoint.exists()
            if not (folder / f"{name}.pt2").exists():
                finish(folder, name)
            row = {
                "killed_after_seconds": round(moment, 2),
                "had_a_checkpoint": had_begun,
                "same_report": figures(folder, name) == figures(folder, "whole"),
                "same_tensors": same_numbers(folder, name, "whole"),
            }
            rows.append(row)
            print(row, flush=True)
    result = {
        "machine": machine.description(),
        "undisturbed_seconds": round(whole, 1),
        "seed": arguments.seed,
        "kills": rows,
        "all_the_same": all(row["same_report"] and row["same_tensors"] for row in rows),
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")
    print(f"all the same: {result['all_the_same']}")


if __name__ == "__main__":
    main()
