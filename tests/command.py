"""The command line, called as a user calls it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from typer.testing import CliRunner

from tacit.cli import app


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def record(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        found: dict[str, Any] = json.loads(self.out)
        return found


def tacit(*words: object) -> Said:
    """Run the command line."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    return Said(result.exit_code, result.stdout, result.stderr)
