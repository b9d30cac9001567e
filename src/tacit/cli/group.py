"""The one place where an error becomes a line on stderr and an exit status."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from tacit.cli.screen import complain
from tacit.errors import TacitError

FAILURE = 1


class OneLine(TyperGroup):
    """A group of commands whose every error is one line with a hint, and exit status 1."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command and leave with its exit status."""
        try:
            status = super().main(*args, **(extra | {"standalone_mode": False}))
        except TacitError as wrong:
            complain(wrong.message, wrong.hint)
            sys.exit(FAILURE)
        except OSError as wrong:
            complain(str(wrong), "is there room, and may you read and write there?")
            sys.exit(FAILURE)
        except typer.Abort:
            complain("interrupted", None)
            sys.exit(FAILURE)
        except typer.BadParameter as wrong:
            complain(wrong.format_message(), "tacit COMMAND --help")
            sys.exit(FAILURE)
        except Exception as wrong:
            # Typer does not export the class of all mistakes on a command line, only this one.
            if not isinstance(wrong, typer.BadParameter.__mro__[1:3]):
                raise
            complain(str(wrong), "tacit --help")
            sys.exit(FAILURE)
        sys.exit(status if isinstance(status, int) else 0)
