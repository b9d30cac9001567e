"""Integers: the knobs of quantisation and of the engine that computes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tacit.arithmetics.integers.engines import (
    Demand,
    EngineKind,
    engine_of,
    engine_of_half,
    prepared,
)
from tacit.arithmetics.integers.lower import lower
from tacit.arithmetics.integers.ops import WORDS
from tacit.arithmetics.integers.settings import Grouping, Kind, Search, Settings
from tacit.errors import TypeMismatch
from tacit.grids import MOST_BITS
from tacit.ir.graph import Graph, Op, Watch
from tacit.program import (
    Arithmetic,
    ClientEngine,
    Cost,
    Engine,
    Half,
    Json,
    Program,
    Progress,
    Promise,
    ServerEngine,
    noiseless,
)

PROMISE = Promise(
    hides_input=True,
    detects_cheating=False,
    assumption="ring learning with errors (BGV), or learning with errors (TFHE), is hard at the "
    "parameters' security level; the server follows the protocol",
    client_learns=(
        "the network's outputs before a final softmax or argmax",
        "the input's shape and the grid of every entry, the outputs' shape and grid",
        "the number of levels and which rotations the server uses",
    ),
    server_learns=(
        "that predictions were asked for, when, and for how many inputs",
        "the model, which it holds in the clear",
    ),
    not_promised=(
        "that the answer is right: a server that deviates is not detected",
        "that the model stays hidden from a client that asks often (model extraction), or that "
        "encrypts what is no input",
        "that the server learns nothing if it is told whether an answer could be opened",
    ),
)
# What no look-up reads may be this wide: a prime that holds it is still a small one.
RESULT_BITS = 24


@dataclass(frozen=True)
class Integers(Arithmetic):
    """Sums of small integers and table look-ups, computed exactly on encrypted vectors.

    `bits`: of every quantised number, unless the next three say otherwise for their kind.
    `inputs`: bits of the client's input. `weights`: bits of the weights, signed. `activations`:
    bits of what look-ups give. `layers`: bits of single layers, by their name or their path in
    the model, or such a name followed by .weights or .activations (on a command line
    fc1@3+fc2@4). `accumulator`: the most bits of a sum that a look-up reads. `rounding`: sums
    wider than this are rounded to so many bits before a look-up. `scales`: how the scale of
    weights is found, minmax or mse. `grouping`: what of the input shares a grid, feature or
    tensor. `per_channel`: whether weights have a scale for every channel. `power_of_two`:
    whether all scales are powers of two. `engine`: auto, bgv or tfhe. `error`: the chance that
    a look-up of TFHE is wrong; BGV makes no errors. `approximate`: whether TFHE may round
    approximately, which is faster. `security`: bits, by the tables in `security`. `batch`: how
    many inputs share ciphertexts (a power of two); as many as fit unless it is said.
    """

    bits: int = 6
    inputs: int | None = None
    weights: int | None = None
    activations: int | None = None
    layers: tuple[tuple[str, int], ...] = ()
    accumulator: int = MOST_BITS
    rounding: int | None = None
    scales: Search = Search.MINMAX
    grouping: Grouping = Grouping.FEATURE
    per_channel: bool = False
    power_of_two: bool = False
    engine: EngineKind = EngineKind.AUTO
    error: float = 2.0**-40
    approximate: bool = False
    security: int = 128
    batch: int | None = None

    name: ClassVar[str] = "integers"
    words: ClassVar[tuple[type[Op], ...]] = WORDS

    def __post_init__(self) -> None:
        """Refuse knobs that mean nothing."""
        widths = {
            "bits": self.bits,
            "inputs": self.inputs,
            "weights": self.weights,
            "activations": self.activations,
            "accumulator": self.accumulator,
            "rounding": self.rounding,
            **{f"layers: {name}": bits for name, bits in self.layers},
        }
        for name, bits in widths.items():
            if bits is not None and not 1 <= bits <= MOST_BITS:
                raise TypeMismatch(f"{name} {bits} is not between 1 and {MOST_BITS}")
        powers = self.batch is None or (self.batch > 0 and self.batch & (self.batch - 1) == 0)
        if not powers:
            raise TypeMismatch(f"batch {self.batch} is not a power of two")
        if not 0.0 < self.error < 1.0:
            raise TypeMismatch(f"error {self.error} is not between 0 and 1")

    @property
    def settings(self) -> Settings:
        """How a graph is to be quantised."""
        bits = {
            Kind.INPUTS: self.inputs or self.bits,
            Kind.WEIGHTS: self.weights or self.bits,
            Kind.ACTIVATIONS: self.activations or self.bits,
        }
        return Settings(
            bits=bits,
            layers=dict(self.layers),
            accumulator=self.accumulator,
            result=max(RESULT_BITS, self.accumulator),
            rounding=self.rounding,
            search=self.scales,
            grouping=self.grouping,
            per_channel=self.per_channel,
            power_of_two=self.power_of_two,
        )

    @property
    def demand(self) -> Demand:
        """What the engine is asked for."""
        return Demand(self.security, self.batch, self.error, self.approximate)

    @property
    def promise(self) -> Promise:
        """What is protected, from whom, and what is not."""
        return PROMISE

    def rewrite(self, graph: Graph) -> Graph:
        """The calibrated graph in sums and look-ups, as the engine that is to compute wants it."""
        return prepared(lower(graph, self.settings), self.engine, self.demand)

    def cost(self, program: Program) -> Cost:
        """What an answer will cost: timed on this machine, or by a table where that says so."""
        return engine_of(program.graph).cost(program.graph, self.demand)

    def noise(self, program: Program, generator: np.random.Generator) -> Watch:
        """Integers have none: what is decrypted is what is simulated."""
        return noiseless

    def cut(self, program: Program) -> tuple[Half, Half]:
        """The client's half, without weights, and the server's, without secrets."""
        return engine_of(program.graph).cut(program.graph, self.demand)

    def new_client(self, half: Half, *, progress: Progress | None = None) -> ClientEngine:
        """The client with a fresh secret."""
        return engine_of_half(half).fresh_client(half)

    def load_client(self, half: Half, secret: bytes) -> ClientEngine:
        """The client with a secret that it kept."""
        return engine_of_half(half).kept_client(half, secret)

    def load_server(
        self, half: Half, keys: memoryview, *, progress: Progress | None = None
    ) -> ServerEngine:
        """The server with the client's keys."""
        return engine_of_half(half).server(half, keys, progress)

    def pair(self, program: Program, *, progress: Progress | None = None) -> Engine:
        """Both parties in this process, with fresh keys."""
        return engine_of(program.graph).pair(*self.cut(program), progress)

    def audit(self, half: Half) -> Mapping[str, Json]:
        """Parameters, the security that they give and by which table, the plan's figures."""
        return engine_of_half(half).audit(half)
