"""Cutting a program: its circuit is compiled, and each party gets what it needs of it."""

from __future__ import annotations

from tacit.arithmetics.integers.tfhe.circuit import compiled
from tacit.arithmetics.integers.tfhe.plan import Opening, Plan, client_facts, server_facts
from tacit.ir.graph import Graph, Place
from tacit.passes.cut import side
from tacit.program import Half


def cut(graph: Graph, known: Plan) -> tuple[Half, Half]:
    """The client's half, with the circuit's specification, and the server's, with the weights."""
    circuit = compiled(known)
    opening = Opening(circuit.specification, tuple(known.inputs), circuit.shifts, known.knobs)
    asking = Half(side(graph, Place.CLIENT), client_facts(opening))
    return asking, Half(known.graph, server_facts(known, circuit.digest))
