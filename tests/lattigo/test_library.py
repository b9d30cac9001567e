import gc
import multiprocessing
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tacit.errors import EngineError
from tacit.lattigo import (
    Ciphertext,
    Context,
    EvaluationKeys,
    Evaluator,
    Parameters,
    SecretKey,
    collect,
    live_handles,
    set_threads,
    threads,
)
from tacit.lattigo.library import Argument, library, open_library, real

Vector = NDArray[np.float64]
Seal = Callable[[Vector], Ciphertext]
Unseal = Callable[[Ciphertext], Vector]

CLOSE = 1e-7
WORKERS = 8


@dataclass(frozen=True)
class Lent:
    """Handles of every kind, and little arrays that absurd counts are told of."""

    context: int
    secret: int
    keys: int
    plaintext: int
    sealed: int
    map: int
    words: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(4, dtype=np.uint64))
    integers: NDArray[np.int64] = field(default_factory=lambda: np.zeros(4, dtype=np.int64))
    doubles: Vector = field(default_factory=lambda: np.zeros(4))
    bytes: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(4, dtype=np.uint8))
    out: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(4, dtype=np.uint64))

    @property
    def sealed_list(self) -> NDArray[np.uint64]:
        """The ciphertext as a list of one."""
        return np.array([self.sealed], dtype=np.uint64)


@pytest.fixture
def lent(
    context: Context, secret: SecretKey, keys: EvaluationKeys, seal: Seal, x: Vector
) -> Iterator[Lent]:
    plaintext, sealed = context.encode(x, level=1, scale=2.0**40), seal(x)
    made = context.linear_map({}, level=1, scale=2.0**40, split={})
    # The objects live as long as the test that has their handles.
    yield Lent(
        *(context.number, secret.number, keys.number),
        *(plaintext.number, sealed.number, made.number),
    )
    del plaintext, sealed, made


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


@pytest.mark.parametrize("count", [-1, 0, 4097, 2**62])
def test_numbers_of_threads_that_no_machine_has_are_refused(count: int) -> None:
    before = threads()
    with pytest.raises(EngineError, match=rf"{count} threads cannot work; 1 to 4096 can"):
        set_threads(count)
    assert threads() == before


# A float travels in another register: the engine would take what happens to lie in this one's.
@pytest.mark.parametrize("number", [1.0, np.float64(2.0), "1", None, 2**63, -(2**64), 10**4000])
def test_what_is_no_integer_of_64_bits_never_reaches_the_engine(number: Any) -> None:
    before = threads()
    with pytest.raises(EngineError, match="integer"):
        library().call("tacit_set_threads", number)
    assert threads() == before


# Where the counts stand among the arguments of each function, and what the others are.
HOSTILE: dict[str, Callable[[Lent, int], tuple[Argument, ...]]] = {
    "tacit_ckks_context": lambda a, n: (10, 0, 40, 0, a.words, n, a.words, 1, a.out),
    "tacit_bgv_context": lambda a, n: (10, 0, 65537, a.words, 1, a.words, n, a.out),
    "tacit_ckks_encode": lambda a, n: (a.context, a.doubles, n, 1, real(2.0**40), a.out),
    "tacit_ckks_decode": lambda a, n: (a.plaintext, a.doubles, n),
    "tacit_ckks_decrypt": lambda a, n: (a.sealed, a.secret, real(0.0), a.doubles, n),
    "tacit_ckks_rotate": lambda a, n: (a.sealed, a.keys, a.integers, n, a.out),
    "tacit_ckks_rotate_sum": lambda a, n: (a.sealed, a.keys, a.integers, n, a.out),
    "tacit_ckks_extend_map": lambda a, n: (a.map, a.words, a.integers, a.integers, n),
    "tacit_ckks_apply_maps": lambda a, n: (a.words, n, a.words, 1, a.keys, a.out),
    "tacit_bgv_apply_maps": lambda a, n: (a.words, n, a.words, 1, a.keys, a.out),
    "tacit_add_rotations": lambda a, n: (a.keys, a.secret, a.integers, a.integers, n),
    "tacit_list_keys": lambda a, n: (a.keys, a.integers, a.integers, n, a.integers),
}


@pytest.mark.parametrize("count", [-1, 2**25, 2**40, 2**62, 2**63 - 1])
@pytest.mark.parametrize("name", HOSTILE)
def test_counts_of_no_list_are_refused(lent: Lent, name: str, count: int) -> None:
    with pytest.raises(EngineError, match=f"a list of {count} items was announced"):
        library().call(name, *HOSTILE[name](lent, count))


# The lists of a step: values, products and terms.
@pytest.mark.parametrize(
    "counts", [(-1, 0, 0), (1, 2**62, 0), (1, 6148914691236517206, 0), (1, 0, -9)]
)
def test_counts_of_no_step_are_refused(lent: Lent, counts: tuple[int, int, int]) -> None:
    values, products, terms = counts
    with pytest.raises(EngineError, match="items was announced"):
        library().call(
            "tacit_ckks_step",
            *(lent.sealed_list, values, lent.integers, products),
            *(
                lent.integers,
                lent.doubles,
                terms,
                real(0.0),
                0,
                1,
                real(2.0**40),
                lent.keys,
                lent.out,
            ),
        )


@pytest.mark.parametrize("rows", [-1, 2**40, 2**62])
def test_counts_of_no_layer_are_refused(lent: Lent, rows: int) -> None:
    with pytest.raises(EngineError, match="was announced"):
        library().call(
            "tacit_ckks_apply_maps", lent.sealed_list, 1, lent.words, rows, lent.keys, lent.out
        )


# What is made of reals is no operand of the functions for integers.
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("tacit_bgv_linear_map", lambda a: (a.context, 1, a.out)),
        ("tacit_bgv_extend_map", lambda a: (a.map, a.words, a.integers, a.integers, 1)),
        ("tacit_bgv_apply_maps", lambda a: (a.sealed_list, 1, a.words, 1, a.keys, a.out)),
        ("tacit_bgv_rotate_sum", lambda a: (a.sealed, a.keys, a.integers, 1, a.out)),
        ("tacit_measure", lambda a: (a.sealed, 1, a.doubles)),
    ],
)
def test_handles_of_another_kind_are_refused(
    lent: Lent, name: str, arguments: Callable[[Lent], tuple[Argument, ...]]
) -> None:
    with pytest.raises(EngineError, match="handle"):
        library().call(name, *arguments(lent))


@pytest.mark.parametrize("name", ["tacit_store", "tacit_load"])
def test_frames_of_a_negative_size_are_refused(lent: Lent, name: str) -> None:
    arguments = {
        "tacit_store": (lent.sealed, lent.bytes, -1),
        "tacit_load": (lent.context, 4, lent.bytes, -1, lent.out),
    }
    with pytest.raises(EngineError, match="a frame of -1 bytes was announced"):
        library().call(name, *arguments[name])


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
