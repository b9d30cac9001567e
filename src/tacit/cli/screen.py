"""Where a command writes: its report on stdout, progress and errors on stderr."""

from __future__ import annotations

import contextlib
import json
import math
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from tacit.program import Json
from tacit.program import Progress as Told

# What is done sooner than this needs no bar.
SECONDS_OF_PATIENCE = 2.0
# What is not read on a terminal is folded late.
PAGE_WIDTH = 160
INDENT = 1
# What is longer is text, not a number or a name.
SENTENCE = 30
# What is read by machines, too, is shown with all its digits.
EXACT = frozenset({"coefficients", "trainable", "scale", "offset", "factor"})
PAIRS = frozenset({"intervals", "stage_intervals"})
UNITS = ("B", "KB", "MB", "GB", "TB")
EXPONENT = 3


@dataclass(frozen=True)
class Screen:
    """The way that a command tells its results: for people, or as one JSON object."""

    json: bool

    def say(self, line: str) -> None:
        """A line for people."""
        if not self.json:
            print(line)

    def note(self, line: str) -> None:
        """A line for people who wait, on stderr."""
        if not self.json:
            print(line, file=sys.stderr)

    def report(self, values: Mapping[str, Json]) -> None:
        """The command's results."""
        if self.json:
            print(json.dumps(finite(dict(values)), indent=2, ensure_ascii=False, allow_nan=False))
            return
        console = Console(width=None if Console().is_terminal else PAGE_WIDTH, highlight=False)
        console.print(grid({name: each for name, each in values.items() if not rows_of(each)}))
        # Tables have all of the width for themselves.
        for name, each in values.items():
            if rows := rows_of(each):
                console.print(Text(name.replace("_", " "), style="cyan"))
                console.print(Padding(columns(rows), (0, 0, 0, INDENT)))

    @contextlib.contextmanager
    def progress(self, title: str) -> Iterator[Told]:
        """A bar on stderr, which appears once the work has taken two seconds.

        Where stderr is no terminal, a line says what takes so long.
        """
        console = Console(stderr=True, highlight=False)
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn())
        bar = Progress(*columns, TimeElapsedColumn(), console=console, transient=True)
        task = bar.add_task(title, total=None)
        # A timer, since work that does not tell how far it is may take long too.
        begin = bar.start if console.is_terminal else lambda: console.print(f"{title} …")
        patience = threading.Timer(SECONDS_OF_PATIENCE, begin)
        patience.daemon = True
        if not self.json:
            patience.start()
        try:
            yield lambda done, total: bar.update(task, completed=done, total=total)
        finally:
            patience.cancel()
            if bar.live.is_started:
                bar.stop()


def finite(value: Json) -> Json:
    """The value with none for every number that JSON does not know: infinite ones, and nan."""
    match value:
        case float() if not math.isfinite(value):
            return None
        case list():
            return [finite(each) for each in value]
        case dict():
            return {name: finite(each) for name, each in value.items()}
        case _:
            return value


def complain(message: str, hint: str | None) -> None:
    """One line on stderr: what is wrong, and what to do."""
    line = message if hint is None else f"{message} (hint: {hint})"
    print("error:", " ".join(line.split()), file=sys.stderr)


def grid(values: Mapping[str, Json]) -> Table:
    """Names and values in two columns, and what is nested in them likewise."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in values.items():
        label = Text(name.replace("_", " "), style="cyan")
        match value:
            case {} if not value:
                table.add_row(label, Text("–"))
            case dict():
                table.add_row(label, grid(value))
            case [dict(), *_]:
                table.add_row(label, columns(rows_of(value)))
            case [str() | list(), *_]:
                table.add_row(label, Text("\n".join(shown(name, each) for each in value)))
            case _:
                table.add_row(label, Text(shown(name, value)))
    return table


def rows_of(value: Json) -> list[dict[str, Json]]:
    """The records of one kind that a list holds; none if it is anything else."""
    match value:
        case [dict(), *_]:
            return [row for row in value if isinstance(row, dict)]
        case _:
            return []


def columns(rows: Sequence[Mapping[str, Json]]) -> Table:
    """Records of one kind, one below the other under their names."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="cyan")
    for name in rows[0]:
        title = name.replace("_", " ")
        cells = (shown(name, row[name]) for row in rows)
        width = max(map(len, [*title.split(), *cells]))
        # Half a number would be a wrong one: only sentences and titles are folded.
        table.add_column(title, width=width if width <= SENTENCE else None, overflow="fold")
    for row in rows:
        table.add_row(*(shown(name, value) for name, value in row.items()))
    return table


def shown(name: str, value: Json) -> str:
    """A value as people read it, by what its name says of its unit."""
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int() | float() if name.endswith("bytes"):
            return in_bytes(float(value))
        case float() if "seconds" in name:
            return in_seconds(value)
        case float() if name.endswith(("accuracy", "agreement")):
            return f"{value:.2%}"
        case float() if name in EXACT:
            return repr(value)
        case float():
            return f"{value:.4g}"
        case [float() as low, float() as high] if name in PAIRS:
            return f"[{low!r}, {high!r}]"
        case list():
            return ", ".join(shown(name, each) for each in value)
        case _:
            return str(value)


def in_bytes(count: float) -> str:
    """A size with its unit.

    >>> in_bytes(512), in_bytes(2_500_000)
    ('512 B', '2.5 MB')
    """
    for unit in UNITS:
        if count < 10**EXPONENT or unit == UNITS[-1]:
            break
        count /= 10**EXPONENT
    return f"{count:.3g} {unit}"


def in_seconds(seconds: float) -> str:
    """A time with its unit.

    >>> in_seconds(0.0123), in_seconds(12.3)
    ('12.3 ms', '12.3 s')
    """
    return f"{seconds * 10**EXPONENT:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
