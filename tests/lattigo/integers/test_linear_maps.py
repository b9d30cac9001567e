import gc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tacit.errors import EngineError
from tacit.lattigo import live_handles
from tacit.lattigo.integers import PLAINTEXT_MODULUS, Context, Evaluator, LinearMap
from tests.lattigo.integers.scene import Scene, Vector, centred

T = PLAINTEXT_MODULUS
shared = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
# The keys of the scene.
steps = st.sampled_from([0, 1, 3])
splits = st.lists(st.tuples(steps, steps), min_size=1, max_size=6, unique_by=sum)
Diagonals = dict[int, Vector]


def diagonals_of(scene: Scene, splits: list[tuple[int, int]], seed: int) -> Diagonals:
    """Random diagonals of every residue."""
    generator = np.random.default_rng(seed)
    return {sum(split): generator.integers(0, T, scene.context.slots) for split in splits}


def encoded(scene: Scene, diagonals: Diagonals, splits: list[tuple[int, int]]) -> LinearMap:
    by_offset = {sum(split): split for split in splits}
    return scene.context.linear_map(diagonals, level=scene.top, split=by_offset)


def applied(diagonals: Diagonals, x: Vector) -> Vector:
    """The matrix times a vector modulo t, in each row of slots by itself."""
    total = np.zeros_like(x)
    for offset, diagonal in diagonals.items():
        turned = np.roll(x.reshape(2, -1), -offset, axis=1).ravel()
        total = (total + diagonal * turned) % T
    return total


@shared
@given(splits=splits, seed=st.integers(0, 2**32))
def test_a_linear_map_is_its_matrix_in_both_rows(
    scene: Scene, splits: list[tuple[int, int]], seed: int
) -> None:
    x, diagonals = scene.sample(seed)[0], diagonals_of(scene, splits, seed)
    made = encoded(scene, diagonals, splits)
    (result,) = scene.evaluator.linear_layer([scene.seal(x)], [[made]])
    assert made.rotations == {step for split in splits for step in split} - {0}
    np.testing.assert_array_equal(scene.unseal(result), centred(applied(diagonals, x)))


@shared
@given(first=splits, second=splits, seed=st.integers(0, 2**32))
def test_a_layer_sums_over_inputs_and_gives_a_ciphertext_for_every_row(
    scene: Scene, first: list[tuple[int, int]], second: list[tuple[int, int]], seed: int
) -> None:
    x, y = scene.sample(seed)
    one, two = diagonals_of(scene, first, seed), diagonals_of(scene, second, seed + 1)
    upper, lower = encoded(scene, one, first), encoded(scene, two, second)
    rows: list[list[LinearMap | None]] = [[upper, lower], [None, upper], [lower, None]]
    made = scene.evaluator.linear_layer([scene.seal(x), scene.seal(y)], rows)
    both, right, left = (scene.unseal(scene.evaluator.rescale(each)) for each in made)
    np.testing.assert_array_equal(both, centred(applied(one, x) + applied(two, y)))
    np.testing.assert_array_equal(right, centred(applied(one, y)))
    np.testing.assert_array_equal(left, centred(applied(two, x)))


def test_what_was_multiplied_before_keeps_its_factor(scene: Scene, x: Vector) -> None:
    square = scene.evaluator.rescale(scene.evaluator.multiply(scene.seal(x), scene.seal(x)))
    diagonals = diagonals_of(scene, [(3, 1)], 5)
    made = encoded(scene, diagonals, [(3, 1)])
    (result,) = scene.evaluator.linear_layer([square], [[made]])
    assert (result.factor, result.level) == (square.factor, scene.top - 1)
    wanted = centred(applied(diagonals, centred(x * x)))
    np.testing.assert_array_equal(scene.unseal(result), wanted)


