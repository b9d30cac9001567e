"""Concrete ML on one case, in its own environment: a JSON object on standard input and output.

It is run by bench/integers.py with the interpreter of an environment that has concrete-ml 1.9.
"""

import json
import sys
import time

import concrete.ml.sklearn as peer
import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


def data(name, scaled):
    """The data set, split as in bench/integers.py; standardised where the peer needs that."""
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    train, test, labels, wanted = train_test_split(x, y, random_state=42)
    if scaled:
        scaler = StandardScaler().fit(train)
        train, test = scaler.transform(train), scaler.transform(test)
    return train.astype(np.float32), test.astype(np.float32), labels, wanted


def main():
    """Train, compile, make keys, predict some rows encrypted, and report."""
    case = json.load(sys.stdin)
    train, test, labels, wanted = data(case["data"], case["scaled"])
    model = getattr(peer, case["model"])(**case["arguments"])
    model.fit(train, labels)
    begin = time.perf_counter()
    circuit = model.compile(train)
    compiled = time.perf_counter() - begin
    begin, cpu = time.perf_counter(), time.process_time()
    circuit.client.keygen(force=True)
    keys, keys_cpu = time.perf_counter() - begin, time.process_time() - cpu
    rows = case["rows"]
    model.predict(test[:1], fhe="execute")
    begin, cpu = time.perf_counter(), time.process_time()
    found = model.predict(test[:rows], fhe="execute")
    wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
    print(
        json.dumps(
            {
                "score": float(model.score(test, wanted)),
                "compile_seconds": round(compiled, 2),
                "key_seconds": round(keys, 2),
                "key_cpu_seconds": round(keys_cpu, 2),
                "key_bytes": len(circuit.client.evaluation_keys.serialize()),
                "cpu_seconds_a_sample": cpu / rows,
                "wall_seconds_a_sample": wall / rows,
                "rows": rows,
                "same_as_clear": int(np.sum(found == model.predict(test[:rows]))),
            }
        )
    )


if __name__ == "__main__":
    main()
