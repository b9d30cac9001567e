"""Labelled images: read from disk in the standard formats, split, changed, and put in batches."""

from tacit.tune.data.augment import cropped, cropped_and_flipped, flipped
from tacit.tune.data.batches import Augmentation, Batch, Batches, in_order
from tacit.tune.data.folder import Folder, Framing
from tacit.tune.data.images import Images, split
from tacit.tune.data.load import load_images
from tacit.tune.data.normalisation import (
    CIFAR10,
    CIFAR100,
    FASHION_MNIST,
    IMAGENET,
    MNIST,
    Normalisation,
    measured,
)

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "FASHION_MNIST",
    "IMAGENET",
    "MNIST",
    "Augmentation",
    "Batch",
    "Batches",
    "Folder",
    "Framing",
    "Images",
    "Normalisation",
    "cropped",
    "cropped_and_flipped",
    "flipped",
    "in_order",
    "load_images",
    "measured",
    "split",
]
