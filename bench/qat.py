"""Networks of few bits: float, only rounded, trained with the rounding, and what each answer costs.

    python bench/qat.py [--seeds 3] [--out bench/results/qat.json]

Small networks on scikit-learn's digits and breast cancer, split with random_state 42 (the latter
standardised), batch norms folded. A network of real numbers is quantised, with sums of at most so
many bits, and trained for 1,500 steps with half of the float network's answers in the loss; of 20
looks at a held-out fifth the best is kept. The test part is used once. Predicted seconds are those
of one answer, to as many inputs as share its ciphertexts.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from dataclasses import dataclass
from pathlib import Path

import machine
import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional

import tacit
from tacit.arithmetics.integers import Grouping
from tacit.tune import QAT, Quantisation, Rows, accumulator_bits, quantise, train

SEED, FLOAT_STEPS, BATCH = 42, 600, 64
WIDTHS = ((4, 11), (4, 9), (3, 9), (3, 8), (2, 6))
Record = dict[str, object]


@dataclass(frozen=True)
class Case:
    """A data set and the hidden layers of a network for it."""

    data: str
    hidden: tuple[int, ...]


CASES = (
    Case("breast cancer", (32,)),
    Case("breast cancer", (32, 16)),
    Case("digits", (64,)),
)


def split(case: Case) -> tuple[Rows, Rows, Rows]:
    """The rows to learn from, to choose by, and to test by."""
    load = load_digits if case.data == "digits" else load_breast_cancer
    x, y = load(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(x, y, random_state=SEED)
    if case.data == "digits":
        train_x, test_x = train_x / 16.0, test_x / 16.0
    else:
        scaler = StandardScaler().fit(train_x)
        train_x, test_x = scaler.transform(train_x), scaler.transform(test_x)
    x, chosen_x, y, chosen_y = train_test_split(
        train_x.astype(np.float32), train_y, test_size=0.2, random_state=SEED
    )
    return Rows(x, y), Rows(chosen_x, chosen_y), Rows(test_x.astype(np.float32), test_y)


def learned(case: Case, rows: Rows, seed: int) -> nn.Module:
    """A network of real numbers."""
    torch.manual_seed(seed)
    sizes = (rows.x.shape[1], *case.hidden)
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(sizes[-1], int(rows.y.max()) + 1))
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=1e-2)
    for _ in range(FLOAT_STEPS):
        x, y = rows.at(torch.randint(len(rows), (BATCH,)).numpy())
        optimiser.zero_grad()
        functional.cross_entropy(model(x), y).backward()
        optimiser.step()
    return model.eval()


def accuracy(model: nn.Module, rows: Rows) -> float:
    """The share of rows that a network is right about."""
    with torch.no_grad():
        found = model(torch.from_numpy(rows.x)).argmax(1).numpy()
    return float(np.mean(found == rows.y))


def measured(case: Case, seeds: int) -> Record:
    """All widths of one case."""
    rows, chosen, test = split(case)
    runs: dict[str, Record] = {}
    floats = [learned(case, rows, seed) for seed in range(seeds)]
    for bits, sums in WIDTHS:
        rounded, trained, seconds = [], [], []
        for seed, teacher in enumerate(floats):
            wanted = Quantisation(bits, bits, accumulator=sums)
            small = quantise(teacher, torch.from_numpy(rows.x), wanted)
            begin = time.process_time()
            knobs = QAT(distillation=0.5, check=75, seed=seed)
            found = train(small, rows, knobs, teacher=teacher, held_out=chosen).model
            seconds.append(time.process_time() - begin)
            rounded.append(accuracy(small, test))
            trained.append(accuracy(found, test))
        integers = tacit.Integers(grouping=Grouping.TENSOR)
        program = tacit.compile(found, rows.x.astype(np.float64), integers)
        simulated = program(test.x.astype(np.float64)).argmax(1)
        with torch.no_grad():
            in_torch = found(torch.from_numpy(test.x)).argmax(1).numpy()
        name = f"{bits} bits, sums of {sums}"
        runs[name] = {
            "rounded": rounded,
            "trained": trained,
            "accumulators": accumulator_bits(found),
            "training_cpu_seconds": round(float(np.mean(seconds)), 1),
            "same_as_torch": float(np.mean(simulated == in_torch)),
            "predicted_cpu_seconds": round(program.cost.seconds, 2),
            "inputs_at_once": program.cost.inputs_at_once,
        }
        print(json.dumps({f"{case.data}, {name}": runs[name]}), flush=True)
    return {"float": [accuracy(model, test) for model in floats], "widths": runs}


def main() -> None:
    """Measure every case and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("bench/results/qat.json"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    networks = {}
    for case in CASES:
        name = f"{case.data}, {'-'.join(map(str, case.hidden))}"
        networks[name] = measured(case, given.seeds)
    found = {"machine": machine.description(), "seed": SEED, "quantised": networks}
    given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
