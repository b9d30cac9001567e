"""The table of docs/quantisation.md: what bench/integers.py measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Found = Mapping[str, Any]
HEAD = (
    "| estimator | float | quantised | same class | equal rows | alone, CPU s "
    "| in batches, CPU s a row | keys | set-up, CPU s | Concrete ML: score, CPU s a row, keys |",
    "|---|---|---|---|---|---|---|---|---|---|",
)


def table(results: Path) -> str:
    """A line for each estimator that was measured."""
    path = results / "integers.json"
    if not path.exists():
        return ""
    document = json.loads(path.read_text("utf-8"))
    known = document["machine"]
    note = f"Measured on: {known['processor']}, one core, {known['memory_gib']} GiB."
    rows = (row(name, found) for name, found in document["models"].items())
    return "\n".join((*HEAD, *rows, "", note))


def row(name: str, found: Found) -> str:
    """One estimator."""
    batches, alone = found["in_batches"], found["alone"]
    equal = batches["equal_rows"] + alone["equal_rows"]
    rows = batches["rows"] + alone["rows"]
    classes = "–" if is_regression(name) else f"{found['agreement']:.1%}"
    cells = (
        titled(name, found),
        f"{found['score_of_scikit_learn']:.3f}",
        f"{found['score']:.3f}",
        classes,
        f"{equal} of {rows}",
        seconds(alone["cpu_seconds_a_row"]),
        seconds(batches["cpu_seconds_a_row"]),
        size(batches["key_bytes"]),
        f"{batches['setup_cpu_seconds']:.1f}",
        peer(found.get("concrete_ml")),
    )
    return f"| {' | '.join(cells)} |"


def is_regression(name: str) -> bool:
    """Whether answers are numbers, which are never the same to the last bit."""
    return "diabetes" in name or "regressor" in name


def peer(found: Found | None) -> str:
    """The peer's figures, or why there are none."""
    if found is None:
        return "–"
    if "failed" in found:
        return "fails"
    cost = seconds(found["cpu_seconds_a_sample"])
    return f"{found['score']:.3f}, {cost}, {size(found['key_bytes'])}"


def seconds(value: float) -> str:
    """A time, to two digits."""
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"


def size(count: int) -> str:
    """Bytes as megabytes."""
    return f"{count / 1e6:.1f} MB"


def under_tfhe(results: Path) -> str:
    """A line for each estimator that was run under TFHE, one input after the other."""
    path = results / "integers_tfhe.json"
    if not path.exists():
        return ""
    document = json.loads(path.read_text("utf-8"))
    lines = [
        "| estimator, under TFHE | score | equal rows | CPU s a row | set-up, CPU s | keys |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in document["models"].items():
        alone = found["alone"]
        cells = (
            titled(name, found),
            f"{found['score']:.3f}",
            f"{alone['equal_rows']} of {alone['rows']}",
            seconds(alone["cpu_seconds_a_row"]),
            f"{alone['setup_cpu_seconds']:.1f}",
            size(alone["key_bytes"]),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def titled(name: str, found: Found) -> str:
    """An estimator with its data."""
    data, title = found["data"].replace("_", " "), name.replace("_", " ")
    return title if data in title else f"{title}, {data}"


def networks(results: Path) -> str:
    """A line for each network of few bits."""
    path = results / "qat.json"
    if not path.exists():
        return ""
    document = json.loads(path.read_text("utf-8"))
    lines = [
        "| network | float | bits, widest sum | only rounded | trained "
        "| an answer, CPU s, predicted | inputs in it |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, case in document["quantised"].items():
        for width, found in case["widths"].items():
            cells = (
                name,
                mean(case["float"]),
                width,
                mean(found["rounded"]),
                mean(found["trained"]),
                seconds(found["predicted_cpu_seconds"]),
                str(found["inputs_at_once"]),
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def mean(shares: list[float]) -> str:
    """A mean over seeds, and how far they lie apart."""
    middle = sum(shares) / len(shares)
    return f"{middle:.1%} ({min(shares):.1%} to {max(shares):.1%})"


TABLES: Mapping[str, Callable[[Path], str]] = {
    "integers": table,
    "integers_tfhe": under_tfhe,
    "qat": networks,
}
