"""Images and forms on the command line of `tacit tune` and `tacit search`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tacit import data
from tacit.cli.tune import Change, Shown
from tacit.data import Augmentation, Images, Normalisation
from tacit.errors import TacitError
from tacit.tune.paf import Approximant
from tacit.tune.samples import Samples

# Where nothing is said: enough to tell candidates apart, and no more than a tenth.
HELD_OUT = 1000
NORMALISATIONS: Mapping[str, Normalisation | None] = {
    "data": None,
    "mnist": data.MNIST,
    "fashion-mnist": data.FASHION_MNIST,
    "cifar10": data.CIFAR10,
    "cifar100": data.CIFAR100,
    "imagenet": data.IMAGENET,
}


AUGMENTATIONS: Mapping[Change, Augmentation | None] = {
    Change.NONE: None,
    Change.FLIP: data.flipped,
    Change.CROP: data.cropped,
    Change.BOTH: data.cropped_and_flipped,
}


def normalisation_of(text: str) -> Normalisation | None:
    """What a name or numbers such as 0.5,0.5,0.5/0.2,0.2,0.2 mean; None for that of the data."""
    if text in NORMALISATIONS:
        return NORMALISATIONS[text]
    means, _, deviations = text.partition("/")
    try:
        numbers = [tuple(map(float, each.split(","))) for each in (means, deviations)]
    except ValueError as wrong:
        raise TacitError(
            f"no normalisation is called {text!r}",
            hint=f"known are {', '.join(NORMALISATIONS)}, and numbers as 0.5,0.5,0.5/0.2,0.2,0.2",
        ) from wrong
    return Normalisation(*numbers)


def samples_of(train: Images, shown: Shown) -> Samples:
    """Training and held-out images, of at most so many; the split is always the same."""
    chosen = train
    if shown.limit is not None and shown.limit < len(train):
        chosen = data.split(train, shown.limit, 0)[1]
    count = shown.held_out or max(1, min(HELD_OUT, len(chosen) // 10))
    kept, held = data.split(chosen, count, 0)
    return Samples(kept, held, AUGMENTATIONS[shown.change], normalisation_of(shown.normalise))


def form_of(text: str) -> Approximant:
    """A form by its name, or a degree."""
    digits = text.strip().removeprefix("degree ")
    return int(digits) if digits.isdigit() else text.strip()


def forms_of(text: str) -> Approximant | dict[str, Approximant]:
    """One form for all layers; or `layer=form,…`; or a point of a search's file, as `FILE#2`."""
    path, mark, number = text.partition("#")
    if Path(path).suffix == ".json":
        return _of_front(Path(path), number if mark else "-1")
    if "=" not in text:
        return form_of(text)
    pairs = [each.partition("=") for each in text.split(",")]
    return {layer.strip(): form_of(form) for layer, _, form in pairs}


def _of_front(path: Path, number: str) -> dict[str, Approximant]:
    try:
        points = json.loads(path.read_text("utf-8"))["points"]
        forms = points[int(number)]["forms"]
        found = {str(layer): form_of(form) for layer, form in forms.items()}
    except FileNotFoundError as absent:
        raise TacitError(f"there is no file {path}") from absent
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as wrong:
        raise TacitError(
            f"{path} has no point {number} of a front",
            hint="tacit search writes such a file; points are counted from 0",
        ) from wrong
    return found


def example_rows(samples: Samples, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Training images as the network takes them, of all classes."""
    parts = [each.numpy() for each in samples.batches(samples.seen(count, 0))]
    return np.concatenate(parts).astype(np.float64)
