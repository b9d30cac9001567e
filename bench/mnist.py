"""Five MNIST networks under CKKS: seconds, memory and accuracy, predicted and measured.

    python bench/mnist.py [--networks bench/.cache] [--out bench/results/mnist.json]
                          [--only NAME ...] [--images 10000] [--orion PYTHON]

The networks come from bench/networks/train.py. Each is compiled in one process and served in
another, which holds no secret and no torch, from the files that a real client and server exchange.
`--orion` names an interpreter that has orion-fhe, which bench/orion.py then measures on the same
networks. Seconds are of CPU, all cores added up, unless they say wall.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import machine
import numpy as np

import tacit
from tacit import CKKS
from tacit.serve import Client, Server, load_program, make_keys

# A case's network (a file of bench/.cache) and knobs; the last shares ciphertexts among inputs.
NETWORKS: dict[str, tuple[str, CKKS]] = {
    "mlp_square": ("mlp_square", CKKS()),
    "lola": ("lola", CKKS()),
    "conv_square": ("conv_square", CKKS()),
    "mlp_relu": ("mlp_relu", CKKS(error=2**-7)),
    "lenet_relu": ("lenet_relu", CKKS(error=2**-7)),
    "mlp_square_8_at_once": ("mlp_square", CKKS(batch=8)),
}
# What is aimed at: CPU seconds an image and peak bytes of the server.
TARGETS = {
    "mlp_square": (0.4, 1.5e9),
    "lola": (0.25, None),
    "conv_square": (3.0, 4e9),
    "mlp_relu": (3.0, None),
    "lenet_relu": (15.0, 8e9),
    "mlp_square_8_at_once": (None, None),
}
ORION = ("mlp_square", "lola", "conv_square", "mlp_relu")
ANSWERS = 5
Result = dict[str, object]


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall seconds of a call."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def peak_bytes() -> int:
    """The most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def compile_one(name: str, networks: Path, folder: Path, images: int) -> Result:
    """Read, calibrate, lower and pack; then accuracy in the clear and simulated."""
    calibration = np.load(networks / "mnist-calibration.npz")["x"]
    test = np.load(networks / "mnist-test.npz")
    x, y = test["x"][:images].astype(np.float64), test["y"][:images]
    cpu, wall = time.process_time(), time.perf_counter()
    network, knobs = NETWORKS[name]
    graph = tacit.calibrate(tacit.read(networks / f"{network}.pt2"), calibration)
    program = tacit.lower(graph, knobs)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    tacit.pack(program, folder, source=graph)
    clear = np.concatenate([graph(x[i : i + 250]) for i in range(0, len(x), 250)])
    simulated = np.concatenate([program(x[i : i + 250]) for i in range(0, len(x), 250)])
    asked = ANSWERS * knobs.batch
    np.save(folder / "simulated.npy", simulated[:asked])
    np.save(folder / "x.npy", x[:asked])
    return {
        "inputs_at_once": knobs.batch,
        "compile_seconds": cpu,
        "compile_wall_seconds": wall,
        "images": len(x),
        "accuracy_clear": float(np.mean(clear.argmax(1) == y)),
        "accuracy_simulated": float(np.mean(simulated.argmax(1) == y)),
        "audit": dict(program.arithmetic.audit(program.arithmetic.cut(program)[0])),
    }


def predict_one(folder: Path) -> Result:
    """What the program says beforehand, in a process of its own."""
    cost = load_program(folder).cost
    facts = {name: value for name, value in cost.facts.items() if name != "seconds_by_word"}
    return {
        "predicted_seconds": cost.seconds / cost.inputs_at_once,
        "predicted_setup_seconds": cost.setup_seconds,
        "predicted_peak_bytes": cost.memory_bytes,
        "key_bytes": cost.key_bytes,
        "facts": facts,
    }


def keys_one(folder: Path) -> Result:
    """The client's keys, and its sealed inputs."""
    cpu, wall = timed(lambda: make_keys(folder, secret=folder / "secret", keys=folder / "keys"))
    client = Client(folder, secret=folder / "secret")
    x = np.split(np.load(folder / "x.npy"), ANSWERS)
    sealing = []
    for number in range(ANSWERS):
        before = time.process_time()
        (folder / f"sealed{number}").write_bytes(client.seal(x[number]))
        sealing.append(time.process_time() - before)
    return {
        "keygen_seconds": cpu,
        "keygen_wall_seconds": wall,
        "key_file_bytes": (folder / "keys").stat().st_size,
        "request_bytes": (folder / "sealed0").stat().st_size,
        "seal_seconds": statistics.median(sealing),
    }


