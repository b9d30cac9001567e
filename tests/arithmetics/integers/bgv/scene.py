"""A program's two parties, and what an onlooker who holds the secret sees of their work."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tacit.arithmetics.integers import Integers, bgv
from tacit.arithmetics.integers.bgv.packing import layout_of, require_layout
from tacit.arithmetics.integers.bgv.plan import ROWS
from tacit.ir.affine import IndexArray
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Input
from tacit.lattigo import EvaluationKeys, SecretKey
from tacit.program import Program
from tacit.slots.layout import separated


@dataclass(frozen=True)
class Seen:
    """A word's decrypted slots, (inputs, ciphertexts, slots), and the least budget left."""

    slots: IndexArray
    budget: float


@dataclass(frozen=True)
class Scene:
    """Both parties of a program, and the client's secret."""

    program: Program
    plan: bgv.Plan
    client: bgv.Client
    server: bgv.Server
    keys: EvaluationKeys
    secret: SecretKey

    def answer(self, x: FloatArray) -> FloatArray:
        """What the client opens of what the server answers."""
        return self.client.open(self.server.answer(self.client.seal(x)), len(x))

    def words(self, x: FloatArray) -> dict[str, Seen]:
        """What is in the slots of every word that the server computes for one batch."""
        message, context = self.client.seal(x[: self.plan.batch]), self.client.context
        found: dict[str, Seen] = {}
        for name, value in self.server.words(message):
            rows = np.stack([context.decrypt(each, self.secret) for each in value])
            budget = min(context.noise_budget(each, self.secret) for each in value)
            halves = (separated(half, self.plan.turns) for half in np.split(rows, ROWS, axis=1))
            found[name] = Seen(np.concatenate(list(halves)), budget)
        return found

    def computed(self, x: FloatArray) -> dict[str, Seen]:
        """The words of the server's own."""
        graph = self.program.graph
        given = {node.name for node in graph if isinstance(node.op, Input)}
        return {name: seen for name, seen in self.words(x).items() if name not in given}

    def entries(self, name: str) -> IndexArray:
        """(ciphertexts, slots): which entry of a word lies where, -1 where there is none."""
        return require_layout(layout_of(self.program.graph[name])).entry


def plan_of(program: Program) -> bgv.Plan:
    """A program's plan."""
    assert isinstance(program.arithmetic, Integers)
    return bgv.plan(program.graph, program.arithmetic.security, program.arithmetic.batch)


def scene_of(program: Program) -> Scene:
    """Both parties, with fresh keys."""
    plan = plan_of(program)
    asking, answering = bgv.cut(program.graph, plan)
    client = bgv.fresh_client(asking)
    keys = client.evaluation_keys()
    server = bgv.Server(answering.graph, plan, client.context, keys)
    secret = client.context.load_secret_key(client.secret())
    return Scene(program, plan, client, server, keys, secret)
