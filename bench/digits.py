"""The shipped digits network under CKKS: encrypted predictions beside the simulated ones.

    python bench/digits.py [--out bench/results/digits.json] [--images 50]

Owner, client and server are processes of their own, with files between them; the server's memory
is its own. The knobs are those of `tacit demo`. Seconds are of CPU, all cores added up, unless
they say wall, and of an image where many share a ciphertext.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path

import machine
import numpy as np

import tacit
from tacit.cli.demonstration import POLYNOMIALS
from tacit.cli.shipped import BRIGHTEST
from tacit.serve import Client, Server, load_program, make_keys

DEMO = Path(str(files("tacit"))) / "demo"
# What is aimed at.
TARGETS = {"accuracy_clear": 0.97, "largest_difference_from_simulated": 1e-2}
ROLES = ("owner", "predict", "keys", "serve", "open")
# The first message is answered so often, for a median.
REPEATS = 5
Result = dict[str, object]


def timed(work: object, *arguments: object) -> tuple[object, float, float]:
    """What a call gives, and its CPU and wall seconds."""
    assert callable(work), "only calls are timed"
    cpu, wall = time.process_time(), time.perf_counter()
    result = work(*arguments)
    return result, time.process_time() - cpu, time.perf_counter() - wall


def messages(folder: Path) -> list[Path]:
    """The client's sealed inputs, in order."""
    return sorted(folder.glob("sealed-*"))


def owner(folder: Path, images: int) -> Result:
    """Read, calibrate, lower and pack; then accuracy in the clear and simulated on all digits."""
    data = np.load(DEMO / "digits.npz")
    x, y = data["x"] / BRIGHTEST, data["y"]
    graph = tacit.calibrate(tacit.read(DEMO / "digits.onnx"), data["calibration"] / BRIGHTEST)
    program, cpu, _ = timed(tacit.lower, graph, POLYNOMIALS)
    assert isinstance(program, tacit.Program)
    tacit.pack(program, folder / "bundle", source=graph)
    clear, simulated = graph(x), program(x)
    noisy = program(x[:images], noise=np.random.default_rng(1))
    np.savez(folder / "expected", x=x[:images], clear=clear[:images], simulated=simulated[:images])
    return {
        "compile_seconds": cpu,
        "images_in_the_clear": len(x),
        "accuracy_clear": float(np.mean(clear.argmax(1) == y)),
        "accuracy_simulated": float(np.mean(simulated.argmax(1) == y)),
        "agreement_simulated_with_clear": float(np.mean(simulated.argmax(1) == clear.argmax(1))),
        "predicted_largest_difference": float(np.abs(noisy - simulated[:images]).max()),
        "knobs": dict(vars(POLYNOMIALS)),
        "audit": dict(program.arithmetic.audit(program.arithmetic.cut(program)[0])),
    }


def predict(folder: Path) -> Result:
    """What the program says beforehand."""
    cost = load_program(folder / "bundle").cost
    return {
        "inputs_at_once": cost.inputs_at_once,
        "predicted_seconds": cost.seconds / cost.inputs_at_once,
        "predicted_setup_seconds": cost.setup_seconds,
        "predicted_peak_bytes": cost.memory_bytes,
        "key_bytes": cost.key_bytes,
    }


def keys(folder: Path) -> Result:
    """The client's keys, and its inputs sealed, a full ciphertext at a time."""
    secret, public = folder / "secret", folder / "keys"
    _, cpu, wall = timed(lambda: make_keys(folder / "bundle", secret=secret, keys=public))
    client = Client(folder / "bundle", secret=secret)
    x = np.load(folder / "expected.npz")["x"]
    for number, start in enumerate(range(0, len(x), POLYNOMIALS.batch)):
        sealed = client.seal(x[start : start + POLYNOMIALS.batch])
        (folder / f"sealed-{number:02}").write_bytes(sealed)
    return {
        "keygen_seconds": cpu,
        "keygen_wall_seconds": wall,
        "key_file_bytes": public.stat().st_size,
        "request_bytes": messages(folder)[0].stat().st_size,
    }


def serve(folder: Path) -> Result:
    """The server: loads its part and the keys, answers every message."""
    server, load, _ = timed(lambda: Server(folder / "bundle", keys=folder / "keys"))
    assert isinstance(server, Server)
    first = messages(folder)[0].read_bytes()
    seconds, walls = zip(
        *(timed(server.answer, first)[1:] for _ in range(REPEATS)),
        strict=True,
    )
    for sealed in messages(folder):
        answer = server.answer(sealed.read_bytes())
        (folder / sealed.name.replace("sealed", "answer")).write_bytes(answer)
    batch = POLYNOMIALS.batch
    return {
        "encode_seconds": load,
        "seconds": statistics.median(seconds) / batch,
        "seconds_least": min(seconds) / batch,
        "wall_seconds": statistics.median(walls) / batch,
        "seconds_per_answer": statistics.median(seconds),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "answer_bytes": (folder / "answer-00").stat().st_size,
    }


def open_all(folder: Path) -> Result:
    """The client opens the answers and compares them with the simulation."""
    client = Client(folder / "bundle", secret=folder / "secret")
    answers = [client.open(each.read_bytes()) for each in sorted(folder.glob("answer-*"))]
    opened = np.concatenate(answers)
    expected = np.load(folder / "expected.npz")
    simulated, clear = expected["simulated"], expected["clear"]
    largest = float(np.abs(opened - simulated).max())
    return {
        "images": len(opened),
        "same_prediction_as_simulated": int(np.sum(opened.argmax(1) == simulated.argmax(1))),
        "same_prediction_as_clear": int(np.sum(opened.argmax(1) == clear.argmax(1))),
        "largest_difference_from_simulated": largest,
        "largest_difference_from_clear": float(np.abs(opened - clear).max()),
        "largest_output": float(np.abs(simulated).max()),
        "bits": float(-np.log2(largest)),
    }


def play(role: str, folder: Path, images: int) -> Result:
    """What the process with a role does."""
    match role:
        case "owner":
            return owner(folder, images)
        case "predict":
            return predict(folder)
        case "keys":
            return keys(folder)
        case "serve":
            return serve(folder)
        case _:
            return open_all(folder)


def in_process(role: str, folder: Path, images: int) -> Result:
    """A part of the work in a process of its own, so that its memory is its own."""
    command = [sys.executable, __file__, "--role", role, "--folder", str(folder)]
    command += ["--images", str(images)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: Result = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("bench/results/digits.json"))
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--role", choices=ROLES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role:
        print(json.dumps(play(arguments.role, arguments.folder, arguments.images)))
        return
    found: Result = {}
    with tempfile.TemporaryDirectory() as temporary:
        for role in ROLES:
            found |= in_process(role, Path(temporary), arguments.images)
    found["targets"] = TARGETS
    result = {"machine": machine.description(), "networks": {"digits": found}}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")
    print(
        f"{found['same_prediction_as_simulated']} of {found['images']} predictions are the "
        f"simulated ones, {found['bits']:.1f} bits; {found['accuracy_clear']:.2%} right in the "
        f"clear; {found['seconds']:.4f} s an image (predicted {found['predicted_seconds']:.4f}), "
        f"{found['seconds_per_answer']:.3f} s an answer to {found['inputs_at_once']}"
    )


if __name__ == "__main__":
    main()
