"""Random programs of verbs, carried on until their noise is used up."""

import gc
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tacit.errors import EngineError
from tacit.lattigo import collect, live_handles
from tacit.lattigo.integers import PLAINTEXT_MODULUS, Ciphertext, Plaintext
from tests.lattigo.integers.scene import Scene, Vector, centred

T = PLAINTEXT_MODULUS
WORKERS = 8
programs = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Sealed(NamedTuple):
    """The value so far, a fresh one at its level, and a constant."""

    scene: Scene
    a: Ciphertext
    b: Ciphertext
    k: int


class Clear(NamedTuple):
    """The same in the clear, all of it modulo t."""

    a: Vector
    b: Vector
    k: int


def product(s: Sealed) -> Ciphertext:
    made = s.scene.evaluator.multiply(s.a, s.b)
    return s.scene.evaluator.rescale(made) if made.level else made


def plain(s: Sealed) -> Plaintext:
    return s.scene.context.encode(s.scene.unseal(s.b), level=s.scene.top)


# Every verb, and what it means. The fresh value has noise of its own, so that nothing cancels: of
# ciphertexts without noise, which hide nothing, nothing is promised.
VERBS: dict[str, tuple[Callable[[Sealed], Ciphertext], Callable[[Clear], Vector]]] = {
    "add": (lambda s: s.scene.evaluator.add(s.a, s.b), lambda c: c.a + c.b),
    "subtract": (lambda s: s.scene.evaluator.subtract(s.a, s.b), lambda c: c.a - c.b),
    "square": (lambda s: s.scene.evaluator.multiply(s.a, s.a), lambda c: c.a * c.a),
    "multiply": (lambda s: s.scene.evaluator.multiply(s.a, s.b), lambda c: c.a * c.b),
    "multiply and rescale": (product, lambda c: c.a * c.b),
    "negate": (lambda s: s.scene.evaluator.negate(s.a), lambda c: -c.a),
    "add constant": (lambda s: s.scene.evaluator.add_constant(s.a, s.k), lambda c: c.a + c.k % T),
    "multiply constant": (
        lambda s: s.scene.evaluator.multiply_constant(s.a, s.k),
        lambda c: c.a * (c.k % T),
    ),
    "change factor": (
        lambda s: s.scene.evaluator.multiply_constant(s.a, 1, factor=1 + s.k % (T - 1)),
        lambda c: c.a,
    ),
    "add plain": (lambda s: s.scene.evaluator.add_plain(s.a, plain(s)), lambda c: c.a + c.b),
    "multiply plain": (
        lambda s: s.scene.evaluator.multiply_plain(s.a, plain(s)),
        lambda c: c.a * c.b,
    ),
    "rotate": (
        lambda s: s.scene.evaluator.rotate(s.a, 3),
        lambda c: np.roll(c.a.reshape(2, -1), -3, axis=1).ravel(),
    ),
    "drop": (lambda s: s.scene.evaluator.drop(s.a, max(s.a.level - 1, 0)), lambda c: c.a),
    "travel": (lambda s: s.scene.context.load_ciphertext(s.a.to_bytes()), lambda c: c.a),
}

# Multiples of t would leave no noise either.
constants = st.integers(-(2**80), 2**80).filter(lambda k: k % T)
lines = st.lists(st.tuples(st.sampled_from(sorted(VERBS)), constants), min_size=1, max_size=24)


def carried_out(scene: Scene, seed: int, lines: list[tuple[str, int]]) -> tuple[Ciphertext, Vector]:
    """The last value of a program on fresh values, encrypted and in the clear."""
    x, y = scene.sample(seed)
    sealed, clear, other = scene.seal(x), x, scene.seal(y)
    for verb, k in lines:
        on_sealed, on_clear = VERBS[verb]
        level = sealed.level
        sealed = on_sealed(Sealed(scene, sealed, scene.evaluator.drop(other, level), k))
        clear = centred(on_clear(Clear(clear, y, k)))
    return sealed, clear


@programs
@given(seed=st.integers(0, 2**32), lines=lines)
def test_a_program_is_exact_or_refused_and_the_budget_says_which(
    scene: Scene, seed: int, lines: list[tuple[str, int]]
) -> None:
    sealed, clear = carried_out(scene, seed, lines)
    expected = clear if scene.budget(sealed) > 0 else None
    np.testing.assert_equal(decrypted(scene, sealed), expected)


def decrypted(scene: Scene, sealed: Ciphertext) -> Vector | None:
    """The values, or None where decryption refuses."""
    try:
        return scene.unseal(sealed)
    except EngineError:
        return None


# Sixteen verbs that leave noise budget in both schemes, one after another.
ROUND = [
    *(("rotate", 0), ("add", 0), ("multiply and rescale", 0), ("negate", 0), ("travel", 0)),
    *(("add constant", -7), ("add plain", 0), ("multiply constant", 3), ("rotate", 0)),
    *(("subtract", 0), ("multiply and rescale", 0), ("travel", 0), ("add constant", 12345)),
    *(("negate", 0), ("drop", 0), ("add plain", 0)),
]


def rounds_done(scene: Scene, seed: int, count: int) -> list[bool]:
    """Whether each of several rounds, on fresh values and with these verbs, was exact."""
    results = (carried_out(scene, each, ROUND) for each in range(seed, seed + count))
    return [bool((scene.unseal(sealed) == clear).all()) for sealed, clear in results]


def test_eight_threads_get_exact_results(scene: Scene) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        runs = [pool.submit(rounds_done, scene, 100 * worker, 3) for worker in range(WORKERS)]
        exact = [each for run in runs for each in run.result()]
    assert exact == 3 * WORKERS * [True]


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_leaks_over_thousands_of_operations(scene: Scene) -> None:
    rounds_done(scene, 0, 20)
    gc.collect()
    collect()
    handles, memory = live_handles(), resident_bytes()
    exact = rounds_done(scene, 1000, 250)
    gc.collect()
    collect()
    assert exact == 250 * [True]
    assert live_handles() == handles
    # 250 rounds make more than 4,000 ciphertexts of 80 to 160 kB, and as much in buffers.
    assert resident_bytes() < memory + 40 * 2**20
