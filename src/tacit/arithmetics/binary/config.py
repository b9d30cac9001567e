"""Bits as an arithmetic: its one knob, and how it is put to work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tacit.arithmetics.binary import parties
from tacit.arithmetics.binary.costs import cost
from tacit.arithmetics.binary.lower import lower
from tacit.arithmetics.binary.ops import WORDS
from tacit.errors import TypeMismatch
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
    hides_input=False,
    detects_cheating=False,
    assumption="none: nothing is protected. It is the cheapest arithmetic, for a server that may "
    "see everything and is believed",
    client_learns=("the network's outputs", "the input's shape and the outputs' shape"),
    server_learns=(
        "the inputs, in the clear, and all that the network computes of them",
        "the model, which it holds in the clear",
    ),
    not_promised=(
        "that inputs stay hidden from the server, or from who listens",
        "that the answer is right: a server that deviates is not detected",
        "that the model stays hidden from a client that asks often (model extraction)",
    ),
)


@dataclass(frozen=True)
class Binary(Arithmetic):
    """Sums of products of bits, computed by XOR and popcount, and thresholds of these integers.

    `planes`: the most products of bits that one layer may become, each of a plane of its inputs
    and a plane of its weights; a layer that would become more stays real.
    """

    planes: int = 16

    name: ClassVar[str] = "binary"
    words: ClassVar[tuple[type[Op], ...]] = WORDS

    def __post_init__(self) -> None:
        """Refuse knobs that mean nothing."""
        if self.planes < 1:
            raise TypeMismatch(f"planes {self.planes} is no number of products")

    @property
    def promise(self) -> Promise:
        """That nothing is protected."""
        return PROMISE

    def rewrite(self, graph: Graph) -> Graph:
        """The calibrated graph in words of bits; raises LoweringError where no layer is of bits."""
        return lower(graph, self.planes)

    def cost(self, program: Program) -> Cost:
        """What an answer will cost, at this machine's speed."""
        return cost(program.graph)

    def noise(self, program: Program, generator: np.random.Generator) -> Watch:
        """Bits have none: what is answered is what is simulated."""
        return noiseless

    def cut(self, program: Program) -> tuple[Half, Half]:
        """The client's half, which is the input alone, and the server's, which is all else."""
        return parties.cut(program.graph)

    def new_client(self, half: Half, *, progress: Progress | None = None) -> ClientEngine:
        """The client, which has no secret."""
        return parties.Client(half)

    def load_client(self, half: Half, secret: bytes) -> ClientEngine:
        """The client; raises ProtocolError where it is given a secret."""
        return parties.kept_client(half, secret)

    def load_server(
        self, half: Half, keys: memoryview, *, progress: Progress | None = None
    ) -> ServerEngine:
        """The server, with the quickest kernels that this host has."""
        return parties.Server(half)

    def pair(self, program: Program, *, progress: Progress | None = None) -> Engine:
        """Both parties in this process."""
        return parties.pair(*self.cut(program))

    def audit(self, half: Half) -> Mapping[str, Json]:
        """That nothing is protected, and what is computed on bits."""
        return parties.audit(half)
