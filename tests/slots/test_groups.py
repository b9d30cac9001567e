from __future__ import annotations

from tacit.slots.groups import grouped


def test_maps_are_grouped_by_target() -> None:
    found = grouped((1, 2), {(0, 0): {0: "a", 1: "b"}, (1, 0): {1: "c"}}, turns=4)

    assert found.folds == (4, 8)
    assert found.sources == [(0, 0), (1, 0)]
    assert found.rows == {0: ["a", None], 1: ["b", "c"]}
