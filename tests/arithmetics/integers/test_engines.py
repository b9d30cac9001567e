import numpy as np
import pytest

from tacit.arithmetics.integers import EngineKind, Integers, bgv, engines, tfhe
from tacit.arithmetics.integers.engines import ENGINES, Demand, engine_of, engine_of_half, prepared
from tacit.arithmetics.integers.tfhe import door
from tacit.errors import DepthExceeded, EngineError, ProtocolError
from tacit.ir.graph import Graph
from tacit.program import Half, Program
from tests.arithmetics.integers.tfhe.words import table_graph

DEMAND = Demand(security=128, batch=None, error=2.0**-40, approximate=False)


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfhe, "installed", lambda: False)
    monkeypatch.setattr(door, "installed", lambda: False)


@pytest.fixture
def present(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfhe, "installed", lambda: True)


@pytest.fixture
def deep(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> Graph:
        raise DepthExceeded("too deep")

    monkeypatch.setattr(bgv, "pack", refused)


@pytest.mark.usefixtures("absent")
def test_without_concrete_bgv_is_chosen() -> None:
    found = prepared(table_graph(0, 3), EngineKind.AUTO, DEMAND)

    assert engine_of(found) is ENGINES["bgv"]


@pytest.mark.usefixtures("absent", "deep")
def test_what_is_too_deep_names_the_engine_that_is_not_installed() -> None:
    with pytest.raises(DepthExceeded) as refused:
        prepared(table_graph(0, 3), EngineKind.AUTO, DEMAND)

    assert "tacit[tfhe]" in str(refused.value.hint)


@pytest.mark.usefixtures("present", "deep")
def test_what_is_too_deep_for_bgv_is_tfhes_where_that_is_installed() -> None:
    graph = table_graph(0, 3)

    assert prepared(graph, EngineKind.AUTO, DEMAND) is graph


@pytest.mark.usefixtures("present")
@pytest.mark.parametrize(("seconds", "chosen"), [(0.0, "tfhe"), (1e9, "bgv")])
def test_the_cheaper_engine_is_chosen(
    monkeypatch: pytest.MonkeyPatch, seconds: float, chosen: str
) -> None:
    monkeypatch.setattr(tfhe, "predicted_seconds", lambda _: seconds)

    found = prepared(table_graph(0, 3), EngineKind.AUTO, DEMAND)

    assert engine_of(found) is ENGINES[chosen]


def test_words_for_tfhe_are_not_laid_out() -> None:
    graph = table_graph(0, 3)

    assert prepared(graph, EngineKind.TFHE, DEMAND) is graph
    assert engine_of(graph) is ENGINES["tfhe"]


def test_tfhe_is_simulated_without_concrete_and_refused_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing() -> object:
        raise door.absent()

    monkeypatch.setattr(door, "library", missing)
    program = Program(table_graph(0, 3), Integers(engine=EngineKind.TFHE))
    x = np.array([[0.0, 1.0, 2.0, 3.0]])

    assert np.array_equal(program(x), x)
    with pytest.raises(EngineError, match=r"tacit\[tfhe\]"):
        program.engine()


@pytest.mark.parametrize("name", ["ckks", 3, None])
def test_a_half_of_an_unknown_engine_is_refused(name: str | int | None) -> None:
    with pytest.raises(ProtocolError, match="bgv, tfhe"):
        engine_of_half(Half(table_graph(0, 3), {"engine": name}))


def test_every_engine_has_a_kind() -> None:
    kinds = {kind.value for kind in EngineKind} - {EngineKind.AUTO.value}

    assert set(engines.ENGINES) == kinds
