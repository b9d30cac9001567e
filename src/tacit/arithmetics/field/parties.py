"""Both parties of a lowered graph: their halves, and the engines that these become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tacit.arithmetics.field.blind import Secret, Store, make
from tacit.arithmetics.field.checker import Checker
from tacit.arithmetics.field.client import (
    Client,
    PrivateClient,
    fresh_secret,
    require_secret,
)
from tacit.arithmetics.field.costs import cost
from tacit.arithmetics.field.masks import Masks, NoMasks, OnDemand, factors, layers_of
from tacit.arithmetics.field.ops import Product
from tacit.arithmetics.field.plan import Plan, Strength, plan, product_of
from tacit.arithmetics.field.promises import Mode
from tacit.arithmetics.field.verify.prime import Prime, repetitions_for, soundness_bits
from tacit.arithmetics.field.worker import Worker, found, worker_graph
from tacit.errors import ProtocolError, TypeMismatch
from tacit.ir.graph import Graph, Shape
from tacit.program import (
    ClientEngine,
    Cost,
    Engine,
    Half,
    Json,
    Progress,
    ServerEngine,
    Stock,
    whole_number,
)


@dataclass(frozen=True)
class Demand:
    """What the parties are asked for: the knobs of `Field` that are not about numbers."""

    mode: Mode
    prime: Prime
    soundness: int
    batch: int

    def strength(self, known: Plan) -> Strength:
        """The field and the repetitions that give every product its bits of soundness."""
        return Strength(self.prime, repetitions_for(_operands(known), self.prime, self.soundness))


def cut(graph: Graph, demand: Demand) -> tuple[Half, Half]:
    """The verifier's half, which is all of it, and the worker's."""
    strength = demand.strength(plan(graph))
    shared: dict[str, Json] = {"mode": demand.mode.value, "rows": demand.batch}
    known: dict[str, Json] = {
        **shared,
        "prime": strength.prime.value,
        "repetitions": strength.repetitions,
    }
    return Half(graph, known), Half(worker_graph(graph, demand.mode), shared)


def priced(graph: Graph, demand: Demand) -> Cost:
    """What a batch will cost the worker and the verifier, timed on this machine."""
    known = plan(graph)
    strength = demand.strength(known)
    bits = min(soundness(known, strength).values(), default=0.0)
    return cost(graph, demand.mode, strength, demand.batch, bits)


def fresh_client(half: Half) -> ClientEngine:
    """The verifier with a secret of its own making."""
    return _client(half, fresh_secret(), NoMasks())


def kept_client(half: Half, secret: bytes, stock: Stock | None) -> ClientEngine:
    """The verifier with a secret that it kept, and the masks in its stock."""
    return _client(half, secret, NoMasks() if stock is None else store(half, secret, stock))


def fill(
    half: Half, secret: bytes, stock: Stock, count: int, *, progress: Progress | None = None
) -> None:
    """Make masks and unblinding factors for `count` more inputs, ahead of them."""
    kept = store(half, secret, stock)
    if not stock.ledger.exists():
        kept.book.create()
    known = plan(half.graph)
    make(kept, factors(known, found()), count, progress=progress)


def server(half: Half) -> ServerEngine:
    """The worker, with the quickest exact products that this host has."""
    return Worker(half.graph, mode_of(half), rows=whole_number(half.facts.get("rows")))


def pair(asking: Half, answering: Half) -> Engine:
    """Both parties in this process; masks are made when they are wanted."""
    known = plan(asking.graph)
    masks = OnDemand(known, found()) if mode_of(asking) is Mode.PRIVATE else NoMasks()
    return Engine(_client(asking, fresh_secret(), masks), server(answering))


def audit(half: Half) -> dict[str, Json]:
    """The field of the checks, their repetitions, and every product's bits of soundness."""
    if "prime" not in half.facts:
        return {"mode": mode_of(half).value}
    known, strength = plan(half.graph), strength_of(half)
    bits = soundness(known, strength)
    return {
        "mode": mode_of(half).value,
        "prime": strength.prime.value,
        "repetitions": strength.repetitions,
        "soundness_bits": min(bits.values(), default=0.0),
        "soundness_bits_by_product": {name: round(each, 1) for name, each in bits.items()},
        "challenges": "fresh and secret for every batch, from the system's randomness",
        "worker_computes": [node.where for node in known.products],
    }


def soundness(known: Plan, strength: Strength) -> Mapping[str, float]:
    """-log2 of the chance that a false product passes, for every product."""
    return {
        node.name: soundness_bits(op, shape, strength.prime, strength.repetitions)
        for node, (op, shape) in zip(known.products, _operands(known), strict=True)
    }


def mode_of(half: Half) -> Mode:
    """The mode among a half's facts; raises ProtocolError."""
    name = half.facts.get("mode")
    if name not in {mode.value for mode in Mode}:
        raise ProtocolError("the bundle's set-up names no mode that is known here")
    return Mode(name)


def strength_of(half: Half) -> Strength:
    """The field and the repetitions among a half's facts; raises ProtocolError."""
    name = half.facts.get("prime")
    if name not in {prime.value for prime in Prime}:
        raise ProtocolError("the bundle's set-up names no prime that is known here")
    repetitions = whole_number(half.facts.get("repetitions"))
    if repetitions < 1:
        raise ProtocolError("the bundle's set-up asks for no check at all")
    return Strength(Prime(name), repetitions)


def _operands(known: Plan) -> list[tuple[Product, Shape]]:
    return [(product_of(node), known.nodes[node.args[0]].type.shape) for node in known.products]


def _client(half: Half, secret: bytes, masks: Masks) -> ClientEngine:
    rows = whole_number(half.facts.get("rows"))
    checker = Checker(plan(half.graph), strength_of(half), rows)
    match mode_of(half):
        case Mode.INTEGRITY:
            return Client(checker, secret)
        case Mode.PRIVATE:
            return PrivateClient(checker, secret, masks)


def store(half: Half, secret: bytes, stock: Stock) -> Store:
    """The masks that a client has in its stock; raises TypeMismatch where nothing is masked."""
    if mode_of(half) is not Mode.PRIVATE:
        raise TypeMismatch(
            "inputs are not masked in integrity mode",
            hint="leave out the masks, or lower for the private mode (field:mode=private)",
        )
    held = Secret(require_secret(secret), stock.program)
    return Store(held, layers_of(plan(half.graph)), stock.ledger, stock.folder)
