"""The peer Orion (orion-fhe 1.0.2) on the benchmark's networks: seconds, memory, precision.

    PYTHON bench/orion.py --network mlp_square --out orion.json [--networks bench/.cache]
                          [--images 10] [--minutes 10] [--gigabytes 20]

PYTHON is an interpreter that has orion-fhe, and needs nothing of Tacit. The networks come from
bench/networks/train.py. The work is done in a process of its own, because an error in Orion's Go
library ends the process: then the file says why under `failed`. Seconds are of CPU, all cores
added up, unless they say wall.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

# This file bears the peer's name: its folder must not be where `import orion` looks first.
with contextlib.suppress(ValueError):
    sys.path.remove(str(Path(__file__).resolve().parent))

import numpy as np
import orion
import torch
from orion import nn as on
from torch import Tensor, nn

Result = dict[str, object]
# What Orion's own polynomial activations have where nobody asks for another.
DEGREE = 31
# The library's too: the range that was seen is doubled about its middle.
MARGIN = 2


@dataclass(frozen=True)
class Parameters:
    """CKKS parameters: bits of the primes, and how many entries of the secret are not zero."""

    log_n: int
    log_q: tuple[int, ...]
    log_p: tuple[int, ...]
    log_scale: int
    weight: int
    ring: str


# Orion's configs/mlp.yaml and configs/lola.yaml. Its later configs/mlp.yml has 463 bits, where the
# ring allows 218 (homomorphic encryption standard, 128 bits of security).
SMALL = Parameters(13, (29, *[26] * 5), (29, 29), 26, 8192, "ConjugateInvariant")
PARAMETERS = {
    "mlp_square": SMALL,
    "lola": SMALL,
    # configs/lenet.yaml with 40 bits a level for its 35: as many primes, so the same work, and
    # more precision within the 438 bits that the ring allows. Its conjugate-invariant ring has
    # slots that stay empty here: it predicts as fast and takes twice as long to compile.
    "conv_square": Parameters(14, (46, *[40] * 7), (45, 45), 40, 8192, "Standard"),
    # Orion has no config that is leveled and has ReLU. These are the primes of configs/resnet.yml,
    # one for each level: 3 linear layers, 2 * 5 for the polynomials. In the conjugate-invariant
    # ring, packing the last layer (slots * slots, dense) would take four times the memory.
    "mlp_relu": Parameters(15, (55, *[40] * 13), (61, 61, 61), 40, 16384, "Standard"),
    # 6 linear layers, for Orion's pooling is one, and 3 * 5 for the polynomials: only with the
    # 35 bits of configs/lenet.yaml do they stay within the 881 that the ring allows.
    "lenet_relu": Parameters(15, (45, *[35] * 21), (45, 45), 35, 16384, "Standard"),
}


def relu() -> Any:
    """A ReLU that a leveled ring can pay for: Orion's own, a composite sign, is 14 levels deep."""
    return on.Chebyshev(DEGREE, torch.relu)


# The layers have the numbers that they have in bench/networks/train.py.
LAYERS: dict[str, Callable[[], list[nn.Module]]] = {
    "mlp_square": lambda: [
        *(on.Flatten(), on.Linear(784, 128), on.BatchNorm1d(128), on.Quad()),
        *(on.Linear(128, 128), on.BatchNorm1d(128), on.Quad(), on.Linear(128, 10)),
    ],
    "lola": lambda: [
        *(on.Conv2d(1, 5, 2, stride=2), on.BatchNorm2d(5), on.Quad(), on.Flatten()),
        *(on.Linear(980, 100), on.BatchNorm1d(100), on.Quad(), on.Linear(100, 10)),
    ],
    "conv_square": lambda: [
        *(on.Conv2d(1, 32, 5, stride=2, padding=2), on.BatchNorm2d(32), on.Quad()),
        *(on.Conv2d(32, 64, 5, stride=2, padding=2), on.BatchNorm2d(64), on.Quad()),
        *(on.Flatten(), on.Linear(3136, 512), on.BatchNorm1d(512), on.Quad()),
        on.Linear(512, 10),
    ],
    "mlp_relu": lambda: [
        *(on.Flatten(), on.Linear(784, 128), relu(), on.Linear(128, 128), relu()),
        on.Linear(128, 10),
    ],
    "lenet_relu": lambda: [
        *(on.Conv2d(1, 6, 5, padding=2), relu(), on.AvgPool2d(2)),
        *(on.Conv2d(6, 16, 5), relu(), on.AvgPool2d(2)),
        *(on.Flatten(), on.Linear(400, 120), relu(), on.Linear(120, 10)),
    ],
}


