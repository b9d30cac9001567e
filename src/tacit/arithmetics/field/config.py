"""The field as an arithmetic: its knobs, and how it is put to work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tacit.arithmetics.field import parties
from tacit.arithmetics.field.lower import lower
from tacit.arithmetics.field.ops import WORDS
from tacit.arithmetics.field.promises import PROMISES, Mode
from tacit.arithmetics.field.settings import Depthwise, Format, Search, Settings
from tacit.arithmetics.field.verify.prime import Prime
from tacit.errors import TypeMismatch
from tacit.ir.graph import Graph, Op, Watch
from tacit.program import (
    ClientEngine,
    Cost,
    Engine,
    Half,
    Json,
    Program,
    Progress,
    Promise,
    ServerEngine,
    Stock,
    Stocked,
    noiseless,
)

# Beyond these no number of repetitions is of use: the randomness itself has no more bits.
MOST_SOUNDNESS = 240
# A field with fewer numbers takes some 32-bit sums for others.
MOST_INTEGERS = 2**32


@dataclass(frozen=True)
class Field(Stocked):
    """Integer products by an untrusted worker, every one of them checked with Freivalds' test.

    `mode`: integrity, where the worker sees the inputs and is asked once a batch, or private,
    where it sees masked values and is asked once a layer. `activations`: bits of activations.
    `weights`: bits of weights, signed. `scales`: how the scale of weights is found, minmax or mse.
    `per_channel`: whether weights have a scale for every channel. `power_of_two`: whether
    rescalings multiply by powers of two alone. `format`: int8, or slalom for that paper's fixed
    point numbers. `fraction`: bits behind the point in Slalom's format. `depthwise`: who computes
    depthwise convolutions, local (the verifier) or worker. `prime`: the field of the checks:
    2^52-47, 2^61-1 or 2^23+2^21+7. `soundness`: the least bits of soundness of every check, by
    repetition where one is too weak. `batch`: how many inputs are asked for at once.
    """

    mode: Mode = Mode.INTEGRITY
    activations: int = 8
    weights: int = 8
    scales: Search = Search.MINMAX
    per_channel: bool = True
    power_of_two: bool = False
    format: Format = Format.INT8
    fraction: int = 8
    depthwise: Depthwise = Depthwise.LOCAL
    prime: Prime = Prime.P52
    soundness: int = 40
    batch: int = 16

    name: ClassVar[str] = "field"
    words: ClassVar[tuple[type[Op], ...]] = WORDS

    def __post_init__(self) -> None:
        """Refuse knobs that mean nothing."""
        _ = self.settings
        if self.prime.modulus < MOST_INTEGERS and self.format is not Format.SLALOM:
            raise TypeMismatch(
                f"sums of the format {self.format.value} do not fit in the field of "
                f"{self.prime.value}",
                hint="take 2^52-47, or Slalom's format",
            )
        if not 1 <= self.soundness <= MOST_SOUNDNESS:
            raise TypeMismatch(f"soundness {self.soundness} is not between 1 and {MOST_SOUNDNESS}")
        if self.batch < 1:
            raise TypeMismatch(f"batch {self.batch} is no number of inputs")

    @property
    def settings(self) -> Settings:
        """How a graph is to be quantised."""
        return Settings(
            activations=self.activations,
            weights=self.weights,
            search=self.scales,
            per_channel=self.per_channel,
            power_of_two=self.power_of_two,
            format=self.format,
            fraction=self.fraction,
            depthwise=self.depthwise,
        )

    @property
    def demand(self) -> parties.Demand:
        """What the parties are asked for."""
        return parties.Demand(self.mode, self.prime, self.soundness, self.batch)

    @property
    def promise(self) -> Promise:
        """What is protected in this mode, from whom, and what is not."""
        return PROMISES[self.mode]

    def rewrite(self, graph: Graph) -> Graph:
        """The calibrated graph as products of integers and what a verifier does between them."""
        return lower(graph, self.settings)

    def cost(self, program: Program) -> Cost:
        """What an answer will take of the worker and of the verifier, timed on this machine."""
        return parties.priced(program.graph, self.demand)

    def noise(self, program: Program, generator: np.random.Generator) -> Watch:
        """Integers have none: what is opened is what is simulated."""
        return noiseless

    def cut(self, program: Program) -> tuple[Half, Half]:
        """The verifier's half, which is the whole program, and the worker's."""
        return parties.cut(program.graph, self.demand)

    def new_client(self, half: Half, *, progress: Progress | None = None) -> ClientEngine:
        """The verifier with a fresh secret."""
        return parties.fresh_client(half)

    def load_client(self, half: Half, secret: bytes) -> ClientEngine:
        """The verifier with a secret that it kept; in private mode it has no masks."""
        return parties.kept_client(half, secret, None)

    def load_stocked(self, half: Half, secret: bytes, stock: Stock) -> ClientEngine:
        """The verifier with a secret that it kept, and a stock of masks."""
        return parties.kept_client(half, secret, stock)

    def fill(
        self,
        half: Half,
        secret: bytes,
        stock: Stock,
        count: int,
        *,
        progress: Progress | None = None,
    ) -> None:
        """Masks for `count` more inputs, in private mode."""
        parties.fill(half, secret, stock, count, progress=progress)

    def load_server(
        self, half: Half, keys: memoryview, *, progress: Progress | None = None
    ) -> ServerEngine:
        """The worker."""
        return parties.server(half)

    def pair(self, program: Program, *, progress: Progress | None = None) -> Engine:
        """Both parties in this process; masks are made as they are wanted."""
        return parties.pair(*self.cut(program))

    def audit(self, half: Half) -> Mapping[str, Json]:
        """The prime, the repetitions and the bits of soundness of every product."""
        return parties.audit(half)
