import gc
import multiprocessing
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tacit.errors import EngineError
from tacit.lattigo import (
    Ciphertext,
    Context,
    Evaluator,
    Parameters,
    collect,
    live_handles,
    set_threads,
    threads,
)
from tacit.lattigo.library import library, open_library

Vector = NDArray[np.float64]
Seal = Callable[[Vector], Ciphertext]
Unseal = Callable[[Ciphertext], Vector]

CLOSE = 1e-7
WORKERS = 8


@pytest.mark.parametrize("in_goroutine", [0, 1])
def test_a_panic_becomes_an_error_and_the_process_lives(in_goroutine: int) -> None:
    with pytest.raises(EngineError, match="panicked: on purpose") as refusal:
        library().call("tacit_panic", in_goroutine)
    assert refusal.value.hint is not None
    assert threads() >= 1


def test_a_handle_that_is_unknown_is_an_error() -> None:
    with pytest.raises(EngineError, match="is not alive"):
        library().make("tacit_ckks_negate", 2**50)


def test_a_handle_of_another_kind_is_an_error(context: Context) -> None:
    with pytest.raises(EngineError, match="not a"):
        library().make("tacit_ckks_negate", context.number)


def test_objects_are_freed_when_python_lets_go(evaluator: Evaluator, seal: Seal, x: Vector) -> None:
    sealed = seal(x)
    gc.collect()
    before = live_handles()
    kept = [evaluator.negate(sealed) for _ in range(10)]
    assert live_handles() == before + 10
    del kept
    gc.collect()
    assert live_handles() == before


def test_a_refused_operation_leaves_nothing_behind(
    evaluator: Evaluator, seal: Seal, x: Vector
) -> None:
    sealed = seal(x)
    gc.collect()
    before = live_handles()
    with pytest.raises(EngineError):
        evaluator.rotate_hoisted(sealed, [1, 2, 7])
    gc.collect()
    assert live_handles() == before


def test_a_context_may_go_before_what_belongs_to_it(context: Context, x: Vector) -> None:
    passing = Context(context.parameters)
    secret = passing.secret_key()
    plaintext = passing.encode(x, level=1, scale=2.0**40)
    sealed = passing.encrypt(plaintext, secret)
    del passing, plaintext
    gc.collect()
    assert sealed.level == 1


def test_the_number_of_threads_can_be_set() -> None:
    before = threads()
    set_threads(1)
    assert threads() == 1
    set_threads(before)
    with pytest.raises(EngineError, match="0 threads"):
        set_threads(0)


def test_a_missing_library_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="not built") as refusal:
        open_library(tmp_path / "missing.so")
    assert "pip" in str(refusal.value.hint)


def test_a_broken_library_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "broken.so"
    path.write_bytes(b"no library")
    with pytest.raises(EngineError, match="cannot be opened"):
        open_library(path)


def test_importing_opens_nothing() -> None:
    script = (
        "import tacit.lattigo\n"
        "from tacit.lattigo.library import library\n"
        "raise SystemExit(library.cache_info().currsize)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


FORK = """
import os
from tacit import lattigo
from tacit.errors import EngineError
lattigo.live_handles()
child = os.fork()
if child == 0:
    try:
        lattigo.live_handles()
    except EngineError as error:
        os._exit(7 if "spawn" in error.hint else 8)
    os._exit(9)
_, status = os.waitpid(child, 0)
raise SystemExit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_a_forked_process_is_told_to_spawn() -> None:
    assert subprocess.run([sys.executable, "-c", FORK], check=False).returncode == 7


def mixed(evaluator: Evaluator, seal: Seal, unseal: Unseal, seed: int, rounds: int) -> list[float]:
    """Eight operations a round on fresh values, and the largest error of each round's result."""
    generator = np.random.default_rng(seed)
    errors = []
    for _ in range(rounds):
        x, y = generator.uniform(-1, 1, (2, evaluator.context.slots))
        a, b = seal(x), seal(y)
        product = evaluator.rescale(evaluator.multiply(a, b))
        turned = evaluator.rotate(product, 3)
        result = evaluator.negate(evaluator.add_constant(evaluator.add(turned, product), 0.5))
        wanted = -(np.roll(x * y, -3) + x * y + 0.5)
        errors.append(float(np.max(np.abs(unseal(result) - wanted))))
    return errors


def test_eight_threads_get_right_results(evaluator: Evaluator, seal: Seal, unseal: Unseal) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        runs = [pool.submit(mixed, evaluator, seal, unseal, seed, 4) for seed in range(WORKERS)]
        errors = [error for run in runs for error in run.result()]
    assert len(errors) == 4 * WORKERS
    assert max(errors) < CLOSE


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_leaks_over_ten_thousand_operations(
    evaluator: Evaluator, seal: Seal, unseal: Unseal
) -> None:
    mixed(evaluator, seal, unseal, 0, 50)
    gc.collect()
    collect()
    handles, memory = live_handles(), resident_bytes()
    errors = mixed(evaluator, seal, unseal, 1, 1250)
    gc.collect()
    collect()
    assert max(errors) < CLOSE
    assert live_handles() == handles
    # 10,000 ciphertexts of this size would take 800 MB; the allowance is for the allocators' slack.
    assert resident_bytes() < memory + 40 * 2**20


def squared_alone(parameters: Parameters, x: Vector) -> float:
    """The error of a square in a context that nobody else uses."""
    own = Context(parameters)
    secret = own.secret_key()
    keys = own.evaluation_keys(secret, relinearisation_level=2, rotations={})
    sealed = own.encrypt(own.encode(x, level=2, scale=2.0**40), secret)
    square = Evaluator(own, keys).multiply(sealed, sealed)
    return float(np.max(np.abs(own.decrypt(square, secret) - x * x)))


def test_several_contexts_share_nothing(parameters: Parameters, x: Vector) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        errors = list(pool.map(squared_alone, WORKERS * [parameters], WORKERS * [x]))
    assert max(errors) < CLOSE
