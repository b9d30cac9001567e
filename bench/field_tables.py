"""The tables of docs/verification.md: what bench/field.py and its neighbours measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

Found = Mapping[str, Any]
HEAD = (
    "| network | batch | float32 | int8 | checked | float32 / checked | int8 / checked "
    "| Slalom's check | challenges, ahead | checked and blinded | masks, ahead |",
    "|---|---|---|---|---|---|---|---|---|---|---|",
)
TITLES = {"resnet18": "ResNet-18", "vgg16": "VGG-16", "mobilenet": "MobileNetV1"}
ACCURACIES = {
    "float": "float32, as released",
    "int8": "8 bits",
    "power-of-two": "8 bits, rescaled by powers of two",
    "6-bit": "6 bits",
    "4-bit": "4 bits",
    "slalom": "Slalom's format",
}


def speeds(results: Path) -> str:
    """A line for each network and batch."""
    document = _loaded(results / "field.json")
    if document is None:
        return ""
    known = document["machine"]
    networks = document["networks"].values()
    rounds = {found["rounds"] for each in networks for found in each["batches"].values()}
    often = " or ".join(map(str, sorted(rounds)))
    note = (
        f"Milliseconds of one core for a whole batch at 224×224, the least of {often} "
        f"interleaved rounds. Measured on: {known['processor']}, {known['memory_gib']} GiB."
    )
    return "\n".join((*HEAD, *_rows(document["networks"]), "", note))


def accuracies(results: Path) -> str:
    """A line for each format."""
    document = _loaded(results / "field_accuracy.json")
    if document is None:
        return ""
    lines = [
        f"| {title} | {_accuracy(document[name])} |"
        for name, title in ACCURACIES.items()
        if name in document
    ]
    return "\n".join(("| ResNet-20 on CIFAR-10 | right of 10,000, % |", "|---|---|", *lines))


def _loaded(path: Path) -> Found | None:
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def _accuracy(found: Found) -> str:
    return f"{found['accuracy']:.2f}" if "accuracy" in found else str(found.get("refused", "–"))


def _rows(networks: Found) -> Iterator[str]:
    for name, network in networks.items():
        for batch, found in network["batches"].items():
            ours, ratios = found["verify"], found["ratios"]
            cells = (
                TITLES.get(name, name),
                batch,
                _ms(found["float32"]["seconds"]),
                _ms(found["int8"]["seconds"]),
                _ms(ours["seconds"]),
                f"{ratios['float32']:.0f}×",
                f"{ratios['int8']:.1f}×",
                _ms(found["slalom"]["seconds"]),
                _ms(ours["challenge_seconds"]),
                _ms(ours["blinded_seconds"]),
                _ms(ours["mask_seconds"]),
            )
            yield f"| {' | '.join(cells)} |"


def _ms(seconds: float) -> str:
    value = 1e3 * seconds
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


TABLES: Mapping[str, Callable[[Path], str]] = {
    "field_speeds": speeds,
    "field_accuracies": accuracies,
}
