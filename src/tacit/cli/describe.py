"""What can be told of graphs, programs and bundles, as records."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from tacit.arithmetics import binary, field, integers
from tacit.arithmetics.ckks.ops import Evaluate
from tacit.errors import ProtocolError
from tacit.ir.graph import Graph
from tacit.ir.text import parameter_count, text
from tacit.program import Arithmetic, Cost, Json, Program, Promise
from tacit.serve import Part, Party, load_original, load_part, parts_of


def graph_record(graph: Graph) -> dict[str, Json]:
    """A graph: its size, what goes in and comes out, and its text."""
    return {
        "parameters": parameter_count(graph),
        "inputs": {node.name: list(node.type.shape) for node in graph.inputs},
        "outputs": {name: list(graph[name].type.shape) for name in graph.outputs},
        "graph": [*text(graph).splitlines()],
    }


def bundle_record(folder: Path) -> dict[str, Json]:
    """The graphs of every part that a folder holds or is."""
    return {party.value: _part_record(each, party) for party, each in parts_of(folder).items()}


def program_record(program: Program) -> dict[str, Json]:
    """A program: its arithmetic, its graph, and a table of its words if there is one."""
    words = words_record(program.graph, program.arithmetic)
    return {**arithmetic_record(program.arithmetic), **graph_record(program.graph), **words}


def cost_record(cost: Cost) -> dict[str, Json]:
    """What an answer will cost, by unit: the times are predictions for this machine."""
    facts = {name: value for name, value in cost.facts.items() if name != "seconds_by_word"}
    return {
        **facts,
        "key_bytes": cost.key_bytes,
        "request_bytes": cost.request_bytes,
        "answer_bytes": cost.answer_bytes,
        "inputs_at_once": cost.inputs_at_once,
        "predicted_cpu_seconds_per_answer": cost.seconds,
        "predicted_setup_cpu_seconds": cost.setup_seconds,
        "predicted_memory_bytes": cost.memory_bytes,
    }


def approximations(program: Program) -> list[Json]:
    """Every function that is approximated: where, on which interval, by what, and how well.

    Max-pooling compares in rounds, all of them alike: they are told of once.
    """
    found: list[Json] = []
    for node in program.graph:
        match node.op:
            case Evaluate() as op:
                told = _approximation(node.origin or node.name, op)
                found += [] if told in found else [told]
            case _:
                pass
    return found


def _approximation(origin: str, op: Evaluate) -> dict[str, Json]:
    return {
        "at": origin,
        "function": op.stands_for,
        "interval": [op.low, op.high],
        "degrees": list(op.approximation.degrees),
        "levels": op.plan.depth,
        "largest_error": op.error,
    }


def words_record(graph: Graph, arithmetic: Arithmetic) -> dict[str, Json]:
    """A table of what a program's words are, with what is proven of them, if there is one."""
    title, rows = _table(graph, arithmetic)
    return {title: [each.record() for each in rows]} if rows else {}


def _table(
    graph: Graph, arithmetic: Arithmetic
) -> tuple[str, Sequence[integers.Widths | field.Work | binary.Layer]]:
    """What an arithmetic's report is called, and its rows."""
    match arithmetic:
        case integers.Integers():
            return "bits_and_ranges", integers.report(graph)
        case field.Field():
            return "products", field.report(graph, arithmetic)
        case binary.Binary():
            return "layers", binary.report(graph)
        case _:
            return "", ()


def arithmetic_record(arithmetic: Arithmetic) -> dict[str, Json]:
    """An arithmetic's name and knobs."""
    knobs: dict[str, Json] = {name: _plain(value) for name, value in vars(arithmetic).items()}
    return {"arithmetic": arithmetic.name, **knobs}


def _plain(value: object) -> Json:
    """A knob's value as it stands in a record."""
    match value:
        case enum.Enum():
            plain: Json = value.value
        case tuple():
            plain = [_plain(each) for each in value]
        case None | bool() | int() | float() | str():
            plain = value
        case _:
            plain = str(value)
    return plain


def promise_record(promise: Promise) -> dict[str, Json]:
    """What is promised, and what is not."""
    record = asdict(promise)
    return {name: list(each) if isinstance(each, tuple) else each for name, each in record.items()}


def audit_record(folder: Path) -> dict[str, Json]:
    """What an auditor asks of a bundle, from whichever of its two parts are there."""
    folders = {party: each for party, each in parts_of(folder).items() if party is not Party.OWNER}
    if not folders:
        raise ProtocolError(f"{folder} has neither a client's nor a server's part")
    parts = {party: load_part(each, party) for party, each in folders.items()}
    if len({part.program for part in parts.values()}) > 1:
        raise ProtocolError("the client's and the server's part belong to different programs")
    first = next(iter(parts.values()))
    return {
        "program": first.program.hex(),
        **arithmetic_record(first.arithmetic),
        "parameters": _parameters(parts.values()),
        "promise": promise_record(first.arithmetic.promise),
        "parts": {
            party.value: {
                "words": [*sorted({type(node.op).__name__ for node in part.half.graph})],
                "weights": parameter_count(part.half.graph),
                "bytes": _size(folders[party]),
            }
            for party, part in parts.items()
        },
    }


def _parameters(parts: Iterable[Part]) -> dict[str, Json]:
    """What the parts tell of their set-up; of what both tell, it is the first one's word."""
    told: dict[str, Json] = {}
    for part in parts:
        told = {**part.arithmetic.audit(part.half), **told}
    return told


def _part_record(folder: Path, party: Party) -> dict[str, Json]:
    if party is not Party.OWNER:
        part = load_part(folder, party)
        graph = part.half.graph
        return {**graph_record(graph), **words_record(graph, part.arithmetic)}
    original = load_original(folder)
    lowered = original.program
    words = words_record(lowered.graph, lowered.arithmetic)
    program: dict[str, Json] = {**graph_record(lowered.graph), **words}
    source = None if original.source is None else graph_record(original.source)
    return {"source": source, "program": program}


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
