from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from tacit.arithmetics.field.worker.found import (
    Found,
    back_ends,
    by_definition,
    is_exact,
    looked_for,
    quickest,
    trials,
)
from tacit.arithmetics.field.worker.host_products import HostProducts
from tacit.arithmetics.field.worker.host_words import HostWords
from tacit.arithmetics.field.worker.layers import Layer, layer_of
from tacit.arithmetics.field.worker.words import BackEnd, Host, Words
from tacit.errors import EngineError
from tests.arithmetics.field.worker.scene import last, truth

WITHOUT_TORCH = """
import sys
from tacit.arithmetics.field.worker import found, looked_for
assert "torch" not in sys.modules
sys.modules["torch"] = None
facts = looked_for().facts
assert facts["back_end"] == "numpy", facts
assert list(facts["candidates"]) == ["numpy"], facts
assert facts["candidates"]["numpy"]["exact"], facts
"""


@dataclass(frozen=True)
class Rounded(BackEnd[Host]):
    """What single precision gives without a proof."""

    name: str = "rounded"

    @property
    def words(self) -> Words[Host]:
        return HostWords()

    def load(self, layer: Layer) -> Callable[[Host], Host]:
        def compute(x: Host) -> Host:
            exact = by_definition(layer, x)
            return exact.astype(np.float32).astype(np.int64).astype(np.int32)

        return compute


@dataclass(frozen=True)
class Absent(BackEnd[Host]):
    """What a library says that lacks a kernel on this host."""

    name: str = "absent"

    @property
    def words(self) -> Words[Host]:
        return HostWords()

    def load(self, layer: Layer) -> Callable[[Host], Host]:
        raise RuntimeError("no kernel for this device")


def test_every_back_end_of_this_host_is_exact() -> None:
    assert [each.name for each in back_ends() if not is_exact(each)] == []


def test_a_back_end_that_rounds_is_never_used() -> None:
    found = quickest((Rounded(), HostProducts()))

    assert found.products.name == "numpy"
    assert found.facts["candidates"] == {
        "rounded": {"exact": False, "used": False},
        "numpy": found.candidates[1].facts,
    }


@pytest.mark.parametrize("known", [(), (Rounded(),), (Absent(), Rounded())])
def test_without_an_exact_back_end_there_is_no_worker(known: tuple[BackEnd[Host], ...]) -> None:
    with pytest.raises(EngineError, match="no back end"):
        quickest(known)


def test_the_quickest_is_taken() -> None:
    found: Found = looked_for(threads=1)

    least = min(found.candidates, key=lambda each: each.seconds)
    assert found.facts["back_end"] == least.name


def test_the_definition_is_that_of_pythons_integers() -> None:
    product, shape, bound, x = next(each for each in trials() if each[1] == (4, 8, 9))
    graph = np.moveaxis(x, -1, 1)

    found = by_definition(layer_of(product, shape, bound), x)

    assert np.array_equal(found, last(product, truth(product, graph)))


def test_a_host_without_torch_has_a_worker() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH], check=True)
