"""ResNet-18, VGG-16 and MobileNetV1 for images of 3 × 224 × 224, with random weights.

Their shapes are those of the papers (He et al. 2015, Simonyan and Zisserman 2014, Howard et al.
2017); MobileNet's activation is a plain ReLU. The weights come from a seed, scaled so that values
neither grow nor fade (He initialisation); batch norms have the statistics of random images, and
random scales and offsets. No accuracy can be measured on them, only time and memory.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import fusion

SEED = 20261127
SIZE = 224
CLASSES = 1000
# A sum of two branches keeps its size from block to block when the second is this much smaller.
BRANCH = 0.5


class Sum(nn.Module):
    """The sum of two values: a module, so that a hook sees it."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The sum, entry by entry."""
        return first + second


class Block(nn.Module):
    """ResNet's two convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = normed(inputs, outputs, kernel=3, stride=stride)
        self.second = normed(outputs, outputs, kernel=3)[:2]
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else normed(inputs, outputs, 1, stride)[:2]
        self.sum = Sum()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """The block's result."""
        result: Tensor = self.relu(self.sum(self.second(self.first(x)), self.shortcut(x)))
        return result


def normed(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """A convolution without bias, its batch norm and a ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def resnet18() -> nn.Module:
    """11.7 million weights, 1.8 billion products an image."""
    widths = ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2))
    blocks = ((Block(i, o, s), Block(o, o, 1)) for i, o, s in widths)
    return nn.Sequential(
        normed(3, 64, kernel=7, stride=2),
        nn.MaxPool2d(3, stride=2, padding=1),
        *(block for pair in blocks for block in pair),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, CLASSES)),
    )


def vgg16() -> nn.Module:
    """138 million weights, 15.5 billion products an image; no batch norms, as in the paper."""
    layers: list[nn.Module] = []
    inputs = 3
    for outputs, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)]
            inputs = outputs
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(
        *(*layers, nn.Flatten()),
        *(nn.Linear(512 * 7 * 7, 4096), nn.ReLU(inplace=True)),
        *(nn.Linear(4096, 4096), nn.ReLU(inplace=True)),
        nn.Linear(4096, CLASSES),
    )


def mobilenet() -> nn.Module:
    """4.2 million weights, 0.57 billion products an image, 13 depthwise separable layers."""
    widths = ((32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1))
    deeper = ((256, 512, 2), *[(512, 512, 1)] * 5, (512, 1024, 2), (1024, 1024, 1))
    pairs = (
        (normed(i, i, kernel=3, stride=s, groups=i), normed(i, o, kernel=1))
        for i, o, s in (*widths, *deeper)
    )
    return nn.Sequential(
        normed(3, 32, kernel=3, stride=2),
        *(layer for pair in pairs for layer in pair),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, CLASSES)),
    )


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "resnet18": resnet18,
    "vgg16": vgg16,
    "mobilenet": mobilenet,
}


def network(name: str) -> nn.Module:
    """The network of this name, at rest, the same every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        made = NETWORKS[name]()
        for layer in made.modules():
            _initialise(layer)
        _settle(made)
    return made.eval()


def images(count: int, *, seed: int = SEED) -> Tensor:
    """So many random images: smooth, with some noise, of mean 0 and deviation 1."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, 3, 14, 14, generator=generator)
    smooth = nn.functional.interpolate(coarse, size=(SIZE, SIZE), mode="bicubic")
    noisy = smooth + 0.3 * torch.randn(count, 3, SIZE, SIZE, generator=generator)
    found: Tensor = (noisy - noisy.mean()) / noisy.std()
    return found.clamp(-3.0, 3.0)


def folded(model: nn.Module) -> nn.Module:
    """A network of its own whose batch norms are in the convolutions before them."""
    made = copy.deepcopy(model)
    for layer in made.modules():
        match list(layer.children()):
            case [nn.Conv2d() as conv, nn.BatchNorm2d() as norm, *_] if isinstance(
                layer, nn.Sequential
            ):
                layer[0] = fusion.fuse_conv_bn_eval(conv, norm)
                layer[1] = nn.Identity()
    return made.eval()


@dataclass(frozen=True)
class Step:
    """One layer, as it is met on the way through a network; shapes are without the batch."""

    name: str
    layer: nn.Module
    inputs: tuple[tuple[int, ...], ...]
    output: tuple[int, ...]

    @property
    def products(self) -> int:
        """How many multiplications one image takes."""
        match self.layer:
            case nn.Conv2d(weight=weight) | nn.Linear(weight=weight):
                positions = torch.Size(self.output[1:]).numel()
                return weight.numel() * positions
            case _:
                return 0


def steps(model: nn.Module) -> tuple[Step, ...]:
    """The layers of a network, in the order in which they are computed."""
    found: list[Step] = []

    def note(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def noted(layer: nn.Module, given: tuple[Tensor, ...], result: Tensor) -> None:
            shapes = tuple(tuple(each.shape[1:]) for each in given)
            found.append(Step(name, layer, shapes, tuple(result.shape[1:])))

        return noted

    hooks = [layer.register_forward_hook(note(name)) for name, layer in _leaves(model)]
    with torch.inference_mode():
        model(images(1))
    for hook in hooks:
        hook.remove()
    return tuple(found)


def _leaves(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, layer in model.named_modules():
        if not list(layer.children()) and not isinstance(layer, nn.Identity):
            yield name, layer


def _initialise(layer: nn.Module) -> None:
    match layer:
        case nn.Conv2d() | nn.Linear():
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.normal_(layer.bias, std=0.05)
        case nn.BatchNorm2d():
            nn.init.uniform_(layer.weight, 0.7, 1.3)
            nn.init.normal_(layer.bias, std=0.2)


def _settle(model: nn.Module) -> None:
    """Give every batch norm the statistics of random images."""
    for layer in model.modules():
        match layer:
            case nn.BatchNorm2d():
                layer.momentum = None
            case Block(second=second):
                second[1].weight.detach().mul_(BRANCH)
    with torch.no_grad():
        model.train()(images(4))
