"""The networks of the recipes, in plain torch, with the layer names that published weights use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional


class Block(nn.Module):
    """Two convolutions and a shortcut that takes every second pixel (He et al. 2016, option A)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.more = stride, (outputs - inputs) // 2

    def forward(self, x: Tensor) -> Tensor:
        """What the convolutions add to the shortcut, of `outputs` channels."""
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.more:
            x = functional.pad(
                x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.more, self.more)
            )
        return functional.relu(y + x)


class CifarResNet(nn.Module):
    """ResNet-20, -32, … for 32×32 images: He et al. 2016, section 4.2; 6 n + 2 layers."""

    def __init__(self, blocks: int = 3, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self._stage(16, 16, blocks, 1)
        self.layer2 = self._stage(16, 32, blocks, 2)
        self.layer3 = self._stage(32, 64, blocks, 2)
        self.linear = nn.Linear(64, classes)

    @staticmethod
    def _stage(inputs: int, outputs: int, blocks: int, stride: int) -> nn.Sequential:
        others = (Block(outputs, outputs, 1) for _ in range(blocks - 1))
        return nn.Sequential(Block(inputs, outputs, stride), *others)

    def forward(self, x: Tensor) -> Tensor:
        """The classes' scores."""
        x = functional.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


# Simonyan and Zisserman 2015, table 1: the channels of each convolution, and where maxima come.
POOL = 0
D = (64, 64, POOL, 128, 128, POOL, *(256,) * 3, POOL, *(512,) * 3, POOL, *(512,) * 3, POOL)
E = (64, 64, POOL, 128, 128, POOL, *(256,) * 4, POOL, *(512,) * 4, POOL, *(512,) * 4, POOL)


def vgg_features(configuration: tuple[int, ...], *, normed: bool) -> nn.Sequential:
    """A configuration's convolutions with ReLU, with or without batch norms, and its maxima."""
    layers: list[nn.Module] = []
    inputs = 3
    for outputs in configuration:
        if outputs == POOL:
            layers.append(nn.MaxPool2d(2))
            continue
        layers.append(nn.Conv2d(inputs, outputs, 3, padding=1))
        layers += [nn.BatchNorm2d(outputs), nn.ReLU()] if normed else [nn.ReLU()]
        inputs = outputs
    return nn.Sequential(*layers)


class CifarVGG(nn.Module):
    """VGG-16 or -19 for 32×32 images, as most have it: batch norms, and one linear layer."""

    def __init__(self, configuration: tuple[int, ...] = D, classes: int = 10) -> None:
        super().__init__()
        self.features = vgg_features(configuration, normed=True)
        self.classifier = nn.Linear(512, classes)

    def forward(self, x: Tensor) -> Tensor:
        """The classes' scores."""
        return self.classifier(self.features(x).flatten(1))


class VGG19(nn.Module):
    """VGG-19 for 224×224 images, its layers called as torchvision calls them."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        # At this size torchvision's average pooling to 7×7 changes nothing, and is left out.
        self.features = vgg_features(E, normed=False)
        self.classifier = nn.Sequential(
            *(nn.Linear(512 * 7 * 7, 4096), nn.ReLU(), nn.Dropout()),
            *(nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout()),
            nn.Linear(4096, classes),
        )
        # Without batch norms, torch's own first weights let nothing through so many layers.
        for each in self.features:
            if isinstance(each, nn.Conv2d):
                nn.init.kaiming_normal_(each.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(each.bias)

    def forward(self, x: Tensor) -> Tensor:
        """The classes' scores."""
        return self.classifier(self.features(x).flatten(1))


class BasicBlock(nn.Module):
    """Two convolutions and a shortcut by a 1×1 convolution (He et al. 2016, option B)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = nn.Sequential()
        if inputs != outputs:
            self.downsample.append(nn.Conv2d(inputs, outputs, 1, stride, bias=False))
            self.downsample.append(nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """What the convolutions add to the shortcut, of `outputs` channels."""
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class ResNet18(nn.Module):
    """ResNet-18 for 224×224 images, its layers called as torchvision calls them."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self.layer1 = nn.Sequential(BasicBlock(64, 64, 1), BasicBlock(64, 64, 1))
        self.layer2 = nn.Sequential(BasicBlock(64, 128, 2), BasicBlock(128, 128, 1))
        self.layer3 = nn.Sequential(BasicBlock(128, 256, 2), BasicBlock(256, 256, 1))
        self.layer4 = nn.Sequential(BasicBlock(256, 512, 2), BasicBlock(512, 512, 1))
        self.fc = nn.Linear(512, classes)

    def forward(self, x: Tensor) -> Tensor:
        """The classes' scores."""
        x = self.maxpool(functional.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def small_cnn(classes: int = 10) -> nn.Module:
    """Two convolutions with ReLU and max-pooling for 28×28 grey images."""
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(32 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, classes)),
    )


def load_weights(network: nn.Module, path: Path) -> nn.Module:
    """The network with the weights of an .npz (an array a parameter), .safetensors, .pt or .pth."""
    weights = _weights(path)
    known = network.state_dict()
    # Batch norms count their batches; files of weights seldom do. Nothing else may be missing.
    missing = [name for name in known if name not in weights]
    lacking = [name for name in missing if not name.endswith("num_batches_tracked")]
    # A deeper network has all the weights of a shallower one, and more.
    foreign = [name for name in weights if name not in known]
    for what, names in (("lacks", lacking), ("has, beyond this network,", foreign)):
        if names:
            raise SystemExit(f"{path} {what} {', '.join(names[:3])}{' …' * (len(names) > 3)}")
    for name, each in weights.items():
        if each.shape != known[name].shape:
            raise SystemExit(
                f"{path} has {name} of shape {tuple(each.shape)}, "
                f"and this network of {tuple(known[name].shape)}"
            )
    network.load_state_dict(weights, strict=False)
    return network.eval()


def _weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by their names."""
    if not path.is_file():
        raise SystemExit(f"there are no weights at {path}")
    match path.suffix:
        case ".safetensors":
            return load_file(path)
        case ".npz":
            with np.load(path, allow_pickle=False) as held:
                return {name: torch.from_numpy(held[name]) for name in held.files}
        case ".pt" | ".pth" | ".th":
            held = torch.load(path, map_location="cpu", weights_only=True)
        case _:
            raise SystemExit(f"{path} is no .npz, .safetensors, .pt or .pth file of weights")
    # Checkpoints have the weights as one of several entries; DataParallel puts a word before names.
    held = held.get("state_dict", held)
    return {name.removeprefix("module."): each for name, each in held.items()}
