"""The tables of docs/methods.md, from what bench/approximation.py measured."""

from __future__ import annotations

import itertools
import json
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

FILE = "approximation.json"
Rows = Sequence[Mapping[str, Any]]
# Methods in the order of their columns; HEIR's own settings stand beside the same method of ours.
METHODS = ("minimax", "cf", "cf of 129 terms, as HEIR", "chebyshev", "least_squares", "bounded")
OTHERS = ("taylor", "composite", "iterates", "limit")
SHOWN_ALPHAS = (4, 6, 8, 10, 12, 14, 16, 18, 20)


def measured(results: Path) -> Mapping[str, Any]:
    """What was measured, by section; nothing if it was not."""
    path = results / FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def lines(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown."""
    cells = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in cells)


def speed(results: Path) -> str:
    """Milliseconds by degree and method, medians over the problems, and how exact they are."""
    rows: Rows = measured(results).get("speed", ())

    def each(name: str, chosen: Rows) -> str:
        found = [row[name] for row in chosen if row.get(name) is not None]
        return f"{statistics.median(found):.2g}" if found else "–"

    def body() -> Iterator[Sequence[object]]:
        for degree in sorted({row["degree"] for row in rows}):
            here = [row for row in rows if row["degree"] == degree]
            fast = [row for row in here if row["bits"] == 53]
            yield (
                degree,
                f"{each('double_milliseconds', fast)} ({len(fast)})",
                each("precise_milliseconds", here),
                each("cf_milliseconds", here),
                each("chebyshev_milliseconds", here),
                each("sollya_milliseconds", here),
                f"{max((row['relative_gap_double'] for row in here), default=0):.0e}",
                f"{max((row['relative_gap_precise'] for row in here), default=0):.0e}",
            )

    head = (
        "degree",
        "doubles, ms (problems)",
        "320 bits, ms",
        "CF, ms",
        "interpolation, ms",
        "Sollya, ms",
        "largest gap",
        "largest gap, 320 bits",
    )
    return lines(head, body())


def methods(results: Path) -> str:
    """The error of every method, for each function and depth."""
    rows: Rows = measured(results).get("methods", ())

    def body() -> Iterator[Sequence[object]]:
        for (name, on, depth), group in itertools.groupby(rows_in_order(rows), key=problem):
            found = {row["method"]: row for row in group}
            cells = [error(found.get(method)) for method in METHODS]
            others = [error(found.get(method)) for method in OTHERS]
            products = found["minimax"]["products"]
            yield (name, shown(on), depth, products, *cells, *others)

    head = (
        "function",
        "on",
        "depth",
        "products",
        "minimax",
        "CF",
        "CF, 129 terms (HEIR)",
        "Chebyshev points (OpenFHE)",
        "least squares",
        "bounded",
        "Taylor",
        "composite",
        "f∘g",
        "(1 + x/2^k)^(2^k)",
    )
    return lines(head, body())


def problem(row: Mapping[str, Any]) -> tuple[str, str, int]:
    """What a row is about."""
    return (row["function"], json.dumps(row["on"]), row["allowed"])


def rows_in_order(rows: Rows) -> list[Mapping[str, Any]]:
    """The rows of one problem behind one another, in the order of the first of each."""
    order = {key: place for place, key in reversed(list(enumerate(problem(row) for row in rows)))}
    return sorted(rows, key=lambda row: order[problem(row)])


def shown(on: str) -> str:
    """An interval, or several, for people."""
    found = json.loads(on)
    several = found if isinstance(found[0], list) else [found]
    return " ∪ ".join(f"[{low:g}, {high:g}]" for low, high in several)


def error(row: Mapping[str, Any] | None) -> str:
    """An error, or nothing where a method does not apply."""
    if row is None or row.get("reason") or row["error"] in (float("inf"), "Infinity"):
        return "–"
    return f"{row['error']:.1e}" if row["error"] < 1e3 else "> 1000"


def fronts(results: Path) -> str:
    """Depth / products of everything that wins, by alpha."""
    found = measured(results).get("composites", {}).get("fronts", ())
    names = list(dict.fromkeys(row["function"] for row in found))
    by_key = {(row["function"], row["alpha"]): row["front"] for row in found}

    def cell(name: str, alpha: int) -> str:
        return ", ".join(
            f"{each['depth']}/{each['products']}" for each in by_key.get((name, alpha), ())
        )

    rows = ([alpha, *(cell(name, alpha) for name in names)] for alpha in SHOWN_ALPHAS)
    return lines(["alpha", *names], rows)


def known(results: Path) -> str:
    """ReLU by composites that people know."""
    rows = measured(results).get("composites", {}).get("known", ())
    head = ("ReLU on [-1, 1]", "degrees", "depth", "products", "largest error")
    return lines(head, (composite(row["what"], row) for row in rows))


def composite(name: str, row: Mapping[str, Any]) -> Sequence[object]:
    """A composite's line."""
    degrees = ", ".join(map(str, row["degrees"]))
    return (name, degrees, row["depth"], row["products"], f"{row['error']:.2e}")


def plans(results: Path) -> str:
    """Products at the least depth."""
    rows = measured(results).get("plans", ())
    head = ("degree", "depth", "products", "relinearisations", "odd: products", "relinearisations")
    names = ("degree", "depth", "products", "relinearisations", "odd_products")
    return lines(
        head, ([*(row[name] for name in names), row["odd_relinearisations"]] for row in rows)
    )


def ciphertexts(results: Path) -> str:
    """ReLU on ciphertexts: every member of the front, with its real seconds."""
    rows = measured(results).get("ciphertexts", ())
    head = (
        "bits",
        "degrees",
        "depth",
        "products",
        "error",
        "ring",
        "CPU s",
        "error on ciphertexts",
    )
    return lines(
        head,
        (
            (
                row["bits"],
                ", ".join(map(str, row["degrees"])),
                row["depth"],
                row["products"],
                f"{row['error']:.2e}",
                f"2^{row['log2_ring_degree']}",
                f"{row['seconds']:.2f}",
                f"{row['largest_error']:.2e}",
            )
            for row in rows
        ),
    )


def whole(results: Path) -> str:
    """Fixed point and tables on ciphertexts."""
    rows = measured(results).get("fixed_point", ())

    def number(value: object) -> str:
        return f"{value:.3g}" if isinstance(value, float) else "–"

    head = (
        "what",
        "degree",
        "error",
        "no integers below",
        "real coefficients",
        "rounded one by one",
        "scheme",
        "ring",
        "CPU s, all slots",
        "equal bit for bit",
    )
    names = ("error", "lower_bound", "minimax_error", "rounded_error")
    return lines(
        head,
        (
            (
                row["what"],
                row["degree"],
                *(number(row.get(name)) for name in names),
                row["scheme"],
                f"2^{row['log2_ring_degree']}",
                f"{row['seconds']:.2f}",
                "yes" if row["equal"] else "NO",
            )
            for row in rows
        ),
    )


TABLES: Mapping[str, Callable[[Path], str]] = {
    "speed": speed,
    "methods": methods,
    "fronts": fronts,
    "known": known,
    "plans": plans,
    "ciphertexts": ciphertexts,
    "whole": whole,
}
