"""Every estimator on small integers: accuracy, seconds and bytes, beside Concrete ML where it is.

    python bench/integers.py [--rows 20] [--only NAME ...] [--concrete PYTHON] [--out FILE]
    python bench/integers.py --engine tfhe --out bench/results/integers_tfhe.json

Data sets are scikit-learn's, split with random_state 42, unscaled. For each estimator: its score
in the clear (scikit-learn's own), simulated, and how many of `--rows` encrypted rows equal the
simulated ones bit by bit; CPU seconds of lowering, of keys, and of an encrypted row, asked for
alone (batch=1) and in batches of 100. `--concrete` is the interpreter of an environment with
concrete-ml 1.9: the same models are then trained, compiled and run there, in the same call, on
data that are standardised for its linear models and networks. OMP_NUM_THREADS=1 compares cores.
`--engine tfhe`, in an environment with the extra tfhe, takes one input at a time, `--rows` of them.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import machine
import numpy as np
from sklearn import datasets
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tacit import estimators
from tacit.program import Program

ROOT = Path(__file__).parents[1]
PEER = ROOT / "bench" / "peers" / "concrete_ml.py"
BATCH = 100
SEED = 42
# A peer's slow models are timed on few rows; its time an input does not depend on how many.
PEER_ROWS = 1
TIME_LIMIT = 3600
POINTS = re.compile(r"(\d+) points")
Record = dict[str, object]
# What our networks are compared with: a usual network in floating point, standardised features.
NETWORKS = {
    "NeuralNetClassifier": MLPClassifier(hidden_layer_sizes=(32,), max_iter=500, random_state=SEED),
    "NeuralNetRegressor": MLPRegressor(hidden_layer_sizes=(32,), max_iter=2000, random_state=SEED),
}


@dataclass(frozen=True)
class Case:
    """One estimator on one data set, and what the peer calls the same."""

    name: str
    data: str
    make: Callable[[], estimators.Estimator]
    peer: str | None = None
    peer_arguments: Mapping[str, object] = field(default_factory=dict)
    scaled: bool = False
    batch: int = BATCH


def cases() -> list[Case]:
    """All that is measured."""
    e = estimators
    tree, few = {"max_depth": 4}, {"n_estimators": 10, "max_depth": 4}
    many = {"n_estimators": 50, "max_depth": 4}
    boosted = {"n_estimators": 50, "max_depth": 3}
    state = {"random_state": SEED}
    linear = {"n_bits": 8}
    six = {"n_bits": 6}
    found = [
        Case(
            f"logistic regression, {data}",
            data,
            lambda: e.LogisticRegression(max_iter=10000),
            "LogisticRegression",
            linear,
            scaled=True,
        )
        for data in ("breast_cancer", "digits", "iris", "wine")
    ]
    found += [
        Case(
            "linear regression, diabetes",
            "diabetes",
            e.LinearRegression,
            "LinearRegression",
            linear,
            scaled=True,
        ),
        Case("ridge, diabetes", "diabetes", e.Ridge, "Ridge", linear, scaled=True),
        Case("lasso, diabetes", "diabetes", e.Lasso, "Lasso", linear, scaled=True),
        Case("elastic net, diabetes", "diabetes", e.ElasticNet, "ElasticNet", linear, scaled=True),
        Case(
            "linear SVC, wine",
            "wine",
            lambda: e.LinearSVC(max_iter=100000),
            "LinearSVC",
            linear,
            scaled=True,
        ),
        Case("linear SVR, diabetes", "diabetes", lambda: e.LinearSVR(C=100.0), None),
        Case("SGD, digits", "digits", lambda: e.SGDClassifier(**state), None),
        Case("Poisson, diabetes", "diabetes", e.PoissonRegressor, None),
        Case("gamma, diabetes", "diabetes", e.GammaRegressor, None),
        Case("Tweedie, diabetes", "diabetes", e.TweedieRegressor, None),
        Case(
            "decision tree, depth 4",
            "breast_cancer",
            lambda: e.DecisionTreeClassifier(**tree, **state),
            "DecisionTreeClassifier",
            {**tree, **state, **six},
        ),
        Case(
            "decision tree, digits, depth 8",
            "digits",
            lambda: e.DecisionTreeClassifier(max_depth=8, **state),
            "DecisionTreeClassifier",
            {"max_depth": 8, **state, **six},
        ),
        Case(
            "tree regressor, depth 4",
            "diabetes",
            lambda: e.DecisionTreeRegressor(**tree, **state),
            "DecisionTreeRegressor",
            {**tree, **state, **six},
        ),
        Case(
            "random forest 10x4",
            "breast_cancer",
            lambda: e.RandomForestClassifier(**few, **state),
            "RandomForestClassifier",
            {**few, **state, **six},
        ),
        Case(
            "random forest 50x4",
            "breast_cancer",
            lambda: e.RandomForestClassifier(**many, **state),
            "RandomForestClassifier",
            {**many, **state, **six},
        ),
        Case(
            "forest regressor 50x4",
            "diabetes",
            lambda: e.RandomForestRegressor(**many, **state),
            "RandomForestRegressor",
            {**many, **state, **six},
        ),
        Case(
            "gradient boosting 50x3",
            "breast_cancer",
            lambda: e.GradientBoostingClassifier(**boosted, **state),
            None,
        ),
        Case(
            "gradient boosting regressor 10x3",
            "diabetes",
            lambda: e.GradientBoostingRegressor(n_estimators=10, max_depth=3, **state),
            None,
        ),
        Case(
            "XGBoost 50x3",
            "breast_cancer",
            lambda: e.XGBClassifier(**boosted, **state),
            "XGBClassifier",
            {**boosted, **state, **six},
        ),
        Case(
            "XGBoost, digits, 10x3",
            "digits",
            lambda: e.XGBClassifier(n_estimators=10, max_depth=3, **state),
            "XGBClassifier",
            {"n_estimators": 10, "max_depth": 3, **state, "n_bits": 4},
        ),
        Case(
            "network, breast cancer",
            "breast_cancer",
            lambda: e.NeuralNetClassifier(**state),
            "NeuralNetClassifier",
            {
                "module__n_layers": 3,
                "module__n_w_bits": 4,
                "module__n_a_bits": 4,
                "max_epochs": 20,
                "verbose": 0,
            },
            scaled=True,
        ),
        Case(
            "network, digits",
            "digits",
            lambda: e.NeuralNetClassifier(**state),
            "NeuralNetClassifier",
            {
                "module__n_layers": 3,
                "module__n_w_bits": 3,
                "module__n_a_bits": 3,
                "max_epochs": 20,
                "verbose": 0,
            },
            scaled=True,
        ),
        Case(
            "network regressor, diabetes",
            "diabetes",
            lambda: e.NeuralNetRegressor(hidden_layer_sizes=(32,), max_iter=1000, **state),
        ),
        # Small enough for an engine that pays for every look-up.
        Case(
            "network, iris, 8 neurons",
            "iris",
            lambda: e.NeuralNetClassifier(
                hidden_layer_sizes=(8,), max_iter=1000, n_bits=3, **state
            ),
        ),
        Case(
            "neighbours, 10 points, iris",
            "iris",
            lambda: e.KNeighborsClassifier(n_neighbors=3, n_bits=2),
        ),
        Case("neighbours, 112 points", "iris", e.KNeighborsClassifier, batch=20),
        Case("neighbours, 200 points", "breast_cancer", e.KNeighborsClassifier, batch=20),
    ]
    return found


def loaded(case: Case) -> tuple[np.ndarray, ...]:
    """Training and test rows with their labels."""
    x, y = getattr(datasets, f"load_{case.data}")(return_X_y=True)
    train, test, labels, wanted = train_test_split(x, y, random_state=SEED)
    points = POINTS.search(case.name)
    if points is not None:
        train, labels = train[: int(points[1])], labels[: int(points[1])]
    return train, test, labels, wanted


def reference(model: estimators.Estimator) -> ClassifierMixin | RegressorMixin:
    """The same in floating point: scikit-learn's own, or a network of it."""
    network = NETWORKS.get(type(model).__name__)
    if network is not None:
        return make_pipeline(StandardScaler(), network)
    ours = ("n_bits", "engine", "batch")
    given = {name: value for name, value in model.get_params().items() if name not in ours}
    return model.namesake(**given)


