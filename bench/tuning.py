"""The tables of docs/tuning.md: what bench/smartpaf.py and bench/tuned.py measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

TITLES = {
    "alpha7": "alpha=7",
    "f1f1g1g1": "f1²∘g1²",
    "f2g3": "f2∘g3",
    "f2g2": "f2∘g2",
    "f1g2": "f1∘g2",
}
LEFT_OUT = {
    "full": "ct, pa, at",
    "without ct": "without ct",
    "without pa": "without pa",
    "without at": "without at",
    "dynamic": "trained under dynamic scales",
    "without distillation": "without distillation",
    "without penalty": "without penalty",
    "without average": "without average",
    "together": "everything together (ft) alone",
}
NETWORKS = {
    "resnet20": "ResNet-20 on CIFAR-10, all 19 ReLUs",
    "fashion": "A CNN on Fashion-MNIST, all 3 ReLUs and both max-poolings",
}
Found = Mapping[str, Any]


def table(results: Path) -> str:
    """All tables, for the networks that were measured."""
    path = results / "smartpaf.json"
    if not path.exists():
        return ""
    document = json.loads(path.read_text("utf-8"))
    parts = [
        "\n".join(_network(title, document["smartpaf"][name]))
        for name, title in NETWORKS.items()
        if name in document["smartpaf"]
    ]
    known = document["machine"]
    measured = f"{known['processor']}, one core a case, {known['memory_gib']} GiB"
    return "\n\n".join((*parts, f"Measured on: {measured}. Seed {document['seed']}."))


def _network(title: str, found: Found) -> Iterator[str]:
    exact = found["float"]
    yield f"**{title}**: {percent(exact)} in float, on all {exact['images']:,} test images."
    yield ""
    yield (
        "| form | before tuning: dynamic, static | ct alone: dynamic, static "
        "| ct, pa, at: dynamic, **static** | below float (aim) | steps | CPU minutes |"
    )
    yield "|---|---|---|---|---|---|---|"
    for form, runs in _in_order(found["forms"]):
        full = runs["full"]
        below = 100.0 * (exact["accuracy"] - full["static_accuracy"])
        aim = found["targets"].get(form)
        aimed = f"{below:.2f} ({aim:g})" if aim else f"{below:.2f}"
        cells = (
            TITLES[form],
            both(runs.get("untuned")),
            both(runs.get("ct")),
            both(full, strong=True),
            aimed,
            str(full["steps"]),
            f"{full['cpu_seconds'] / 60.0:.1f}",
        )
        yield f"| {' | '.join(cells)} |"
    shown = [each for each in LEFT_OUT if any(each in runs for runs in found["forms"].values())]
    yield ""
    yield f"| form | {' | '.join(LEFT_OUT[each] for each in shown)} |"
    yield f"|{'---|' * (len(shown) + 1)}"
    for form, runs in _in_order(found["forms"]):
        cells = [percent(runs[each], "static_accuracy") if each in runs else "–" for each in shown]
        yield f"| {TITLES[form]} | {' | '.join(cells)} |"


def _in_order(forms: Found) -> Iterator[tuple[str, Found]]:
    return ((form, forms[form]) for form in TITLES if "full" in forms.get(form, {}))


def percent(found: Found, name: str = "accuracy") -> str:
    """An accuracy."""
    return f"{found[name]:.2%}"


def both(found: Found | None, *, strong: bool = False) -> str:
    """Accuracies under dynamic and under static scales."""
    if found is None:
        return "–"
    dynamic, static = (percent(found, f"{each}_accuracy") for each in ("dynamic", "static"))
    return f"{dynamic}, **{static}**" if strong else f"{dynamic}, {static}"


TABLES: Mapping[str, Callable[[Path], str]] = {"tuning": table}
