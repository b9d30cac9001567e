"""Other processes: some that take masks, and some that die while they make or take them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from tacit.arithmetics.field.blind import Store, make
from tests.arithmetics.field.blind.scene import (
    WIDE,
    filled_in,
    opened_in,
    products,
    store_in,
)

# A few more than there are calls: the last points are beyond the end, and nobody dies.
MAKING = 50
TAKING = 14
QUERIES = 3
DEAD = 9


class Fuse:
    """A count of calls that reach the disk or the products, and death at one of them."""

    def __init__(self, left: int) -> None:
        self.left = left

    def burn(self) -> None:
        """One call more."""
        if not self.left:
            os._exit(DEAD)
        self.left -= 1

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """A call before which, and after which, death may come."""

        def called(*args: Any, **options: Any) -> Any:
            self.burn()
            result = call(*args, **options)
            self.burn()
            return result

        return called


def take(folder: Path, count: int) -> None:
    """Take masks, and say which."""
    store = opened_in(folder)
    for _ in range(count):
        with store.take() as query:
            sys.stdout.write(f"{query.index} {query.mask(WIDE.number).tobytes().hex()}\n")


def die(folder: Path, point: int, verb: str) -> None:
    """In a process of its own: make or take masks, and die at this point."""
    folder.mkdir(parents=True)
    store = store_in(folder) if verb == "make" else filled_in(folder, QUERIES)
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    fuse = Fuse(point)
    # Never undone: this process ends here.
    for name in ("fsync", "replace", "unlink"):
        mock.patch(f"os.{name}", fuse.around(getattr(os, name))).start()
    if verb == "make":
        make(store, fuse.around(products), QUERIES)
    else:
        show(store, folder)
    os._exit(0)


def show(store: Store, folder: Path) -> None:
    """Take a mask and show it to the world."""
    with store.take() as query:
        (folder / "shown").write_bytes(query.mask(WIDE.number).tobytes())


if __name__ == "__main__":
    _, wanted, place = sys.argv
    # Processes die here, and no machine: nothing needs to wait for the disk.
    mock.patch("os.fsync").start()
    if wanted == "fifty":
        take(Path(place), 50)
    else:
        for each in range({"make": MAKING, "take": TAKING}[wanted]):
            die(Path(place) / str(each), each, wanted)
