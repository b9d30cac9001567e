from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from tacit.tune.paf import PAF, pafs
from tacit.tune.pooling import KEPT, Maximum, Window, half_magnitude, matches
from tacit.tune.scaling import Scaling, freeze, observe, out_of_range, use


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def pooling(window: Window) -> Maximum:
    def call(x: Tensor) -> Tensor:
        return functional.max_pool2d(
            x, window.kernel, window.stride, window.padding, window.dilation, window.ceil
        )

    return Maximum("pool", 0, window, call)


def exact(pool: Maximum, x: Tensor) -> Tensor:
    """The tournament itself with exact matches, where forward would take the shorter way."""
    rivals, there = pool.entrants.of(x)
    return pool.winner([lambda d, _=None: half_magnitude(d)] * len(pool.levels), rivals, there)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    kernel = (draw(st.integers(1, 4)), draw(st.integers(2, 4)))
    stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    padding = (draw(st.integers(0, kernel[0] // 2)), draw(st.integers(0, kernel[1] // 2)))
    dilation = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
    return Window(kernel, stride, padding, dilation, draw(st.booleans()))


@given(windows(), st.integers(0, 1000))
@settings(deadline=None, max_examples=100)
def test_a_tournament_of_exact_matches_is_torchs_pooling(window: Window, seed: int) -> None:
    pool, x = pooling(window), normal(seed, 2, 3, 9, 8)
    # Negative entries only: padding that took part would win.
    x = -x.abs() - 1.0
    torch.testing.assert_close(exact(pool, x), pool.call(x))


@given(st.integers(1, 40))
def test_everyone_but_the_winner_loses_once_in_the_fewest_rounds(count: int) -> None:
    levels = matches(count)
    assert sum(map(len, levels)) == count - 1
    assert len(levels) == (count - 1).bit_length()


def test_windows_of_two_by_two_meet_by_rows_first() -> None:
    assert matches(4) == ((((0, 1), (1, 2)), ((2, 3), (3, 4))), (((0, 2), (2, 4)),))


def test_each_level_has_the_scale_of_its_own_differences() -> None:
    pool = pooling(Window((2, 2), (2, 2), (0, 0), (1, 1)))
    pool.replace("alpha7")
    x = torch.tensor([[0.0, 1.0], [5.0, 7.0]])[None, None]
    observe(pool, [x])
    freeze(pool)
    scales = [each.frozen for each in pool.scales]
    # 5 meets 7 and 0 meets 1; then about 7 meets about 1. alpha7 errs by 0.008 of the scale.
    assert scales[0] == 2.0
    assert abs(scales[1] - 6.0) <= 0.1


def test_what_is_missing_counts_in_no_scale_and_no_share() -> None:
    pool = pooling(Window((2, 2), (2, 2), (1, 1), (1, 1))).eval()
    pool.replace("f1f1g1g1")
    x = 100.0 + torch.arange(16.0).reshape(1, 1, 4, 4)
    observe(pool, [x])
    freeze(pool)
    use(pool, Scaling.STATIC)
    pool(x)
    # Neighbours differ by 1, rows by 4: a padding of 0 would differ by 100.
    assert max(each.frozen for each in pool.scales) <= 5.0
    assert out_of_range(pool) == {"pool.levels.0": 0.0, "pool.levels.1": 0.0}


def test_a_corner_alone_in_its_window_passes_as_it_is() -> None:
    pool = pooling(Window((2, 2), (2, 2), (1, 1), (1, 1)))
    pool.replace("f1g2")
    x = normal(1, 1, 1, 4, 4)
    assert float(pool(x).detach()[0, 0, 0, 0]) == float(x[0, 0, 0, 0])


def test_replaced_pooling_is_near_the_exact_one() -> None:
    pool = pooling(Window((3, 3), (2, 2), (1, 1), (1, 1)))
    pool.replace("alpha7")
    x = normal(1, 4, 3, 9, 9)
    # Four levels, each off by at most 0.0077 of differences below 8.
    assert float((pool(x) - pool.call(x)).detach().abs().max()) <= 4 * 0.0077 * 8.0
    assert [type(each) for each in pool.levels] == [PAF] * 4
    assert list(pafs(pool)) == ["levels.0", "levels.1", "levels.2", "levels.3"]


def test_kept_windows_are_an_even_sample_whatever_the_batches() -> None:
    one, many = (pooling(Window((1, 2), (1, 2), (0, 0), (1, 1))) for _ in range(2))
    x = torch.arange(40000.0).reshape(10, 1, 40, 100)
    observe(one, [x])
    observe(many, [x[:3], x[3:4], x[4:]])
    assert one.windows.shape == (2, KEPT)
    torch.testing.assert_close(one.windows.sort().values, many.windows.sort().values)
    # The mean of evenly sampled 0, 2, …, 39998: 19999, within a percent.
    assert abs(float(one.windows[0].mean()) - 19999.0) <= 200.0
