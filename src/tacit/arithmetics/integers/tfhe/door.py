"""The Python door of concrete-python: opened when something is compiled or run, never before."""

from __future__ import annotations

import contextlib
import importlib.util
import warnings
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

from tacit.errors import EngineError

HINT = (
    "pip install 'tacit[tfhe]' (Python 3.12 at most, x86-64 Linux or macOS; it pins numpy < 2, "
    "and its licence grants no patent rights for commercial use)"
)


def installed() -> bool:
    """Whether concrete-python is there; it is not opened for that."""
    return importlib.util.find_spec("concrete") is not None


def library() -> ModuleType:
    """concrete.fhe; raises EngineError where it is not installed."""
    with _opened():
        from concrete import fhe

        return _module(fhe)


def compiler() -> ModuleType:
    """concrete.compiler, the classes under fhe; raises EngineError where it is not installed."""
    with _opened():
        from concrete import compiler as found

        return _module(found)


def security_level(bits: int) -> object:
    """Concrete's name for a level of security."""
    with _opened():
        from concrete.fhe.compilation.configuration import SecurityLevel

        level: object = SecurityLevel(bits)
        return level


def release() -> str:
    """The version of concrete-python that is installed, or nothing."""
    try:
        return version("concrete-python")
    except PackageNotFoundError:
        return ""


def absent() -> EngineError:
    """The error where concrete-python is needed and not there."""
    return EngineError("the engine tfhe needs concrete-python, which is not installed", hint=HINT)


def _module(found: object) -> ModuleType:
    assert isinstance(found, ModuleType), "concrete brings modules"
    return found


@contextlib.contextmanager
def _opened() -> Iterator[None]:
    """What goes wrong while concrete is imported is told in our words."""
    # Its import of pkg_resources warns that this will go, which it does with setuptools 81.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except ImportError as wrong:
            if not installed():
                raise absent() from wrong
            raise EngineError(
                f"concrete-python cannot be opened: {wrong}",
                hint="it needs setuptools < 81 and torch; " + HINT,
            ) from wrong
