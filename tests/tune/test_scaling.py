from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.errors import NotCalibrated, TypeMismatch
from tacit.tune.paf import PAF, stand_in
from tacit.tune.scaling import (
    BINS,
    Scale,
    Scaling,
    forget,
    freeze,
    observe,
    observing,
    out_of_range,
    use,
)


def layer() -> PAF:
    return stand_in("relu", "f1f1g1g1", name="block.relu")


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_dynamic_scale_is_the_batchs_largest_magnitude() -> None:
    scale = Scale("x")
    assert float(scale(torch.tensor([1.0, -3.0, 2.0]))) == 3.0
    assert float(scale(torch.tensor([0.5]))) == 0.5


def test_no_gradient_goes_through_the_dynamic_scale() -> None:
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    assert not Scale("x")(x).requires_grad


def test_zeros_stay_zeros() -> None:
    assert float(layer()(torch.zeros(3)).detach().abs().max()) == 0.0


def test_an_unseen_static_scale_is_refused_by_name() -> None:
    relu = layer()
    use(relu, Scaling.STATIC)
    with pytest.raises(NotCalibrated, match=r"block\.relu has no static scale yet"):
        relu(torch.ones(2))


def test_loading_a_state_without_a_scale_is_noticed() -> None:
    relu = layer()
    observe(relu, [torch.ones(2)])
    empty = layer().state_dict()
    freeze(relu)
    use(relu, Scaling.STATIC)
    relu(torch.ones(2))
    relu.load_state_dict(empty)
    with pytest.raises(NotCalibrated):
        relu(torch.ones(2))


def test_the_static_scale_is_the_running_maximum_of_all_batches() -> None:
    relu = layer()
    observe(relu, [torch.tensor([1.0, -7.5]), torch.tensor([3.0])])
    freeze(relu)
    assert relu.scale.frozen == 7.5


@given(
    st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=6),
    st.integers(0, 1000),
    st.sampled_from([0.5, 0.9, 0.999]),
)
@settings(deadline=None, max_examples=30)
def test_a_percentile_holds_its_share_and_hardly_more(
    sizes: list[float], seed: int, share: float
) -> None:
    batches = [size * normal(seed + k, 500) for k, size in enumerate(sizes)]
    relu = layer()
    observe(relu, batches)
    freeze(relu, share)
    magnitudes = torch.cat(batches).abs().numpy()
    # Inputs are placed in bins in float32, so one that is on an edge may fall on either side.
    width = 2.0 * float(relu.scale.reach) / BINS
    wanted = np.quantile(magnitudes, share, method="inverted_cdf")
    assert wanted - 1e-4 * width <= relu.scale.frozen <= wanted + 1.0001 * width


@given(st.permutations([0.01, 1.0, 30.0, 500.0]))
@settings(deadline=None, max_examples=24)
def test_the_order_of_batches_changes_the_histogram_by_no_count(sizes: list[float]) -> None:
    relu = layer()
    observe(relu, [torch.full((7,), size) for size in sizes])
    found = relu.scale.histogram
    assert sum(found.counts) == 28
    assert found.edges[-1] == 512.0
    assert found.occupied <= 4


def test_the_share_out_of_range_is_counted_in_evaluation_only() -> None:
    relu = layer()
    observe(relu, [torch.tensor([2.0])])
    freeze(relu)
    use(relu, Scaling.STATIC)
    x = torch.tensor([1.0, -1.0, 2.5, 2.0])
    relu.train()(x)
    relu.eval()(x)
    assert out_of_range(relu) == {"block.relu": 0.25}


def test_a_margin_widens_the_scale() -> None:
    relu = layer()
    observe(relu, [torch.tensor([2.0])])
    freeze(relu, margin=1.25)
    assert relu.scale.frozen == 2.5


def test_forgetting_keeps_what_was_frozen() -> None:
    relu = layer()
    observe(relu, [torch.tensor([2.0])])
    freeze(relu)
    forget(relu)
    assert relu.scale.frozen == 2.0
    assert float(relu.scale.largest) == 0.0


def test_observation_ends_with_its_block_and_leaves_training_as_it_was() -> None:
    relu = layer().train()
    observe(relu, [torch.tensor([2.0])])
    relu(torch.tensor([9.0]))
    assert relu.training
    assert float(relu.scale.largest) == 2.0
    with observing(relu):
        relu(torch.tensor([9.0]))
    assert float(relu.scale.largest) == 9.0


def test_inputs_that_are_not_finite_are_refused() -> None:
    with pytest.raises(TypeMismatch, match=r"block\.relu was given an input that is not finite"):
        observe(layer(), [torch.tensor([1.0, torch.inf])])


def test_a_share_of_nothing_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="share 0"):
        freeze(layer(), 0.0)