class Network(on.Module):
    """Orion's layers in a row."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.row = nn.Sequential(*layers)

    def forward(self, x: Any) -> Any:
        """The last layer's output: a tensor's, or a ciphertext's after `he()`."""
        return self.row(x)


@dataclass(frozen=True)
class Timed:
    """What a call gave, and its seconds."""

    value: Any
    cpu: float
    wall: float


def timed(work: Callable[[], Any]) -> Timed:
    """The call's value, and its seconds of CPU and by the clock on the wall."""
    cpu, wall = time.process_time(), time.perf_counter()
    value = work()
    return Timed(value, time.process_time() - cpu, time.perf_counter() - wall)


def peak_bytes() -> int:
    """The most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def build(name: str, networks: Path) -> Network:
    """The trained network in Orion's layers; refused unless it answers as the trained one does."""
    program = torch.export.load(networks / f"{name}.pt2")
    network = Network(LAYERS[name]())
    # Not strict: Orion's pooling is a convolution with a weight that it never reads.
    found = network.row.load_state_dict(program.state_dict, strict=False)
    assert not found.unexpected_keys, found
    network.eval()
    x = images(networks)[:64]
    with torch.no_grad():
        assert torch.allclose(network(x), program.module()(x), atol=1e-3)
    return network


def images(networks: Path) -> Tensor:
    """The test images, (count, 1, 28, 28)."""
    return torch.from_numpy(np.load(networks / "mnist-test.npz")["x"])


def calibration(networks: Path) -> torch.utils.data.DataLoader[Any]:
    """The images for Orion's `fit`, one a batch: the batch that it packs into a ciphertext."""
    x = torch.from_numpy(np.load(networks / "mnist-calibration.npz")["x"])
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x), batch_size=1)


def configuration(parameters: Parameters) -> dict[str, dict[str, object]]:
    """The parameters in Orion's words, with the debugging that decrypts every layer off."""
    return {
        "ckks_params": {
            "LogN": parameters.log_n,
            "LogQ": list(parameters.log_q),
            "LogP": list(parameters.log_p),
            "LogScale": parameters.log_scale,
            "H": parameters.weight,
            "RingType": parameters.ring,
        },
        "orion": {"margin": MARGIN, "embedding_method": "hybrid", "debug": False},
    }


def polynomial(layer: nn.Module, x: Tensor) -> Tensor:
    """The layer's output in the clear, with the polynomial for the function that it stands for."""
    if not isinstance(layer, on.Chebyshev):
        output: Tensor = layer(x)
        return output
    scaled = x.double().numpy() * layer.prescale + layer.constant
    return torch.from_numpy(np.polynomial.chebyshev.chebval(scaled, layer.coeffs)).float()


def polynomials(network: Network, x: Tensor) -> np.ndarray:
    """What the encrypted network computes, without the noise."""
    for layer in network.row:
        x = polynomial(layer, x)
    return x.numpy()


def activations(network: Network) -> list[Result]:
    """Each fitted polynomial: its degree, its range, and its error as a part of the range."""
    fitted = [layer for layer in network.row if isinstance(layer, on.Chebyshev)]
    found: list[Result] = []
    for layer in fitted:
        x = torch.linspace(layer.low, layer.high, 100_001)
        error = float((polynomial(layer, x) - torch.relu(x)).abs().max())
        relative = error / (layer.high - layer.low)
        found.append(
            {
                "degree": layer.degree,
                "low": layer.low,
                "high": layer.high,
                "relative_error_bits": float(-np.log2(relative)),
            }
        )
    return found


def encrypted(network: Network, x: Tensor, level: int) -> list[Timed]:
    """The network's answer to each image under encryption, after one that warms it up."""
    network.he()
    answers = []
    for image in [x[:1], *x.unsqueeze(1)]:
        sealed = orion.encrypt(orion.encode(image, level))
        done = timed(lambda: network(sealed))  # noqa: B023  called here and now
        answers.append(Timed(done.value.decrypt().decode().numpy(), done.cpu, done.wall))
    network.eval()
    return answers[1:]