def test_diagonals_may_be_integers_of_any_size(scene: Scene, x: Vector) -> None:
    large = np.array([2**62, -(2**62)] * (scene.context.slots // 2))
    made = encoded(scene, {0: large}, [(0, 0)])
    (result,) = scene.evaluator.linear_layer([scene.seal(x)], [[made]])
    np.testing.assert_array_equal(scene.unseal(result), centred(large % T * x))


def test_offsets_and_steps_count_modulo_a_row(scene: Scene, x: Vector) -> None:
    half = scene.context.slots // 2
    diagonal = diagonals_of(scene, [(0, 0)], 7)[0]
    made = scene.context.linear_map(
        {-half + 4: diagonal}, level=scene.top, split={-half + 4: (3 - half, 1 + half)}
    )
    (result,) = scene.evaluator.linear_layer([scene.seal(x)], [[made]])
    assert made.rotations == {1, 3}
    np.testing.assert_array_equal(scene.unseal(result), centred(applied({4: diagonal}, x)))


def test_more_diagonals_than_are_handed_over_at_once_are_exact(scene: Scene) -> None:
    context, ones = scene.context, np.ones(scene.context.slots, dtype=np.int64)
    many = {offset: offset * ones for offset in range(1, 71)}
    made = context.linear_map(many, level=0, split={offset: (0, offset) for offset in many})
    rotations = dict.fromkeys(many, 0)
    keys = context.evaluation_keys(scene.secret, relinearisation_level=None, rotations=rotations)
    (result,) = Evaluator(context, keys).linear_layer([scene.seal(ones, level=0)], [[made]])
    np.testing.assert_array_equal(scene.unseal(result), sum(many) * ones)


def test_a_rotation_sum_doubles_its_reach_with_every_step(scene: Scene, x: Vector) -> None:
    total = scene.evaluator.rotate_sum(scene.seal(x), [1, 3])
    wanted = sum(np.roll(x.reshape(2, -1), -step, axis=1).ravel() for step in (0, 1, 3, 4))
    np.testing.assert_array_equal(scene.unseal(total), centred(np.asarray(wanted)))


def test_inputs_of_different_factors_are_refused(scene: Scene, x: Vector) -> None:
    changed = scene.evaluator.multiply_constant(scene.seal(x), 1, factor=777)
    made = encoded(scene, diagonals_of(scene, [(0, 0)], 1), [(0, 0)])
    with pytest.raises(EngineError, match="input 1: the factors 777 and 1 differ") as refusal:
        scene.evaluator.linear_layer([scene.seal(x), changed], [[made, made]])
    assert "multiply_constant" in str(refusal.value.hint)


def test_inputs_of_different_levels_are_refused(scene: Scene, x: Vector) -> None:
    made = encoded(scene, diagonals_of(scene, [(0, 0)], 1), [(0, 0)])
    with pytest.raises(EngineError, match=r"levels 0 and \d differ"):
        scene.evaluator.linear_layer([scene.seal(x), scene.seal(x, level=0)], [[made, made]])


def test_a_ciphertext_above_the_map_is_refused(scene: Scene, x: Vector) -> None:
    low = scene.context.linear_map({0: x}, level=0, split={0: (0, 0)})
    with pytest.raises(EngineError, match="linear map is at level 0, below"):
        scene.evaluator.linear_layer([scene.seal(x)], [[low]])


def test_a_map_whose_keys_are_missing_is_refused(scene: Scene, x: Vector) -> None:
    made = scene.context.linear_map({7: x}, level=scene.top, split={7: (7, 0)})
    with pytest.raises(EngineError, match="no key for the rotation by 7"):
        scene.evaluator.linear_layer([scene.seal(x)], [[made]])


def test_rows_of_another_length_are_refused(scene: Scene, x: Vector) -> None:
    with pytest.raises(EngineError, match="a row has 2 maps for 1 ciphertexts"):
        scene.evaluator.linear_layer([scene.seal(x)], [[None, None]])


def test_splits_that_do_not_fit_are_refused(scene: Scene, x: Vector) -> None:
    with pytest.raises(EngineError, match="split says nothing about the offset 4"):
        scene.context.linear_map({4: x}, level=0, split={})
    with pytest.raises(EngineError, match="3 and 3 do not add up to 4 modulo 1024"):
        scene.context.linear_map({4: x}, level=0, split={4: (3, 3)})


def test_diagonals_that_do_not_fit_are_refused(scene: Scene, x: Vector) -> None:
    with pytest.raises(EngineError, match="a diagonal has 2047 values; 2048 wanted"):
        scene.context.linear_map({0: x[1:]}, level=0, split={0: (0, 0)})
    with pytest.raises(EngineError, match="does not exist"):
        scene.context.linear_map({0: x}, level=scene.top + 1, split={0: (0, 0)})


def test_a_map_of_another_context_is_refused(scene: Scene, x: Vector) -> None:
    stranger = Context(scene.context.parameters)
    made = stranger.linear_map({0: x}, level=scene.top, split={0: (0, 0)})
    with pytest.raises(EngineError, match="another context"):
        scene.evaluator.linear_layer([scene.seal(x)], [[made]])


def test_maps_are_let_go(scene: Scene, x: Vector) -> None:
    gc.collect()
    before = live_handles()
    made = scene.context.linear_map({0: x}, level=0, split={0: (0, 0)})
    assert live_handles() == before + 1
    del made
    gc.collect()
    assert live_handles() == before


def test_measuring_gives_seconds(scene: Scene) -> None:
    found = scene.context.measure(scene.top)
    assert set(found) == {"ntt", "multiply_accumulate", "extend", "permute", "encode_fft"}
    assert all(0 < seconds < 1 for seconds in found.values())
