from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tacit.approx import Custom, fit
from tacit.errors import NotCalibrated, ReadError
from tacit.ir.graph import Graph
from tacit.ir.ops import Approximated, Map
from tacit.read import read
from tacit.tune.paf import PAF, Approximant, pafs, stand_in
from tacit.tune.replace import replace
from tacit.tune.scaling import Scaling, freeze, observe, use
from tests.tune.models import Branching, Pooled, residual, vgg

# torch computes in float32, of 24 bits, in up to nine layers; their polynomials' slopes multiply.
TOLERANCE = 1e-5


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def tuned(model: nn.Module, forms: Approximant | Mapping[str, Approximant], x: Tensor) -> nn.Module:
    """The replaced model with coefficients that training might have moved, and static scales."""
    made = replace(model.eval(), forms, x)
    draw = torch.Generator().manual_seed(3)
    for layer in pafs(made).values():
        for each in layer.coefficients:
            each.data += 0.01 * torch.randn(each.shape, generator=draw)
    observe(made, [x])
    freeze(made, margin=1.1)
    use(made, Scaling.STATIC)
    return made.eval()


def gap(graph: Graph, model: nn.Module, x: Tensor) -> float:
    with torch.no_grad():
        expected = model(x).double().numpy()
    return float(np.abs(graph(x.numpy()) - expected).max() / max(1.0, np.abs(expected).max()))


def approximated(graph: Graph) -> list[tuple[str, str]]:
    """What every such node stands for, and where."""
    return [
        (repr(node.op.function), node.origin) for node in graph if isinstance(node.op, Approximated)
    ]


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 8), nn.SiLU(), nn.Linear(8, 3))


def pooling(pool: nn.Module) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(nn.Conv2d(1, 3, 3), pool)


ROWS, IMAGES, GREY = normal(1, 16, 6), normal(1, 6, 3, 8, 8), normal(1, 6, 1, 13, 13)
MODELS: dict[str, tuple[Callable[[], nn.Module], Approximant | dict[str, Approximant], Tensor]] = {
    "composites": (mlp, {"1": "f1f1g1g1"}, ROWS),
    "one polynomial": (mlp, {"1": 6, "3": 9}, ROWS),
    "an interval of its own": (mlp, {"3": fit("silu", (-2.0, 5.0), degree=9)}, ROWS),
    "residual": (residual, "alpha7", IMAGES),
    "vgg": (vgg, "f2g3", IMAGES),
    "a pooling": (pooling(nn.MaxPool2d(2)), {"1": "f1f1g1g1"}, GREY),
    "a padded pooling": (pooling(nn.MaxPool2d(3, 2, padding=1)), {"1": "f2g2"}, GREY),
    "a ceiling": (pooling(nn.MaxPool2d(2, ceil_mode=True)), {"1": "f2g3"}, GREY),
    "an even polynomial": (pooling(nn.MaxPool2d(3, 2, 1, ceil_mode=True)), {"1": 6}, GREY),
    "every kind of maximum": (
        Pooled,
        {"relu": "f1g2", "amax": "f1g2", "maximum": "alpha7", "max_pool2d": "f1g2"},
        GREY,
    ),
    "an exported program": (Branching, "f1f1g1g1", ROWS),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_tuned_model_is_read_as_the_polynomials_that_it_computes(name: str) -> None:
    torch.manual_seed(2)
    make, forms, x = MODELS[name]
    model = make()
    # A layer may be lazy.
    model(x)
    made = tuned(model, forms, x)

    graph = read(made, x[:1])

    assert len(approximated(graph)) == len(pafs(made))
    # Another batch size, and inputs that no scale has seen.
    assert gap(graph, made, 1.05 * x[:5]) <= TOLERANCE


def test_layers_keep_their_functions_and_are_told_apart() -> None:
    graph = read(tuned(residual(), "f1f1g1g1", IMAGES), IMAGES[:1])

    assert approximated(graph) == [
        ("relu", each) for each in ("2", "3.relu", "3.relu_1", "4.relu", "4.relu_1")
    ]


def test_the_levels_of_a_maximum_are_magnitudes() -> None:
    graph = read(tuned(vgg(), {"0.3": "f1g2"}, IMAGES), IMAGES[:1])

    assert approximated(graph) == [("abs", "0.3.levels.0"), ("abs", "0.3.levels.1")]


def test_what_was_not_replaced_is_read_as_what_it_is() -> None:
    graph = read(tuned(mlp(), {"1": "f1g2"}, ROWS), ROWS[:1])

    assert [repr(node.op.function) for node in graph if isinstance(node.op, Map)] == ["silu"]


def test_a_comparison_is_half_of_a_sign_and_a_half() -> None:
    layer = stand_in("comparison", "f1g2", on=3.0)
    use(layer, Scaling.STATIC)

    graph = read(layer, ROWS[:1])

    assert approximated(graph) == [("sign", "")]
    assert gap(graph, layer.eval(), ROWS) <= TOLERANCE


def test_an_exported_program_computes_what_the_model_computes() -> None:
    forms: dict[str, Approximant] = {"relu": "alpha7", "pool": "f2g2", "amax": "f1g2", "silu": 7}
    made = tuned(Pooled(), forms, GREY)
    batch = ({0: torch.export.Dim("batch")},)

    program = torch.export.export(made, (GREY,), dynamic_shapes=batch)

    with torch.no_grad():
        torch.testing.assert_close(program.module()(GREY[:3]), made(GREY[:3]))
    assert gap(read(program), made, GREY) <= TOLERANCE


def test_a_file_is_read_as_the_model(tmp_path: Path) -> None:
    made = tuned(residual(), "f2g3", IMAGES)
    batch = ({0: torch.export.Dim("batch")},)
    program = torch.export.export(made, (IMAGES,), dynamic_shapes=batch)
    torch.export.save(program, tmp_path / "tuned.pt2")

    graph = read(tmp_path / "tuned.pt2")

    assert len(approximated(graph)) == 5
    assert all(node.type.range is None for node in graph)
    assert gap(graph, made, IMAGES) <= TOLERANCE


def test_a_model_that_trains_is_left_as_it_was() -> None:
    made = tuned(residual(), "f1g2", IMAGES).train()
    before = {name: each.clone() for name, each in made.state_dict().items()}

    read(made, IMAGES[:1])

    torch.testing.assert_close(dict(made.state_dict()), before)
    assert all(each.training for each in made.modules())


def test_a_dynamic_scale_cannot_be_read() -> None:
    made = replace(mlp().eval(), {"1": "f1g2"}, ROWS)

    with pytest.raises(NotCalibrated, match=r"1 has a dynamic scale.*Scaling\.STATIC"):
        read(made, ROWS[:1])


def test_a_scale_that_was_never_frozen_cannot_be_read() -> None:
    made = replace(mlp().eval(), {"1": "f1g2"}, ROWS)
    use(made, Scaling.STATIC)

    with pytest.raises(ReadError, match="never frozen"):
        read(made, ROWS[:1])


def test_a_function_of_ones_own_has_no_name_to_be_read_by() -> None:
    cube = Custom("cube", lambda x: x**3)
    layer = PAF(cube, fit(cube, (-3.0, 3.0), degree=3), stand_in("relu", "f1g2", name="act").scale)

    with pytest.raises(ReadError, match=r"act stands for cube.*no name"):
        read(layer, ROWS[:1])
