"""Run tests with one module of the library replaced by a copy of its file: MODULE FILE TESTS...

All else is imported as it is installed, its compiled kernels with it.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

# None of pytest's own.
UNKNOWN = 99


class Replaced(MetaPathFinder):
    """Finds one module in a file of its own."""

    def __init__(self, module: str, file: Path) -> None:
        self._module = module
        self._file = file

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._module:
            return None
        return importlib.util.spec_from_file_location(fullname, self._file)


class Notes:
    """Whether tests failed by what they assert, and not because the copy does not run."""

    def __init__(self) -> None:
        self.broken = False

    def pytest_exception_interact(self, call: pytest.CallInfo[object]) -> None:
        """Look at why a test failed."""
        raised = call.excinfo
        asserted = (AssertionError, pytest.fail.Exception)
        self.broken |= raised is not None and not isinstance(raised.value, asserted)


def main() -> int:
    module, file, *tests = sys.argv[1:]
    sys.meta_path.insert(0, Replaced(module, Path(file)))
    notes = Notes()
    options = ["-q", "-x", "-p", "no:cacheprovider", "-m", "", "--tb=short"]
    status = int(pytest.main([*options, *tests], plugins=[notes]))
    found = sys.modules.get(module)
    # Tests that pass without the module say nothing of it.
    was_used = found is not None and found.__file__ == file
    return status if was_used and not notes.broken else UNKNOWN


if __name__ == "__main__":
    sys.exit(main())