def measure(name: str, networks: Path, count: int) -> Result:
    """All figures of one network."""
    x, y = images(networks), np.load(networks / "mnist-test.npz")["y"]
    network = build(name, networks)
    setup = timed(lambda: orion.init_scheme(configuration(PARAMETERS[name])))
    fitting = timed(lambda: orion.fit(network, calibration(networks)))
    with torch.no_grad():
        clear, exact = network(x).numpy(), polynomials(network, x)
    compiling = timed(lambda: orion.compile(network))
    compile_peak = peak_bytes()
    answers = encrypted(network, x[:count], compiling.value)
    opened = np.concatenate([answer.value for answer in answers])
    return {
        "setup_seconds": setup.cpu,
        "setup_wall_seconds": setup.wall,
        "fit_seconds": fitting.cpu,
        "fit_wall_seconds": fitting.wall,
        "compile_seconds": compiling.cpu,
        "compile_wall_seconds": compiling.wall,
        "compile_peak_bytes": compile_peak,
        "seconds": statistics.median(answer.cpu for answer in answers),
        "seconds_least": min(answer.cpu for answer in answers),
        "wall_seconds": statistics.median(answer.wall for answer in answers),
        "wall_seconds_least": min(answer.wall for answer in answers),
        "peak_bytes": peak_bytes(),
        "accuracy_clear": float(np.mean(clear.argmax(1) == y)),
        "accuracy_polynomials": float(np.mean(exact.argmax(1) == y)),
        "activations": activations(network),
        "input_level": compiling.value,
        **agreement(opened, clear[:count], exact[:count]),
    }


def agreement(opened: np.ndarray, clear: np.ndarray, exact: np.ndarray) -> Result:
    """How far the decrypted answers are from Orion's clear ones, and from its polynomials'."""
    noise = float(np.abs(opened - exact).max())
    return {
        "answers": len(opened),
        "same_prediction": int(np.sum(opened.argmax(1) == clear.argmax(1))),
        "largest_difference_from_clear": float(np.abs(opened - clear).max()),
        "largest_difference_from_polynomials": noise,
        "bits": float(-np.log2(noise)),
        "largest_output": float(np.abs(clear).max()),
    }


def supervised(arguments: argparse.Namespace) -> Result:
    """The figures from a process of its own, or why there are none."""
    command = [sys.executable, __file__, *sys.argv[1:], "--measure"]
    with tempfile.TemporaryFile("w+") as told, tempfile.TemporaryFile("w+") as complained:
        process = subprocess.Popen(command, stdout=told, stderr=complained, text=True)
        stopped = watched(process, arguments.minutes, arguments.gigabytes)
        told.seek(0)
        complained.seek(0)
        figures, complaints = told.read(), complained.read()
    if process.returncode == 0:
        found: Result = json.loads(figures)
        return found
    return {
        "failed": stopped or reason(complaints),
        "failed_after": stage(complaints),
        "exit_status": process.returncode,
        "peak_bytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
    }


def watched(process: subprocess.Popen[str], minutes: float, gigabytes: float) -> str:
    """Waits for the process, stops it at either limit and then says which one it was."""
    end = time.monotonic() + 60 * minutes
    while process.poll() is None:
        beyond = resident_bytes(process.pid) > gigabytes * 1e9
        if beyond or time.monotonic() > end:
            process.kill()
            process.wait()
            return f"needs more than {gigabytes} GB" if beyond else f"takes over {minutes} minutes"
        time.sleep(0.1)
    return ""


def resident_bytes(number: int) -> int:
    """The memory that the process holds now; none where the system does not say."""
    # A limit of the system's counts what Go has reserved and not touched, too.
    with contextlib.suppress(OSError):
        pages = int(Path(f"/proc/{number}/statm").read_text().split()[1])
        return pages * resource.getpagesize()
    return 0


def reason(complaints: str) -> str:
    """The line that says what went wrong: Go's first, for a trace follows it, or Python's last."""
    lines = [line for line in complaints.splitlines() if line.strip()] or ["no message"]
    loud = [line for line in lines if line.startswith(("panic:", "fatal error:", "runtime:"))]
    return (loud or lines[-1:])[0]


def stage(complaints: str) -> str:
    """The last line of Orion's own progress, which numbers its stages: "{3} Generating …"."""
    lines = ["{0} Start", *complaints.splitlines()]
    return [line for line in lines if line.startswith(("{", "├──", "Packing"))][-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--network", required=True, choices=list(LAYERS))
    parser.add_argument("--networks", type=Path, default=Path("bench/.cache"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--gigabytes", type=float, default=20.0)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        # Orion tells at length what it does, which shows how far it came.
        with contextlib.redirect_stdout(sys.stderr):
            found = measure(arguments.network, arguments.networks, arguments.images)
        print(json.dumps(found))
        return
    parameters = PARAMETERS[arguments.network]
    result: Result = {
        "network": arguments.network,
        "orion": metadata.version("orion-fhe"),
        "torch": metadata.version("torch"),
        "parameters": asdict(parameters),
        "log_qp": sum(parameters.log_q) + sum(parameters.log_p),
        "limits": {"minutes": arguments.minutes, "gigabytes": arguments.gigabytes},
        "load_before": os.getloadavg()[0],
        **supervised(arguments),
        "load_after": os.getloadavg()[0],
    }
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
