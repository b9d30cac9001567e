"""Calibrated ranges inside a .pt2 file: those of every node, as JSON, and none of the data."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tacit.errors import ReadError
from tacit.ir.graph import Graph, Range

# The name among the extra files of torch.export.save.
FILE = "tacit_ranges.json"
VERSION = 1
HINT = "save the model again by tacit.tune.save, with this version of tacit"


def written(graph: Graph) -> str:
    """The ranges of a calibrated graph's nodes."""
    ranges = {node.name: node.type.range for node in graph}
    assert all(ranges.values()), "the graph was calibrated"
    pairs = {name: [each.low, each.high] for name, each in ranges.items() if each}
    return json.dumps({"version": VERSION, "ranges": pairs}, allow_nan=False)


def ranged(graph: Graph, text: str | bytes) -> Graph:
    """The graph with the ranges that were written; ReadError unless they are exactly its own."""
    found = _ranges(text)
    names = [node.name for node in graph]
    strange = sorted(set(names) ^ set(found))
    if strange:
        what = "lack" if strange[0] in names else "know"
        raise ReadError(f"the file's ranges {what} {strange[0]}, unlike its graph", hint=HINT)
    nodes = (
        replace(node, type=replace(node.type, range=_range(node.name, found[node.name])))
        for node in graph
    )
    return Graph(tuple(nodes), graph.outputs)


def _ranges(text: str | bytes) -> Mapping[str, Any]:
    """What was written for each name."""
    try:
        tree = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as wrong:
        raise ReadError(f"the file's ranges are no JSON: {wrong}", hint=HINT) from wrong
    match tree:
        case {"version": int(version)} if version != VERSION:
            raise ReadError(
                f"the file's ranges are of version {version}; {VERSION} is understood", hint=HINT
            )
        case {"version": int(), "ranges": dict(ranges), **others} if not others:
            return ranges
        case _:
            raise ReadError("the file's ranges are not written as they should be", hint=HINT)


def _range(name: str, pair: Any) -> Range:
    match pair:
        case [float(low), float(high)] if math.isfinite(low + high) and low <= high:
            return Range(low, high)
        case _:
            raise ReadError(f"the file's range of {name} is {pair!r}", hint=HINT)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")
