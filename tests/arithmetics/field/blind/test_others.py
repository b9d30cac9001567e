"""Several processes share no mask, and one that dies loses and repeats none."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tacit.arithmetics.field.blind import Series, Store, make
from tacit.arithmetics.field.blind.ledger import State
from tests.arithmetics.field.blind.others import MAKING, QUERIES, TAKING
from tests.arithmetics.field.blind.scene import checked, filled_in, opened_in, products

ROOT = Path(__file__).parents[4]
COMMAND = (sys.executable, "-m", "tests.arithmetics.field.blind.others")


def started(*arguments: str) -> subprocess.Popen[str]:
    """Another process at its work."""
    return subprocess.Popen((*COMMAND, *arguments), cwd=ROOT, text=True, stdout=subprocess.PIPE)


def said(process: subprocess.Popen[str]) -> list[str]:
    """What it printed, once it ended well."""
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return printed.splitlines()


def rest(store: Store) -> dict[int, bytes]:
    """All that is left: a mask by index; every factor fits."""
    found = {}
    while store.left:
        with store.take() as query:
            found[query.index] = checked(query)
    return found


def stage(store: Store) -> str:
    """How far the making came, as the ledger has it."""
    match store.book.read():
        case State(finished=(_,)):
            return "finished"
        case State(unfinished=Series()):
            return "begun"
        case _:
            return "nothing"


def shown(folder: Path) -> set[bytes]:
    """The masks that the dead showed to the world."""
    return {path.read_bytes() for path in folder.glob("shown")}


@dataclass(frozen=True)
class Deaths:
    """Stores that processes left which died at many points, and what was seen of them then."""

    folder: Path
    half_written: int
    stages: set[str]


@pytest.fixture(scope="module")
def deaths(tmp_path_factory: pytest.TempPathFactory) -> Deaths:
    """Deaths at every point of making three queries, and of taking one."""
    folder = tmp_path_factory.mktemp("deaths")
    processes = [started(verb, str(folder / verb)) for verb in ("make", "take")]
    assert [said(process) for process in processes] == [[], []]
    halves = list(folder.glob("make/*/blobs/*/.*.partial"))
    stages = {stage(opened_in(folder / "make" / str(point))) for point in range(MAKING)}
    return Deaths(folder, len(halves), stages)


def test_two_processes_share_no_mask(tmp_path: Path) -> None:
    filled_in(tmp_path, 100)

    both = [started("fifty", str(tmp_path)) for _ in range(2)]
    lines = [line.split() for process in both for line in said(process)]

    assert sorted(int(index) for index, _ in lines) == list(range(100))
    assert len({mask for _, mask in lines}) == 100
    assert opened_in(tmp_path).left == 0


@pytest.mark.parametrize("point", range(MAKING))
def test_a_death_while_making_loses_and_repeats_nothing(deaths: Deaths, point: int) -> None:
    store = opened_in(deaths.folder / "make" / str(point))
    # All of them, where death came after the end, or nothing.
    early = store.left

    make(store, products, QUERIES - early or 1)

    assert early in {0, QUERIES}
    assert sorted(rest(store)) == list(range(QUERIES + early // QUERIES))


@pytest.mark.parametrize("point", range(TAKING))
def test_a_death_while_taking_loses_one_mask_at_most_and_repeats_none(
    deaths: Deaths, point: int
) -> None:
    folder = deaths.folder / "take" / str(point)

    left = rest(opened_in(folder))

    assert sorted(left) in ([0, 1, 2], [1, 2])
    assert shown(folder).isdisjoint(left.values())
    assert 0 not in left or not shown(folder)


def test_deaths_came_before_within_and_after(deaths: Deaths) -> None:
    assert deaths.stages == {"nothing", "begun", "finished"}
    assert deaths.half_written > 0
    assert 0 < len(list(deaths.folder.glob("take/*/shown"))) < TAKING
