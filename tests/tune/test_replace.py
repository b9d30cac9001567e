from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tacit.errors import ReadError, TypeMismatch
from tacit.tune.paf import Approximant, pafs
from tacit.tune.replace import replace, replace_one, sites
from tacit.tune.scaling import Scaling, freeze, observe, out_of_range, use
from tacit.tune.sites import prepared
from tests.tune.models import Branching, Pooled, Untraceable, residual, vgg


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def gap(one: nn.Module, other: nn.Module, x: Tensor) -> float:
    with torch.no_grad():
        return float((one.eval()(x) - other.eval()(x)).abs().max())


IMAGES = normal(1, 4, 3, 8, 8)
MODELS: list[tuple[Callable[[], nn.Module], Tensor]] = [
    (residual, IMAGES),
    (vgg, IMAGES),
    (Pooled, normal(1, 4, 1, 13, 13)),
    (Branching, normal(1, 4, 6)),
]


@pytest.mark.parametrize(("make", "x"), MODELS)
def test_a_prepared_model_computes_the_same(make: Callable[[], nn.Module], x: Tensor) -> None:
    torch.manual_seed(2)
    model = make().eval()
    model(x)
    # Other inputs than the example, in another batch size.
    assert gap(prepared(model, x), model, 2.0 * x[:3]) <= 1e-5


def test_a_module_that_is_called_twice_is_two_layers() -> None:
    names = [each.name for each in sites(prepared(residual(), IMAGES))]
    assert names == ["2", "3.relu", "3.relu_1", "4.relu", "4.relu_1"]


def test_resnet20_has_nineteen_layers_in_inference_order() -> None:
    found = sites(prepared(residual((16, 32, 64), blocks=3), normal(1, 2, 3, 32, 32)))
    assert len(found) == 19
    assert [each.name for each in found][-2:] == ["11.relu", "11.relu_1"]


def test_functions_methods_and_modules_are_found() -> None:
    found = [(each.name, each.function) for each in sites(prepared(Pooled(), MODELS[2][1]))]
    assert found == [
        ("relu", "relu"),
        ("pool", "max"),
        ("clamp", "relu"),
        ("max_pool2d", "max"),
        ("relu_1", "relu"),
        ("relu_2", "relu"),
        ("amax", "max"),
        ("maximum", "max"),
        ("silu", "silu"),
    ]


def test_an_exported_program_is_the_second_way() -> None:
    model = Branching()
    made = replace(model, "alpha7", normal(1, 4, 6))
    assert [each.name for each in sites(made)] == ["act", "act_1"]
    assert set(model.state_dict()) <= set(made.state_dict())


def test_the_users_model_is_untouched() -> None:
    model = residual().train()
    before = {name: each.clone() for name, each in model.state_dict().items()}
    made = replace(model, "f1f1g1g1", IMAGES)
    observe(made, [IMAGES])
    torch.testing.assert_close(dict(model.state_dict()), before)
    assert model.training
    assert made.training
    assert not pafs(model)


def test_what_reads_an_input_that_was_changed_in_place_reads_what_it_became() -> None:
    class Changed(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = x + 1.0
            z = 2.0 * y
            functional.relu(y, inplace=True)
            return y + z.sigmoid_() + z

    x = normal(1, 4, 6)
    assert gap(prepared(Changed(), x), Changed(), x) == 0.0


def test_weights_keep_their_names() -> None:
    model = residual()
    assert set(model.state_dict()) <= set(replace(model, "alpha7", IMAGES).state_dict())


def test_a_replaced_residual_network_is_near_the_exact_one_under_both_scalings() -> None:
    torch.manual_seed(3)
    model = residual().eval()
    made = replace(model, "alpha7", IMAGES)
    dynamic = gap(made, model, IMAGES)
    observe(made, [IMAGES])
    # Each layer before adds up to 0.8 % of what it is given, otherwise than when it was seen.
    freeze(made, margin=1.1)
    use(made, Scaling.STATIC)
    static = gap(made, model, IMAGES)
    # A composite of this many layers at its limit: each is off by at most 0.008 of its inputs.
    assert 0.0 < dynamic <= 0.1
    assert 0.0 < static <= 0.1
    assert set(out_of_range(made).values()) == {0.0}


def test_forms_may_differ_and_what_is_not_named_stays_exact() -> None:
    forms: dict[str, Approximant] = {"3.relu": "f1g2", "4.relu": 5}
    found = {each.name: each.degrees for each in sites(replace(residual(), forms, IMAGES))}
    assert found == {
        "2": (),
        "3.relu": ((5, 3),),
        "3.relu_1": (),
        "4.relu": ((4,),),
        "4.relu_1": (),
    }


def test_one_by_one_is_all_at_once() -> None:
    torch.manual_seed(3)
    model = residual().eval()
    once = replace(model, "f2g3", IMAGES)
    step: nn.Module = prepared(model, IMAGES)
    step = replace_one(step, "2", "f2g3")
    step = replace_one(step, "3.relu", "f2g3")
    step = replace_one(step, "3.relu_1", "f2g3")
    step = replace_one(step, "4.relu", "f2g3")
    step = replace_one(step, "4.relu_1", "f2g3")
    assert gap(once, step, IMAGES) == 0.0
    assert list(pafs(step)) == list(pafs(once))


def test_replacing_one_leaves_the_given_model_as_it_was() -> None:
    model = prepared(residual(), IMAGES)
    replace_one(model, "2", "alpha7")
    assert not pafs(model)


def test_pooling_gets_a_paf_for_each_level() -> None:
    forms: dict[str, Approximant] = {"pool": "f1f1g1g1", "silu": 15}
    made = replace(Pooled(), forms, MODELS[2][1])
    assert list(pafs(made)) == [*(f"pool.levels.{k}" for k in range(4)), "silu"]


def test_a_replaced_model_trains_and_loads() -> None:
    torch.manual_seed(3)
    made = replace(residual(), "f1g2", IMAGES).train()
    made(IMAGES).square().mean().backward()
    rises = [each.grad for each in made.parameters()]
    assert all(each is not None and bool(each.isfinite().all()) for each in rises)
    other = replace(residual(), "f1g2", IMAGES)
    other.load_state_dict(made.state_dict())
    assert gap(made, other, IMAGES) == 0.0


def test_batch_norms_still_learn() -> None:
    made = replace(residual(), "f1g2", IMAGES).train()
    before = made.state_dict()["1.running_mean"].clone()
    made(IMAGES)
    assert not torch.equal(before, made.state_dict()["1.running_mean"])


def test_an_unknown_layer_is_refused_with_the_known_ones() -> None:
    with pytest.raises(TypeMismatch, match=r"no layer 'relu'.*3\.relu_1"):
        replace(residual(), {"relu": "alpha7"}, IMAGES)


def test_a_model_that_branches_on_values_is_refused_by_name() -> None:
    with pytest.raises(ReadError, match="in gate"):
        prepared(Untraceable(), normal(1, 2, 3))


def test_poolings_positions_are_refused() -> None:
    with pytest.raises(ReadError, match="positions of its maxima"):
        prepared(nn.MaxPool2d(2, return_indices=True), IMAGES)
