"""Write what was measured into the pages that show it: `python bench/table.py`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import field_tables
import integer_tables
import tuning
import workbench

ROOT = Path(__file__).parents[1]
README, RESULTS = ROOT / "README.md", ROOT / "bench" / "results"
METHODS, TUNING = ROOT / "docs" / "methods.md", ROOT / "docs" / "tuning.md"
INTEGERS, FIELD = ROOT / "docs" / "quantisation.md", ROOT / "docs" / "verification.md"
PAGES = (README, METHODS, TUNING, INTEGERS, FIELD)
PLACE = re.compile(
    r"(?<=<!-- measured: )(\w+)(, made by bench/table.py -->\n).*?(?=<!-- /measured -->)", re.DOTALL
)
Figures = Mapping[str, object]


@dataclass(frozen=True)
class Case:
    """A row: the file and the name that its figures have there, and what people call it."""

    file: str
    name: str
    title: str


CASES = (
    Case("digits.json", "digits", "digits (shipped): conv8-conv16-fc10, ReLU to 2^-6"),
    Case("mnist.json", "mlp_square", "MNIST: MLP 784-128-128-10, squares"),
    Case("mnist.json", "mlp_square_8_at_once", "the same"),
    Case("mnist.json", "lola", "MNIST: LoLA's conv5-fc100-fc10, squares"),
    Case("mnist.json", "conv_square", "MNIST: conv32-conv64-fc512-fc10, squares"),
    Case("mnist.json", "mlp_relu", "MNIST: MLP 784-128-128-10, ReLU to 2^-7"),
    Case("mnist.json", "lenet_relu", "MNIST: LeNet conv6-conv16-fc120-fc10, ReLU to 2^-7"),
)
HEAD = (
    "| network | right in the clear | simulated | CPU s an image | predicted | server's peak "
    "| keys | bits | Orion, CPU s |",
    "|---|---|---|---|---|---|---|---|---|",
)


def measured(results: Path) -> Mapping[str, Mapping[str, Figures]]:
    """For every file of results, its networks' figures."""
    return {
        path.name: json.loads(path.read_text(encoding="utf-8")).get("networks", {})
        for path in sorted(results.glob("*.json"))
    }


def table(results: Path) -> str:
    """The table of all networks that were measured."""
    files = measured(results)
    found = ((case, files.get(case.file, {}).get(case.name)) for case in CASES)
    rows = (row(case.title, figures) for case, figures in found if figures is not None)
    return "\n".join((*HEAD, *rows, *note(results)))


def row(title: str, figures: Figures) -> str:
    """One network's line."""
    many = figures.get("inputs_at_once", 1)
    cells = (
        title if many == 1 else f"{title}, {many} images to a ciphertext",
        percent(figures["accuracy_clear"]),
        percent(figures["accuracy_simulated"]),
        seconds(figures["seconds"]),
        seconds(figures["predicted_seconds"]),
        gigabytes(figures["peak_bytes"]),
        gigabytes(figures["key_file_bytes"]),
        f"{number(figures['bits']):.1f}",
        orion(figures.get("orion")),
    )
    return f"| {' | '.join(cells)} |"


def note(results: Path) -> Iterator[str]:
    """The machines that the files of results name."""
    paths = (results / name for name in dict.fromkeys(case.file for case in CASES))
    documents = [json.loads(path.read_text("utf-8")) for path in paths if path.exists()]
    machines = dict.fromkeys(
        f"{found['processor']}, {found['cores']} cores, {found['memory_gib']} GiB"
        for found in (document["machine"] for document in documents if "networks" in document)
    )
    if machines:
        yield ""
        yield f"Measured on: {'; '.join(machines)}."


def orion(found: object) -> str:
    """The peer's seconds on the same network, or why there are none."""
    match found:
        case {"seconds": int() | float() as value}:
            return seconds(value)
        case {"failed": [str(why), *_]} | {"failed": str(why)}:
            return why
        case _:
            return "–"


def number(value: object) -> float:
    """A figure as a number."""
    assert isinstance(value, int | float), f"{value!r} is no figure"
    return float(value)


def percent(value: object) -> str:
    """A share."""
    return f"{number(value):.2%}"


def seconds(value: object) -> str:
    """A time, to two digits at least."""
    found = number(value)
    return f"{found:.3f}" if found < 0.1 else f"{found:.2f}"


def gigabytes(value: object) -> str:
    """A size."""
    return f"{number(value) / 1e9:.2f} GB"


TABLES: Mapping[str, Callable[[Path], str]] = {
    "networks": table,
    **field_tables.TABLES,
    **tuning.TABLES,
    **integer_tables.TABLES,
    **workbench.TABLES,
}


def page(text: str, results: Path) -> str:
    """A page with its tables as they were measured last."""

    def made(place: re.Match[str]) -> str:
        name, rest = place.groups()
        if name not in TABLES:
            raise SystemExit(f"no table is called {name}; known are {', '.join(TABLES)}")
        return f"{name}{rest}{TABLES[name](results)}\n"

    return PLACE.sub(made, text)


if __name__ == "__main__":
    for each in PAGES:
        each.write_text(page(each.read_text(encoding="utf-8"), RESULTS), encoding="utf-8")
