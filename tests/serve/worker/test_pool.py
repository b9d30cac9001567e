"""Several workers: every result is right and in its place, or there is none."""

from __future__ import annotations

import pytest

from tacit.errors import EngineError, VerificationFailed
from tacit.serve.worker import Patience, Pool
from tacit.serve.worker.pool import FALSE, Copied
from tests.serve.worker.conftest import Stable
from tests.serve.worker.stable import PROGRAM

PATIENCE = Patience(least_seconds=0.3, most_seconds=5.0)


def job(number: int) -> list[bytes]:
    return [bytes([number]) * 50]


def judge(number: int, answer: Copied) -> int | None:
    """The job's number, if every byte of its answer is one more."""
    return number if bytes(answer[0]) == bytes([number + 1]) * 50 else None


def pool(stable: Stable, *kinds: str) -> Pool:
    addresses = [stable.unix(kind).address for kind in kinds]
    return Pool.open(addresses, PROGRAM, patience=PATIENCE)


def reasons(workers: Pool) -> dict[str, str]:
    """Why workers were dropped, by their kind."""
    return {address.rpartition("-")[2]: reason for address, reason in workers.dropped.items()}


def test_three_workers_share_the_work(stable: Stable) -> None:
    told: list[tuple[int, int]] = []

    with pool(stable, "sluggish", "sluggish", "sluggish") as workers:
        results = workers.answers(
            [job(number) for number in range(30)],
            judge,
            progress=lambda done, total: told.append((done, total)),
        )

    assert results == list(range(30))
    assert told == [(number + 1, 30) for number in range(30)]
    assert dict(workers.dropped) == {}


def test_whoever_is_slow_cheats_or_dies_is_dropped_and_nothing_is_lost(stable: Stable) -> None:
    with pool(stable, "hanging", "cheating", "dying", "sluggish") as workers:
        results = workers.answers([job(number) for number in range(12)], judge)

        assert results == list(range(12))
        assert reasons(workers) == {
            "hanging": "it took more than 0.3 s",
            "cheating": FALSE,
            "dying": "the other side closed the connection",
        }
        assert workers.answers([job(0)], judge) == [0]


@pytest.mark.parametrize("kind", ["babbles", "mistypes", "overstates", "failing", "stops_short"])
def test_nonsense_is_redone_elsewhere(kind: str, stable: Stable) -> None:
    with pool(stable, kind, "sluggish") as workers:
        assert workers.answers([job(number) for number in range(6)], judge) == list(range(6))
        assert list(reasons(workers)) == [kind]


def test_nothing_false_is_returned_when_everybody_cheats(stable: Stable) -> None:
    workers = pool(stable, "cheating", "cheating")

    with pytest.raises(VerificationFailed, match="answers truly"):
        workers.answers([job(0), job(1), job(2)], judge)


def test_an_error_names_what_happened_to_each(stable: Stable) -> None:
    workers = pool(stable, "dying", "failing")

    with pytest.raises(EngineError, match="failing: the worker says that it failed: out of order"):
        workers.answers([job(0), job(1)], judge)
    assert sorted(reasons(workers)) == ["dying", "failing"]


def test_a_pool_of_nobody_answers_nothing(stable: Stable) -> None:
    with pytest.raises(EngineError, match="no worker is left"):
        Pool.open([f"unix:{stable.path('nobody')}"], PROGRAM)


def test_who_cannot_be_reached_counts_as_dropped(stable: Stable) -> None:
    nobody = f"unix:{stable.path('nobody')}"

    with Pool.open([nobody, stable.unix("honest").address], PROGRAM) as workers:
        assert list(workers.dropped) == [nobody]
        assert workers.answers([job(0)], judge) == [0]


def test_no_jobs_have_no_results(stable: Stable) -> None:
    with pool(stable, "honest") as workers:
        assert workers.answers([], judge) == []


def test_two_connections_to_a_cheater_are_dropped_together(stable: Stable) -> None:
    cheater = stable.unix("cheating").address
    honest = stable.unix("sluggish").address

    with Pool.open([cheater, cheater, honest], PROGRAM, patience=PATIENCE) as workers:
        assert workers.answers([job(n) for n in range(12)], judge) == list(range(12))
        assert [each.address for each in workers.connections] == [honest]


def test_sizes_are_required_of_every_answer(stable: Stable) -> None:
    workers = pool(stable, "honest")

    with pytest.raises(EngineError, match="other sizes"):
        workers.answers([job(0)], judge, sizes=lambda number: [number])


def test_an_error_of_the_judge_closes_the_pool(stable: Stable) -> None:
    def broken(number: int, answer: Copied) -> int | None:
        raise KeyError(number, len(answer))

    workers = pool(stable, "sluggish", "sluggish")

    with pytest.raises(KeyError):
        workers.answers([job(n) for n in range(8)], broken)


def test_patience_follows_the_median_of_the_others_between_borders() -> None:
    patience = Patience(least_seconds=1.0, factor=10.0, most_seconds=30.0)

    assert patience.seconds([]) == 30.0
    assert patience.seconds([0.01, 0.02]) == 1.0
    assert patience.seconds([0.1, 0.5, 9.0]) == 5.0
    assert patience.seconds([100.0]) == 30.0
