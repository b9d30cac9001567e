from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tacit.errors import ReadError
from tacit.ir.functions import Function
from tacit.ir.graph import Graph, Range
from tacit.ir.ops import Map
from tacit.ir.rewrite import Builder
from tacit.passes import calibrate
from tacit.read.torch.ranges import ranged, written


def bare() -> Graph:
    build = Builder()
    return build.graph(build.put("relu", Map(Function("relu")), build.input("x", (3,))))


KNOWN = calibrate(bare(), np.array([[-1.5, 0.1, 0.3]]))


def test_ranges_come_back_as_they_were() -> None:
    found = ranged(bare(), written(KNOWN))

    # The ends of single entries are not written: they would tell of the data.
    assert [node.type for node in found] == [replace(node.type, bounds=None) for node in KNOWN]
    assert found["relu"].type.range == Range(0.0, 0.3)


def test_nothing_but_ends_of_ranges_is_written() -> None:
    assert json.loads(written(KNOWN)) == {
        "version": 1,
        "ranges": {"x": [-1.5, 0.3], "relu": [0.0, 0.3]},
    }


PAIR = '"x": [-1.5, 0.3]'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        ("[" * 100000, "no JSON"),
        ('{"version": 1, "version": 1, "ranges": {}}', "there twice"),
        ('{"version": 1, "ranges": {"x": [NaN, 0.3], "relu": [0.0, 0.3]}}', "no number"),
        ('{"version": 2, "ranges": {}}', "version 2; 1 is understood"),
        ('{"version": "1", "ranges": {}}', "not written as they should be"),
        ('{"ranges": {}}', "not written as they should be"),
        ('{"version": 1, "ranges": []}', "not written as they should be"),
        ('{"version": 1, "ranges": {}, "more": 0}', "not written as they should be"),
        ("[]", "not written as they should be"),
        (f'{{"version": 1, "ranges": {{{PAIR}}}}}', "lack relu"),
        (
            f'{{"version": 1, "ranges": {{{PAIR}, "relu": [0.0, 0.3], "y": [0.0, 1.0]}}}}',
            "know y",
        ),
        (f'{{"version": 1, "ranges": {{{PAIR}, "relu": [0.3, 0.0]}}}}', "range of relu"),
        (f'{{"version": 1, "ranges": {{{PAIR}, "relu": [0.3]}}}}', "range of relu"),
        (f'{{"version": 1, "ranges": {{{PAIR}, "relu": [false, true]}}}}', "range of relu"),
        (f'{{"version": 1, "ranges": {{{PAIR}, "relu": [0.0, 1e999]}}}}', "range of relu"),
        (f'{{"version": 1, "ranges": {{{PAIR}, "relu": "0, 1"}}}}', "range of relu"),
    ],
)
def test_anything_else_is_refused(text: str | bytes, words: str) -> None:
    with pytest.raises(ReadError, match=words):
        ranged(bare(), text)