def serve_one(folder: Path, batch: int) -> Result:
    """The server: loads its part and the keys, answers one ciphertext's images at a time."""
    made: list[Server] = []
    load_cpu, load_wall = timed(lambda: made.append(Server(folder, keys=folder / "keys")))
    seconds, walls = [], []
    for number in range(ANSWERS):
        message = (folder / f"sealed{number}").read_bytes()
        answer: list[bytes] = []
        cpu, wall = timed(lambda: answer.append(made[0].answer(message)))  # noqa: B023
        (folder / f"answer{number}").write_bytes(answer[0])
        seconds.append(cpu / batch)
        walls.append(wall / batch)
    return {
        "encode_seconds": load_cpu,
        "encode_wall_seconds": load_wall,
        "seconds": statistics.median(seconds),
        "seconds_least": min(seconds),
        "wall_seconds": statistics.median(walls),
        "peak_bytes": peak_bytes(),
        "answer_bytes": (folder / "answer0").stat().st_size,
    }


def open_one(folder: Path) -> Result:
    """The client opens the answers and compares them with the simulation."""
    client = Client(folder, secret=folder / "secret")
    simulated = np.load(folder / "simulated.npy")
    answers = [client.open((folder / f"answer{n}").read_bytes()) for n in range(ANSWERS)]
    opened = np.concatenate(answers)
    largest = float(np.abs(opened - simulated).max())
    return {
        "largest_difference_from_simulated": largest,
        "bits": float(-np.log2(largest)),
        "largest_output": float(np.abs(simulated).max()),
        "same_prediction": int(np.sum(opened.argmax(1) == simulated.argmax(1))),
        "answers": len(opened),
    }


def role(name: str, arguments: argparse.Namespace, folder: Path) -> Result:
    """A part of the work in a process of its own, so that its memory is its own."""
    command = [sys.executable, __file__, "--role", name, "--folder", str(folder)]
    command += ["--networks", str(arguments.networks), "--images", str(arguments.images)]
    command += ["--only", *arguments.only]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: Result = json.loads(done.stdout)
    return found


def play(arguments: argparse.Namespace) -> Result:
    """What the process with a role does."""
    folder, (name,) = arguments.folder, arguments.only
    match arguments.role:
        case "compile":
            return compile_one(name, arguments.networks, folder, arguments.images)
        case "predict":
            return predict_one(folder)
        case "keys":
            return keys_one(folder)
        case "serve":
            return serve_one(folder, NETWORKS[name][1].batch)
        case _:
            return open_one(folder)


def measured(name: str, arguments: argparse.Namespace) -> Result:
    """All figures of one network."""
    one = argparse.Namespace(**{**vars(arguments), "only": [name]})
    result: Result = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "bundle"
        for part in ("compile", "predict", "keys", "serve", "open"):
            result |= role(part, one, folder)
    seconds, peak = TARGETS[name]
    result["target_seconds"], result["target_peak_bytes"] = seconds, peak
    for figure in ("seconds", "peak_bytes"):
        result[f"predicted_{figure}_ratio"] = _ratio(result, figure)
    if arguments.orion and name in ORION:
        result["orion"] = orion(name, arguments)
    return result


def _ratio(result: Result, figure: str) -> float:
    predicted, found = result[f"predicted_{figure}"], result[figure]
    assert isinstance(predicted, int | float)
    assert isinstance(found, int | float)
    return predicted / found


def orion(name: str, arguments: argparse.Namespace) -> Result:
    """The peer's figures on the same network, in its own environment."""
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "orion.json"
        command = [arguments.orion, str(Path(__file__).with_name("orion.py"))]
        command += ["--networks", str(arguments.networks), "--network", name, "--out", str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not out.exists():
            return {"failed": done.stderr.strip().splitlines()[-1:] or ["no output"]}
        found: Result = json.loads(out.read_text())
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--networks", type=Path, default=Path("bench/.cache"))
    parser.add_argument("--out", type=Path, default=Path("bench/results/mnist.json"))
    parser.add_argument("--only", nargs="*", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--orion", default=os.environ.get("TACIT_ORION"))
    parser.add_argument("--role", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role:
        print(json.dumps(play(arguments)))
        return
    results: Result = {"machine": machine.description(), "networks": {}}
    if arguments.out.exists():
        results["networks"] = json.loads(arguments.out.read_text())["networks"]
    networks = results["networks"]
    assert isinstance(networks, dict)
    for name in arguments.only:
        networks[name] = found = measured(name, arguments)
        print(
            f"{name}: {found['seconds']:.3f} s (predicted {found['predicted_seconds']:.3f}), "
            f"peak {found['peak_bytes'] / 1e9:.2f} GB (predicted "
            f"{found['predicted_peak_bytes'] / 1e9:.2f}), {found['bits']:.1f} bits, "
            f"accuracy {found['accuracy_simulated']:.4f} (clear {found['accuracy_clear']:.4f})",
            flush=True,
        )
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