def measured(case: Case, rows: int, engine: str) -> Record:
    """One estimator, trained, lowered, and run encrypted alone and in batches."""
    train, test, labels, wanted = loaded(case)
    begin = time.process_time()
    model = case.make().set_params(engine=engine).fit(train, labels)
    fitted = time.process_time() - begin
    plain = reference(model).fit(train, labels)
    found: Record = {
        "data": case.data,
        "score_of_scikit_learn": float(plain.score(test, wanted)),
        "score": float(model.score(test, wanted)),
        "agreement": float(np.mean(model.predict(test) == plain.predict(test))),
        "bits": dict(model.bits_),
        "fit_and_lower_cpu_seconds": round(fitted, 2),
    }
    if engine == "tfhe":
        return found | {"alone": run(model.program_, test, rows)}
    found |= {"in_batches": run(model.program_, test, max(rows, case.batch))}
    alone = model.set_params(batch=1).fit(train, labels)
    found |= {"alone": run(alone.program_, test, 3)}
    return found


def run(program: Program, x: np.ndarray, rows: int) -> Record:
    """The program on ciphertexts, as many inputs to a ciphertext as it takes."""
    cost = program.cost
    inputs = np.resize(x, (rows, *x.shape[1:]))
    begin = time.process_time()
    engine = program.engine()
    keys = time.process_time() - begin
    seconds, opened = [], []
    size = cost.inputs_at_once
    begin = time.process_time()
    for start in range(0, rows, size):
        sealed = engine.client.seal(inputs[start : start + size], clip=True)
        before = time.process_time()
        answer = engine.server.answer(sealed)
        seconds.append(time.process_time() - before)
        opened.append(engine.client.open(answer, len(inputs[start : start + size])))
    whole = time.process_time() - begin
    results = np.concatenate(opened)
    wanted = program(inputs[: len(results)])
    return {
        "inputs_at_once": size,
        "rows": len(results),
        "equal_rows": int(np.sum((results == wanted).reshape(len(results), -1).all(1))),
        "server_cpu_seconds_an_answer": round(float(np.median(seconds)), 4),
        "predicted_cpu_seconds_an_answer": round(cost.seconds, 4),
        "cpu_seconds_a_row": round(whole / len(results), 5),
        "setup_cpu_seconds": round(keys, 2),
        "key_bytes": cost.key_bytes,
        "request_bytes": cost.request_bytes,
        "answer_bytes": cost.answer_bytes,
        "log2_ring_degree": cost.facts.get("log2_ring_degree"),
        "levels": cost.facts.get("levels"),
        "accumulator_bits": cost.facts.get("accumulator_bits"),
        "engine": cost.facts.get("engine"),
        "security_bits": program.arithmetic.security,
    }


def peer(case: Case, python: Path, rows: int) -> Record:
    """The same in the peer's environment."""
    asked = {
        "data": case.data,
        "model": case.peer,
        "arguments": dict(case.peer_arguments),
        "scaled": case.scaled,
        "rows": rows,
    }
    done = subprocess.run(
        [python, PEER],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        timeout=TIME_LIMIT,
    )
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1:]}
    found: Record = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    """Measure, print a line for each, and write the file after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20)
    parser.add_argument("--only", nargs="*", default=())
    parser.add_argument("--engine", choices=("bgv", "tfhe"), default="bgv")
    parser.add_argument("--concrete", type=Path, default=None)
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results" / "integers.json")
    given = parser.parse_args()
    known = json.loads(given.out.read_text()) if given.out.exists() else {}
    found = {"machine": machine.description(), "seed": SEED, "models": known.get("models", {})}
    for case in cases():
        if given.only and not any(part in case.name for part in given.only):
            continue
        record = measured(case, given.rows, given.engine)
        if given.concrete is not None and case.peer is not None:
            record["concrete_ml"] = peer(case, given.concrete, PEER_ROWS)
        found["models"][case.name] = record
        print(json.dumps({case.name: record}), flush=True)
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
