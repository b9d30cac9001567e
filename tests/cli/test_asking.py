"""Masks, workers and those who ask them, as a user does: real processes, files in and out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tacit.arithmetics.field import Field, Mode
from tacit.cli.hired import Hired, hired
from tacit.errors import EngineError
from tacit.program import lower
from tacit.serve import load_program, make_keys, pack
from tests.arithmetics.field import models
from tests.command import tacit


@dataclass(frozen=True)
class Met:
    """A folder with a bundle, a secret and inputs, and a worker of its own."""

    folder: Path
    worker: Hired

    def words(self, *more: object) -> tuple[object, ...]:
        """A question to the worker."""
        return (
            *("ask", self.folder / "bundle" / "client", self.folder / "x.npy"),
            *("--secret", self.folder / "secret", "--worker", self.worker.address, *more),
        )


def packed(folder: Path, mode: Mode) -> Path:
    """A perceptron's bundle, with a secret and five inputs beside it."""
    graph = models.perceptron()
    pack(lower(graph, Field(mode=mode, batch=2)), folder / "bundle", source=graph)
    make_keys(folder / "bundle", secret=folder / "secret", keys=folder / "keys")
    np.save(folder / "x.npy", models.rows(graph)[:5])
    return folder


@pytest.fixture(scope="module")
def integrity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Met]:
    folder = packed(tmp_path_factory.mktemp("i"), Mode.INTEGRITY)
    with hired(folder / "bundle" / "server", folder / "w") as worker:
        yield Met(folder, worker)


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Met]:
    folder = packed(tmp_path_factory.mktemp("p"), Mode.PRIVATE)
    with hired(folder / "bundle" / "server", folder / "w") as worker:
        yield Met(folder, worker)


def test_checked_answers_are_those_simulated(integrity: Met, tmp_path: Path) -> None:
    said = tacit(*integrity.words("-o", tmp_path / "y.npy", "--json"))

    assert said.status == 0, said.err
    expected = load_program(integrity.folder / "bundle")(np.load(integrity.folder / "x.npy"))
    assert np.array_equal(np.load(tmp_path / "y.npy"), expected)
    assert said.record["dropped"] == {}


def test_a_worker_that_is_not_there_is_told_of_and_done_without(integrity: Met) -> None:
    said = tacit(*integrity.words("--worker", f"unix:{integrity.folder}/nobody", "--json"))

    assert said.status == 0, said.err
    assert list(said.record["dropped"]) == [f"unix:{integrity.folder}/nobody"]
    assert len(said.record["results"]) == 5


def test_a_worker_of_another_program_is_not_asked(integrity: Met, private: Met) -> None:
    other = Met(integrity.folder, private.worker)

    said = tacit(*other.words())

    assert said.status == 1
    assert "no worker is left" in said.err


def test_private_answers_use_up_masks(private: Met, tmp_path: Path) -> None:
    secret, masks = ("--secret", private.folder / "secret"), ("--masks", tmp_path / "masks")
    bundle = private.folder / "bundle"

    made = tacit("mask", bundle, *secret, *masks, "--count", 5, "--json")
    first = tacit(*private.words(*masks, "-o", tmp_path / "y.npy", "--json"))
    again = tacit(*private.words(*masks))

    assert (made.status, first.status) == (0, 0), made.err + first.err
    expected = load_program(bundle)(np.load(private.folder / "x.npy"))
    assert np.array_equal(np.load(tmp_path / "y.npy"), expected)
    assert again.status == 1
    assert "no mask is left" in again.err


def test_a_private_question_needs_masks(private: Met) -> None:
    said = tacit(*private.words())

    assert said.status == 1
    assert "tacit mask" in said.err


def test_what_is_not_masked_needs_no_masks(integrity: Met, tmp_path: Path) -> None:
    words = ("mask", integrity.folder / "bundle", "--secret", integrity.folder / "secret")

    said = tacit(*words, "--masks", tmp_path / "masks", "--count", 1)

    assert said.status == 1
    assert "field:mode=private" in said.err


def test_a_worker_that_does_not_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="before it was ready"), hired(tmp_path, tmp_path / "w"):
        pytest.fail("there is no bundle")


def test_a_sealed_answer_is_checked_with_its_request(integrity: Met, tmp_path: Path) -> None:
    bundle, secret = integrity.folder / "bundle", ("--secret", integrity.folder / "secret")
    asked, answered = tmp_path / "q", tmp_path / "a"
    data, keys = ("--data", integrity.folder / "x.npy"), ("--keys", integrity.folder / "keys")

    sealed = tacit("seal", bundle, *secret, *data, "-o", asked, "--limit", 2)
    done = tacit("answer", bundle, asked, *keys, "-o", answered)
    alone = tacit("open", bundle, answered, *secret)
    opened = tacit("open", bundle, answered, *secret, "--request", asked, "--json")

    assert (sealed.status, done.status, alone.status) == (0, 0, 1)
    assert "--request" in alone.err
    assert opened.record["rows"] == 2


def test_show_tells_who_computes_each_product(integrity: Met) -> None:
    record = tacit("show", integrity.folder / "bundle", "--json").record

    told = record["client"]["products"]
    assert [each["computed_by"] for each in told] == ["worker"] * 3
    assert [each["multiplications"] for each in told] == [12 * 16, 16 * 8, 8 * 3]
    assert all(each["soundness_bits"] >= 40 and each["bits"] <= 32 for each in told)
    assert record["owner"]["program"]["products"] == told
