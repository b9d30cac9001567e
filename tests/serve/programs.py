"""Small programs, packed and with keys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tacit.arithmetics.ckks import CKKS
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Graph
from tacit.ir.ops import Linear, Map
from tacit.ir.rewrite import Builder
from tacit.passes import calibrate
from tacit.program import Program, lower
from tacit.serve import make_keys, pack


@dataclass(frozen=True, eq=False)
class Packed:
    """A program with its files, and inputs that it was calibrated on."""

    source: Graph
    program: Program
    bundle: Path
    secret: Path
    keys: Path
    inputs: FloatArray


def network(seed: int) -> tuple[Graph, FloatArray]:
    """A calibrated network 8 - 6 - 3 with squares, and inputs of its kind."""
    generator = np.random.default_rng(seed)
    builder = Builder()
    x = builder.input("x", (8,))
    weight, bias = generator.normal(size=(6, 8)), generator.normal(size=6)
    hidden = builder.put("hidden", Linear(weight, bias), x, origin="body.0")
    active = builder.put("active", Map(Function("square")), hidden, origin="body.1")
    weight, bias = generator.normal(size=(3, 6)), generator.normal(size=3)
    scores = builder.put("scores", Linear(weight, bias), active, origin="head")
    inputs = generator.uniform(-1.0, 1.0, size=(64, 8))
    return calibrate(builder.graph(scores), inputs), inputs


def packed_in(folder: Path, seed: int) -> Packed:
    """A program of its own, packed and with keys."""
    source, inputs = network(seed)
    program = lower(source, CKKS())
    bundle, secret, keys = folder / "bundle", folder / "my.secret", folder / "my.keys"
    pack(program, bundle, source=source)
    make_keys(bundle, secret=secret, keys=keys)
    return Packed(source, program, bundle, secret, keys, inputs)
