"""Matrices encoded between ciphertexts, grouped by how their results are folded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Map = TypeVar("Map")


@dataclass(frozen=True)
class Group(Generic[Map]):
    """Encoded maps whose results are folded alike: for every target a map of each source."""

    folds: tuple[int, ...]
    sources: list[tuple[int, int]]
    rows: dict[int, list[Map | None]]


def grouped(
    folds: tuple[int, ...], maps: Mapping[tuple[int, int], Mapping[int, Map]], turns: int
) -> Group[Map]:
    """Maps by target, of sources (argument, ciphertext), where `turns` inputs take turns."""
    targets = sorted({target for each in maps.values() for target in each})
    rows = {target: [each.get(target) for each in maps.values()] for target in targets}
    return Group(tuple(step * turns for step in folds), list(maps), rows)
