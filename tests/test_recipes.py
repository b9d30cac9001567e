"""The recipes of examples/smartpaf/."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from tacit.ir.ops import Approximated
from tacit.read import read

RECIPES = Path(__file__).parents[1] / "examples" / "smartpaf"

# By He et al. 2016 (table 6), torchvision's pages, and for VGG on CIFAR by counting.
PARAMETERS = {
    "resnet20-cifar10": 269_722,
    "resnet32-cifar10": 464_154,
    "vgg16-cifar10": 14_728_266,
    "vgg19-cifar10": 20_040_522,
    "resnet20-cifar100": 275_572,
    "resnet32-cifar100": 470_004,
    "vgg16-cifar100": 14_774_436,
    "vgg19-cifar100": 20_086_692,
    "resnet18-imagenet": 11_689_512,
    "vgg19-imagenet": 143_667_240,
    "cnn-mnist": 207_018,
    "cnn-fashion": 207_018,
}


@pytest.fixture
def tune(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The script of the recipes as a module, with those that lie beside it."""
    monkeypatch.syspath_prepend(RECIPES)
    yield importlib.import_module("tune")
    for name in ("networks", "recipes", "tune"):
        sys.modules.pop(name)


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """Scikit-learn's digits of 8 by 8 pixels, made as large as those of MNIST."""
    pixels, labels = load_digits(return_X_y=True)
    large = np.kron(pixels.reshape(-1, 8, 8), np.ones((3, 3))) * 255 / 16
    x = np.pad(large, ((0, 0), (2, 2), (2, 2))).astype(np.uint8)
    folder = tmp_path / "mnist"
    folder.mkdir()
    np.savez(folder / "train.npz", x=x[:500], y=labels[:500])
    np.savez(folder / "test.npz", x=x[500:700], y=labels[500:700])
    return tmp_path


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_recipe_has_the_network_that_it_names(tune: ModuleType, name: str) -> None:
    recipe = tune.RECIPES[name]

    with torch.device("meta"):
        network = recipe.build().eval()
        scores = network(torch.zeros(2, *recipe.shape))

    assert scores.shape == (2, recipe.classes)
    assert sum(each.numel() for each in network.parameters()) == PARAMETERS[name]


def test_every_recipe_is_counted(tune: ModuleType) -> None:
    assert set(tune.RECIPES) == set(PARAMETERS)


def test_imagenets_networks_call_their_layers_as_torchvision_does(tune: ModuleType) -> None:
    with torch.device("meta"):
        resnet, vgg = (tune.RECIPES[f"{each}-imagenet"].build() for each in ("resnet18", "vgg19"))

    # Two for each of 20 convolutions and batch norms and 3 more for the norms; 19 layers of 2.
    assert (len(resnet.state_dict()), len(vgg.state_dict())) == (20 + 20 * 5 + 2, 19 * 2)
    assert {"conv1.weight", "bn1.bias", "fc.weight"} <= set(resnet.state_dict())
    assert {f"layer{k}.0.downsample.1.running_var" for k in (2, 3, 4)} <= set(resnet.state_dict())
    assert {"features.0.weight", "features.34.weight", "classifier.6.bias"} <= set(vgg.state_dict())


def test_weights_come_from_a_checkpoint_of_pytorch(tune: ModuleType, tmp_path: Path) -> None:
    recipe = tune.RECIPES["resnet20-cifar10"]
    source = recipe.build().state_dict()
    entries = {f"module.{name}": each for name, each in source.items()}
    torch.save({"epoch": 3, "state_dict": entries}, tmp_path / "resnet20.pth")

    network = tune.load_weights(recipe.build(), tmp_path / "resnet20.pth")

    torch.testing.assert_close(network.state_dict(), source, rtol=0.0, atol=0.0)


def test_weights_of_a_deeper_network_are_refused(tune: ModuleType, tmp_path: Path) -> None:
    deeper = tune.RECIPES["resnet32-cifar10"].build().state_dict()
    torch.save(deeper, tmp_path / "resnet32.pth")

    with pytest.raises(SystemExit, match=r"beyond this network, layer1\.3\.conv1\.weight"):
        tune.load_weights(tune.RECIPES["resnet20-cifar10"].build(), tmp_path / "resnet32.pth")


@pytest.mark.slow
def test_a_recipe_trains_tunes_and_saves(
    tune: ModuleType, digits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["cnn-mnist", "--data", str(digits), "--folder", str(digits / "run"), "--epochs", "1"]
    words += ["--held-out", "100", "--techniques", "ct,at", "--form", "f1g2"]
    words += ["--knobs", "steps=1", "joint=1", "check=1", "observed=100"]

    tune.main(words)

    said = capsys.readouterr().out
    assert "400 training, 100 held-out and 200 test images of 10 classes" in said
    assert "step 2 of 2" in said
    # Three ReLUs, and two maxima of two levels each.
    graph = read(digits / "run" / "cnn-mnist-f1g2.pt2")
    assert sum(isinstance(node.op, Approximated) for node in graph) == 7
