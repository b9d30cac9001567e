"""Labelled images: read from disk in the standard formats, split, changed, and put in batches."""

from tacit.data.augment import cropped, cropped_and_flipped, flipped
from tacit.data.batches import Augmentation, Batch, Batches, in_order
from tacit.data.folder import Folder, Framing
from tacit.data.images import Images, split
from tacit.data.load import load_images
from tacit.data.normalisation import (
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
