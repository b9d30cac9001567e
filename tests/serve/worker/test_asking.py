"""Asking workers that cheat, leave and are true: what comes back is what was simulated."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tacit.arithmetics.field import parties
from tacit.arithmetics.field import verifier as verifying
from tacit.arithmetics.field.checker import READY
from tacit.arithmetics.field.config import Field
from tacit.arithmetics.field.plan import Plan, Strength
from tacit.arithmetics.field.promises import Mode
from tacit.arithmetics.field.verifier import Challenges
from tacit.errors import EngineError, OutOfRange, TypeMismatch, VerificationFailed
from tacit.ir.functions import FloatArray
from tacit.program import ClientEngine
from tacit.serve import Client, make_keys, pack
from tacit.serve.worker import Pool, connect
from tacit.serve.worker.asking import ask
from tacit.serve.worker.pool import FALSE
from tests.arithmetics.field.scene import PRODUCTS, Scene, batch, grouped, scene, secretly, single
from tests.serve.programs import Packed
from tests.serve.worker.street import (
    GONE,
    LONG,
    PROGRAM,
    Answers,
    Cheats,
    Leaves,
    Shortens,
    Street,
    masks_of,
    rewriting,
    started,
)

ROWS = 4


@pytest.fixture
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    # A socket's path has at most 107 letters; a test's own folder may be longer.
    with contextlib.ExitStack() as stack:
        yield Street(tmp_path_factory.mktemp("a"), stack)


def openly() -> tuple[Scene, ClientEngine]:
    where = scene(grouped(), Field(batch=ROWS))
    return where, where.client()


def privately() -> tuple[Scene, ClientEngine]:
    where = secretly(grouped(), Field(batch=ROWS))
    return where, where.private_client()


# Tests in which a worker ends its own thread.
leaving = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
both = pytest.mark.parametrize("made", [openly, privately])
Made = Callable[[], tuple[Scene, ClientEngine]]


def reasons(pool: Pool) -> dict[str, str]:
    """Why workers were dropped, by what they do."""
    names = {each: each.rpartition("/")[2].partition("-")[0] for each in pool.dropped}
    return {names[each]: reason for each, reason in pool.dropped.items()}


@both
def test_results_are_what_is_simulated(made: Made, street: Street) -> None:
    where, client = made()
    x = batch(where.program.graph, 10)

    found = ask(client, street.pool(where, Answers, Answers), x)

    assert np.array_equal(found, where.program(x))


@leaving
@both
def test_whoever_cheats_or_leaves_is_dropped_and_nothing_is_lost(
    made: Made, street: Street
) -> None:
    where, client = made()
    x = batch(where.program.graph, 40)
    pool = street.pool(where, Cheats, Leaves, Shortens, Answers)

    found = ask(client, pool, x)

    assert np.array_equal(found, where.program(x))
    assert reasons(pool) == {
        "Cheats": FALSE,
        "Leaves": GONE,
        "Shortens": "the worker's answer has other sizes than the program's",
    }
    assert len(pool.connections) == 1


@both
def test_nothing_is_returned_where_nobody_is_true(made: Made, street: Street) -> None:
    where, client = made()
    pool = street.pool(where, Cheats, Cheats)

    with pytest.raises(VerificationFailed, match="no worker is left that answers truly"):
        ask(client, pool, batch(where.program.graph, 5 * ROWS))


@leaving
@both
def test_whoever_is_alone_and_leaves_was_no_cheat(made: Made, street: Street) -> None:
    where, client = made()

    with pytest.raises(EngineError, match="no worker is left"):
        ask(client, street.pool(where, Leaves), batch(where.program.graph, 5 * ROWS))


@both
def test_what_is_out_of_range_is_asked_of_nobody(made: Made, street: Street) -> None:
    where, client = made()
    x = batch(where.program.graph, ROWS) + 100.0
    engine = Answers(where.worker())
    pool = Pool.open([street.open(engine)], PROGRAM)
    street.stack.callback(pool.close)

    with pytest.raises(OutOfRange):
        ask(client, pool, x)

    assert engine.messages == []


@both
def test_entries_may_be_moved_into_the_range(made: Made, street: Street) -> None:
    where, client = made()
    x = batch(where.program.graph, ROWS) + 100.0

    found = ask(client, street.pool(where, Answers), x, clip=True)

    assert np.array_equal(found, where.program(x))


@both
def test_progress_is_told_batch_by_batch(made: Made, street: Street) -> None:
    where, client = made()
    told: list[tuple[int, int]] = []

    ask(
        client,
        street.pool(where, Answers),
        batch(where.program.graph, 3 * ROWS),
        progress=lambda done, total: told.append((done, total)),
    )

    assert told == [(1, 3), (2, 3), (3, 3)]


@both
def test_nobody_is_asked_for_more_rows_than_it_takes(made: Made, street: Street) -> None:
    where, client = made()
    engines = [Answers(where.worker()), Answers(where.worker())]
    addresses = [street.open(each, rows=rows) for each, rows in zip(engines, (0, 2), strict=True)]
    pool = Pool.open(addresses, PROGRAM)
    street.stack.callback(pool.close)
    x = batch(where.program.graph, 9)

    found = ask(client, pool, x)

    # The largest question is the first, of two rows of the bordered image in 32 bits each.
    longest = max(len(message[-1]) for each in engines for message in each.messages)
    assert longest <= 2 * 3 * 10 * 10 * 4
    assert np.array_equal(found, where.program(x))


@both
def test_challenges_are_made_a_few_batches_ahead_and_destroyed_with_theirs(
    made: Made, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: list[int] = []
    most: list[int] = []
    begin, destroy = Challenges.__init__, Challenges.destroy

    def begun(self: Challenges, plan: Plan, strength: Strength) -> None:
        alive.append(id(self))
        most.append(len(alive))
        begin(self, plan, strength)

    def destroyed(self: Challenges) -> None:
        destroy(self)
        if id(self) in alive:
            alive.remove(id(self))

    monkeypatch.setattr(verifying.Challenges, "__init__", begun)
    monkeypatch.setattr(verifying.Challenges, "destroy", destroyed)
    where, client = made()

    ask(client, street.pool(where, Answers), batch(where.program.graph, 12 * ROWS))

    # Those that are ready belong to no batch yet; one is in use, and one may be in the making.
    assert len(alive) <= READY
    assert max(most) <= READY + 2


def test_no_private_question_shows_anything(street: Street) -> None:
    where, client = privately()
    engine = Answers(where.worker())
    pool = Pool.open([street.open(engine)], PROGRAM)
    street.stack.callback(pool.close)
    x = np.repeat(batch(where.program.graph, 1), 2 * ROWS, axis=0)

    ask(client, pool, x)

    # Eight rows are one and the same: no two of their masked values have anything in common.
    firsts = [
        np.frombuffer(part, "<u4").reshape(ROWS, -1)
        for name, part in engine.messages
        if name == engine.messages[0][0]
    ]
    rows = np.concatenate(firsts)
    alike = [(a == b).mean() for k, a in enumerate(rows) for b in rows[k + 1 :]]
    assert len(rows) == 2 * ROWS
    assert max(alike) < 0.02


def test_what_is_encrypted_is_not_asked_this_way(packed: Packed, street: Street) -> None:
    client = Client(packed.bundle, secret=packed.secret).engine
    where, _ = openly()

    with pytest.raises(TypeMismatch, match="programs of the field alone"):
        ask(client, street.pool(where, Answers), packed.inputs)


def test_a_worker_that_rewrites_its_answer_has_nothing_of_it(
    street: Street, tmp_path_factory: pytest.TempPathFactory
) -> None:
    where, client = openly()
    path = tmp_path_factory.mktemp("r") / "rewrites"
    x, stop = batch(where.program.graph, 10 * ROWS), threading.Event()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen()
        thread = threading.Thread(target=rewriting, args=(where, door, stop))
        thread.start()
        pool = Pool([connect(f"unix:{path}", PROGRAM), *street.pool(where, Answers).connections])

        found = ask(client, pool, x)
        stop.set()
        pool.close()
        thread.join()

    # What it wrote too early was false, and what it wrote too late was never looked at.
    assert np.array_equal(found, where.program(x))


@pytest.mark.slow
@pytest.mark.parametrize("mode", Mode)
def test_real_workers_of_which_one_is_killed(
    mode: Mode, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parties, "found", lambda: PRODUCTS)
    folder = tmp_path_factory.mktemp("k")
    where = scene(single(), Field(mode=mode, batch=2))
    pack(where.program, folder / "bundle", source=single())
    make_keys(folder / "bundle", secret=folder / "secret", keys=folder / "keys")
    masks = masks_of(folder, 20) if mode is Mode.PRIVATE else None
    client = Client(folder / "bundle", secret=folder / "secret", masks=masks)
    x = batch(where.program.graph, 10)

    with started(folder, "one") as first, started(folder, "two") as second:
        with Pool.open(
            [f"unix:{folder / 'one'}", f"unix:{folder / 'two'}"], client.program
        ) as pool:
            first.kill()
            first.wait(LONG)
            found = ask(client.engine, pool, x)
            dropped = dict(pool.dropped)
        second.send_signal(signal.SIGTERM)

    assert np.array_equal(found, where.program(x))
    assert list(dropped) == [f"unix:{folder / 'one'}"]


def test_an_empty_batch_is_refused(street: Street) -> None:
    where, client = openly()
    nothing: FloatArray = np.zeros((0, 3, 8, 8))

    with pytest.raises(TypeMismatch, match="at least one row"):
        ask(client, street.pool(where, Answers), nothing)
