from __future__ import annotations

import time
from collections.abc import Collection, Mapping

import pytest

from tacit.lattigo.work import LEAST_SAMPLES, LEAST_SECONDS, SIDE, Host, Limbs, Parts, Sample, timed

UNIT = {"ntt": 4.0, "multiply_accumulate": 1.0, "extend": 2.0, "permute": 0.5}


def busy(seconds: float) -> None:
    """Keeps the processor working for so long."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_parts_add_up_and_take_their_units_seconds() -> None:
    parts = (Parts(ntt=1.0, extend=2.0) + Parts(ntt=1.0, permute=4.0)) * 2.0

    assert parts == Parts(ntt=4.0, extend=4.0, permute=8.0)
    assert parts.seconds(UNIT) == 4.0 * 4.0 + 4.0 * 2.0 + 8.0 * 0.5


def test_real_work_takes_its_overhead_more() -> None:
    host = Host(UNIT, overhead=1.5, key=0.0, diagonal=0.0)

    assert host.seconds(Parts(ntt=1.0)) == 6.0


@pytest.mark.parametrize(("q", "p", "digits"), [(6, 3, 2), (7, 3, 3), (1, 4, 1)])
def test_a_key_switch_has_a_digit_for_every_group_of_special_primes(
    q: int, p: int, digits: int
) -> None:
    assert Limbs(q, p).digits == digits


def test_a_matrix_of_one_diagonal_needs_no_rotation() -> None:
    limbs = Limbs(6, 3)

    found = limbs.apply(0, 0, 1)

    assert found == limbs.divide() * 2 + Parts(multiply_accumulate=limbs.both)


def test_a_sample_is_asked_for_a_split_and_the_rotations_that_it_takes() -> None:
    asked: list[object] = []

    def keys(steps: Collection[int]) -> str:
        asked.append(sorted(steps))
        return "keys"

    def matrix(split: Mapping[int, tuple[int, int]]) -> str:
        asked.append(sorted(split))
        return "matrix"

    def work(made: str, applied: str) -> None:
        busy(LEAST_SECONDS / LEAST_SAMPLES)
        asked.append((made, applied))

    timed(Sample(keys, matrix, work), Limbs(3, 1), UNIT)

    babies, giants = range(1, SIDE), range(SIDE, SIDE**2, SIDE)
    assert asked[:2] == [[*babies, *giants], list(range(SIDE**2))]
    assert asked[2:] == [("keys", "matrix")] * len(asked[2:])
    assert len(asked[2:]) >= LEAST_SAMPLES


def lasting(keys: float, matrix: float, work: float) -> Sample[None, None]:
    """A sample whose calls take so many seconds."""

    def made(_: Collection[int]) -> None:
        busy(keys)

    def encoded(_: Mapping[int, tuple[int, int]]) -> None:
        busy(matrix)

    def applied(_: None, __: None) -> None:
        busy(work)

    return Sample(made, encoded, applied)


def test_what_a_sample_takes_is_seen_in_the_host() -> None:
    limbs, unit = Limbs(3, 1), dict.fromkeys(UNIT, 1e-6)

    host = timed(lasting(keys=0.06, matrix=0.03, work=0.03), limbs, unit)

    counted = limbs.apply(SIDE - 1, SIDE - 1, SIDE**2) + limbs.rotate()
    # Busy work takes as long as it is told to, but for what the clock and the loop add.
    assert host.key * 2 * (SIDE - 1) * limbs.digits * limbs.both == pytest.approx(0.06, rel=0.2)
    assert host.diagonal * SIDE**2 * limbs.both == pytest.approx(0.03, rel=0.2)
    assert host.seconds(counted) == pytest.approx(0.03, rel=0.2)


def test_real_work_is_never_said_to_be_faster_than_its_parts() -> None:
    assert timed(lasting(0.0, 0.0, 0.001), Limbs(3, 1), UNIT).overhead == 1.0
