"""CKKS: the knobs that a user understands; everything else is worked out from the graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tacit.arithmetics.ckks.activations import Recipe, recipe
from tacit.arithmetics.ckks.costs import cost
from tacit.arithmetics.ckks.engine import Client, client, fresh_client, pair, server
from tacit.arithmetics.ckks.levels import MOST_PRECISION, Demand, choose, depth
from tacit.arithmetics.ckks.lower import lower
from tacit.arithmetics.ckks.noise import noise
from tacit.arithmetics.ckks.ops import WORDS
from tacit.arithmetics.ckks.packing import pack_slots
from tacit.arithmetics.ckks.plan import Plan, audit, cut, plan
from tacit.arithmetics.ckks.server import Server
from tacit.errors import LoweringError, TypeMismatch
from tacit.ir.functions import Function
from tacit.ir.graph import Graph, Op, Range, Watch
from tacit.lattigo import Ring
from tacit.program import (
    Arithmetic,
    Cost,
    Engine,
    Half,
    Json,
    Program,
    Progress,
    Promise,
)

PROMISE = Promise(
    hides_input=True,
    detects_cheating=False,
    assumption="ring learning with errors is hard at the parameters' security level; "
    "the server follows the protocol",
    client_learns=(
        "the network's outputs before a final softmax or argmax",
        "the input's shape and calibrated range, the outputs' shape and range",
        "the number of levels and which rotations the server uses",
    ),
    server_learns=(
        "that predictions were asked for, when, and for how many inputs",
        "the model, which it holds in the clear",
    ),
    not_promised=(
        "that the answer is right: a server that deviates is not detected",
        "that the model stays hidden from a client that asks often (model extraction)",
        "that a decrypted answer may be shown to the server: it carries the noise "
        "(IND-CPA-D, Li and Micciancio, eprint 2020/1533); keep it, or open it with a flood",
    ),
)


@dataclass(frozen=True)
class CKKS(Arithmetic):
    """Additions and products of approximate real numbers, on encrypted vectors.

    `error`: the largest error of an approximated activation, relative to the largest magnitude of
    its input, or of its values where that is smaller. `degree`: one polynomial of at most this
    degree instead. `precision`: bits to which each multiplication is right, relative to the
    calibrated range of what it makes; errors add up over layers, so results have a few bits less,
    and a simulation with noise says how many. `security`: bits, by the tables in `security`.
    `batch`: how many inputs share a ciphertext (a power of two): while they fit, the time is
    nearly the same, so it divides the time an input. `margin`: how much wider than its calibrated
    range an activation's interval is, on each side.
    """

    error: float = 2**-7
    degree: int | None = None
    precision: int = 14
    security: int = 128
    batch: int = 1
    margin: float = 0.1

    name: ClassVar[str] = "ckks"
    words: ClassVar[tuple[type[Op], ...]] = WORDS

    def __post_init__(self) -> None:
        """Refuse knobs that mean nothing."""
        problems = {
            f"error {self.error} is not between 0 and 1": not 0.0 < self.error < 1.0,
            f"degree {self.degree} is below 1": self.degree is not None and self.degree < 1,
            f"precision {self.precision} is not between 4 and {MOST_PRECISION}": not (
                4 <= self.precision <= MOST_PRECISION
            ),
            f"batch {self.batch} is not a power of two": self.batch < 1
            or self.batch & (self.batch - 1) != 0,
            f"margin {self.margin} is not between 0 and 10": not 0.0 <= self.margin <= 10.0,
        }
        for message, wrong in problems.items():
            if wrong:
                raise TypeMismatch(message)

    @property
    def promise(self) -> Promise:
        """What is protected, from whom, and what is not."""
        return PROMISE

    def rewrite(self, graph: Graph) -> Graph:
        """The calibrated graph in words of CKKS, laid out in slots."""

        def approximate(function: Function, seen: Range) -> Recipe:
            return recipe(function, seen, error=self.error, degree=self.degree)

        words = lower(graph, approximate, margin=self.margin)
        slots = 1 << choose(self.demand(words)).log_n
        if self.batch > slots:
            raise LoweringError(f"{self.batch} inputs do not fit into {slots} slots")
        return pack_slots(words, slots // self.batch)

    def demand(self, words: Graph) -> Demand:
        """What the words ask of parameters."""
        return Demand(depth(words), self.precision, self.security, Ring.CONJUGATE_INVARIANT)

    def plan(self, program: Program) -> Plan:
        """Parameters, levels, rotations and keys of a program."""
        return plan(program.graph, choose(self.demand(program.graph)), self.batch, self.security)

    def cost(self, program: Program) -> Cost:
        """What an answer will cost on this machine."""
        return cost(program.graph, self.plan(program))

    def noise(self, program: Program, generator: np.random.Generator) -> Watch:
        """What adds the engine's noise to every word's value."""
        return noise(program.graph, self.plan(program), generator)

    def cut(self, program: Program) -> tuple[Half, Half]:
        """The client's half, without weights, and the server's, without secrets."""
        return cut(program.graph, self.plan(program))

    def new_client(self, half: Half, *, progress: Progress | None = None) -> Client:
        """The client with a fresh secret."""
        return fresh_client(half)

    def load_client(self, half: Half, secret: bytes) -> Client:
        """The client with a secret that it kept."""
        return client(half, secret)

    def load_server(
        self, half: Half, keys: memoryview, *, progress: Progress | None = None
    ) -> Server:
        """The server with the client's keys."""
        return server(half, keys, progress=progress)

    def pair(self, program: Program, *, progress: Progress | None = None) -> Engine:
        """Both parties in this process, with fresh keys."""
        return pair(*self.cut(program), progress=progress)

    def audit(self, half: Half) -> Mapping[str, Json]:
        """Parameters, the security that they give and by which table, the plan's figures."""
        return audit(half)
