"""The recipes: which network on which images, how it learns, and how it is tuned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from networks import VGG19, CifarResNet, CifarVGG, E, ResNet18, small_cnn
from numpy.typing import NDArray
from torch import nn

from tacit.data import (
    CIFAR10,
    CIFAR100,
    IMAGENET,
    Augmentation,
    Normalisation,
    cropped,
    cropped_and_flipped,
    flipped,
)
from tacit.tune.training import SmartPAF

SEED = 20261127


@dataclass(frozen=True)
class Training:
    """How the float network learns: SGD with Nesterov's momentum, its rate up and down once."""

    epochs: int
    rate: float
    batch: int = 128
    decay: float = 5e-4


@dataclass(frozen=True)
class Recipe:
    """A network, the images that it is for, and how both are used.

    `network` makes the network for so many classes; `folder` is where its data usually lie, of
    images of `shape` (channels, height, width). `normalisation` is the one that its weights are
    for, None for the data's own. `held_out` images of the training part choose between candidates;
    `calibration` of them show the ranges that encryption needs. `knobs` suit two cores, `long`
    suits an accelerator.
    """

    name: str
    network: Callable[..., nn.Module]
    folder: str
    shape: tuple[int, int, int]
    training: Training
    knobs: SmartPAF
    long: SmartPAF
    classes: int = 10
    normalisation: Normalisation | None = None
    augmentation: Augmentation | None = None
    held_out: int = 1000
    calibration: int = 200

    def build(self, classes: int | None = None) -> nn.Module:
        """The network with its first weights, for other classes than its own if they are given."""
        return self.network(classes=classes or self.classes)


def shifted(x: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Grey images shifted up to 2 pixels each way: a digit keeps its border, and its class."""
    return cropped(x, generator, padding=2)


def published(epoch: int, *, batch: int = 100) -> SmartPAF:
    """The schedule, rates and decays of arXiv 2404.03216: 20 epochs a layer, of `epoch` steps.

    The last 20, in which all layers learn together, are ours.
    """
    return SmartPAF(
        batch=batch,
        observed=20_000,
        layer_steps=20 * epoch,
        layer_rate=1.0,
        steps=20 * epoch,
        turn=epoch,
        joint=20 * epoch,
        check=epoch,
        patience=10,
        weight_rate=1e-5,
        weight_decay=0.1,
        coefficient_rate=1e-4,
        coefficient_decay=0.01,
        seed=SEED,
    )


def on_cifar100(recipe: Recipe) -> Recipe:
    """The same network on images of a hundred classes."""
    name = recipe.name.replace("cifar10", "cifar100")
    return replace(
        recipe, name=name, folder="cifar-100-binary", classes=100, normalisation=CIFAR100
    )


# An epoch is what is left of the training part, in batches of 100.
CIFAR_LONG, MNIST_LONG = published(490), published(590)
# No epoch of ImageNet's 1.28 million images, but 20,000 images of it, in the paper's batches.
IMAGENET_LONG = published(500, batch=40)

SHORT = SmartPAF(seed=SEED)
# A small network's steps are cheap; a large one's take seconds each.
SMALL = replace(SHORT, layer_steps=20, steps=100, turn=25, joint=200)
WIDE = replace(SHORT, layer_steps=2, steps=20, turn=5, joint=40, check=20, observed=1000)
HUGE = replace(WIDE, batch=20, observed=200)

resnet20_cifar10 = Recipe(
    name="resnet20-cifar10",
    network=partial(CifarResNet, 3),
    folder="cifar-10-batches-bin",
    shape=(3, 32, 32),
    training=Training(epochs=30, rate=0.2),
    knobs=SHORT,
    long=CIFAR_LONG,
    # That of the weights that are published for this network.
    normalisation=IMAGENET,
    augmentation=cropped_and_flipped,
)
resnet32_cifar10 = replace(
    resnet20_cifar10, name="resnet32-cifar10", network=partial(CifarResNet, 5)
)
vgg16_cifar10 = replace(
    resnet20_cifar10,
    name="vgg16-cifar10",
    network=CifarVGG,
    training=Training(epochs=30, rate=0.1),
    knobs=WIDE,
    normalisation=CIFAR10,
)
vgg19_cifar10 = replace(vgg16_cifar10, name="vgg19-cifar10", network=partial(CifarVGG, E))
resnet18_imagenet = Recipe(
    name="resnet18-imagenet",
    network=ResNet18,
    folder="imagenet",
    shape=(3, 224, 224),
    training=Training(epochs=30, rate=0.2, decay=1e-4),
    knobs=HUGE,
    long=IMAGENET_LONG,
    classes=1000,
    normalisation=IMAGENET,
    augmentation=flipped,
    calibration=20,
)
cnn_mnist = Recipe(
    name="cnn-mnist",
    network=small_cnn,
    folder="mnist",
    shape=(1, 28, 28),
    training=Training(epochs=5, rate=0.1),
    knobs=SMALL,
    long=MNIST_LONG,
    augmentation=shifted,
)

RECIPES = {
    each.name: each
    for each in (
        resnet20_cifar10,
        resnet32_cifar10,
        vgg16_cifar10,
        vgg19_cifar10,
        on_cifar100(resnet20_cifar10),
        on_cifar100(resnet32_cifar10),
        on_cifar100(vgg16_cifar10),
        on_cifar100(vgg19_cifar10),
        resnet18_imagenet,
        replace(
            resnet18_imagenet,
            name="vgg19-imagenet",
            network=VGG19,
            # Without batch norms a larger rate leads nowhere.
            training=Training(epochs=30, rate=0.01),
            calibration=4,
        ),
        cnn_mnist,
        replace(cnn_mnist, name="cnn-fashion", folder="fashion-mnist", augmentation=flipped),
    )
}
