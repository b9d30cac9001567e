"""The shared library that holds Lattigo: found, opened, called."""

from __future__ import annotations

import ctypes
import functools
import operator
import os
import sys
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tacit.errors import EngineError

# Stands between an error's message and its hint; the same character as in bridge/export.go.
SEPARATOR = "\x1f"

# What a function of the library takes: integers, doubles, paths, and arrays to read or to fill.
Argument = int | ctypes.c_double | bytes | NDArray[Any]


@dataclass(frozen=True)
class Library:
    """The opened shared library, good in the process that opened it."""

    functions: ctypes.CDLL = field(repr=False)
    process: int

    def call(self, name: str, *arguments: Argument) -> None:
        """Runs a function that answers nothing, or an error that is raised."""
        self.check_process()
        function = self.functions[name]
        function.restype = ctypes.c_void_p
        answer = function(*[converted(argument) for argument in arguments])
        if answer is not None:
            raise self.error(answer)

    def make(self, name: str, *arguments: Argument) -> int:
        """The handle that a function makes; it writes it through its last argument."""
        made = np.zeros(1, dtype=np.uint64)
        self.call(name, *arguments, made)
        return int(made[0])

    def count(self, name: str) -> int:
        """The number that a function returns, which cannot fail."""
        self.check_process()
        function = self.functions[name]
        function.restype = ctypes.c_int64
        return int(function())

    def error(self, answer: int) -> EngineError:
        """The error that an answer tells; its memory is given back."""
        text = ctypes.string_at(answer).decode(errors="replace")
        self.functions["tacit_free"](ctypes.c_void_p(answer))
        message, _, hint = text.partition(SEPARATOR)
        return EngineError(message, hint=hint or None)

    def check_process(self) -> None:
        """Refuses a process that was forked: only one thread of the Go runtime would live in it."""
        if os.getpid() != self.process:
            raise EngineError(
                f"the engine was opened in process {self.process} and does not survive a fork",
                hint="start processes with multiprocessing's 'spawn' method",
            )

    def release(self, number: int) -> None:
        """Lets go of a handle; a forked process has none."""
        if os.getpid() == self.process:
            self.call("tacit_release", number)


def converted(argument: Argument) -> ctypes.c_int64 | ctypes.c_double | ctypes.c_void_p | bytes:
    """An argument as C takes it."""
    match argument:
        case bytes() | ctypes.c_double():
            return argument
        case np.ndarray():
            return ctypes.c_void_p(argument.ctypes.data)
        case _:
            return ctypes.c_int64(whole(argument))


def whole(number: int) -> int:
    """An integer of 64 bits; raises EngineError for any other number.

    A float would travel in another register, and the engine would take what happens to lie there.
    """
    try:
        value = operator.index(number)
    except TypeError as cause:
        raise EngineError(f"{number!r} was given where an integer is wanted") from cause
    if value.bit_length() > 63:
        raise EngineError(f"an integer of {value.bit_length()} bits was given; 63 are possible")
    return value


def integers(values: Iterable[int]) -> NDArray[np.int64]:
    """Integers as words; raises EngineError where one is none."""
    return np.array([whole(value) for value in values], dtype=np.int64)


def real(number: float) -> ctypes.c_double:
    """A number as a double; raises EngineError where it is too large for one."""
    try:
        return ctypes.c_double(float(number))
    except OverflowError as cause:
        raise EngineError("a number was given that is too large for a double") from cause


def reals(values: Iterable[float]) -> NDArray[np.float64]:
    """Numbers as doubles; raises EngineError where one is too large."""
    return np.array([real(value).value for value in values], dtype=np.float64)


def library_path() -> Path:
    """Where the package's build puts the shared library."""
    suffix = ".dylib" if sys.platform == "darwin" else ".so"
    return Path(__file__).parent.parent / "_bridge" / f"libtacit_bridge{suffix}"


@functools.cache
def library() -> Library:
    """The shared library, opened at its first use."""
    return open_library(library_path())


def open_library(path: Path) -> Library:
    """A shared library, or an error that says how to get it."""
    if not path.is_file():
        raise EngineError(
            f"the engine is not built: {path} is missing",
            hint="install tacit with pip, which builds it; a C compiler is needed",
        )
    try:
        return Library(ctypes.CDLL(str(path)), os.getpid())
    except OSError as cause:
        raise EngineError(
            f"the engine cannot be opened: {cause}", hint="install tacit again on this machine"
        ) from cause


class Held:
    """Something that lives in the engine and is let go with this object; made by its subclasses."""

    __slots__ = ("__weakref__", "_library", "_number")

    def __init__(self, opened: Library, number: int) -> None:
        self._library = opened
        self._number = number
        weakref.finalize(self, opened.release, number).atexit = False

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise EngineError("an object of the engine is not pickled", hint="use its to_bytes()")

    def __copy__(self) -> Held:
        return self

    @property
    def opened(self) -> Library:
        """The library in which this lives."""
        return self._library

    @property
    def number(self) -> int:
        """The handle."""
        return self._number


def live_handles() -> int:
    """The number of objects that live in the engine."""
    return library().count("tacit_live_handles")


def collect() -> None:
    """Returns the engine's unused memory to the operating system."""
    library().call("tacit_collect")


def threads() -> int:
    """The number of threads that the engine computes on."""
    return library().count("tacit_threads")


def set_threads(count: int) -> None:
    """Sets the number of threads that the engine computes on, for the whole process."""
    library().call("tacit_set_threads", count)
