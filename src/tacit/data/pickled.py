"""A strict reader of the pickles that CIFAR comes in; nothing in them is ever run.

A pickle is a programme for a small stack machine, which can call anything that can be imported.
CIFAR's batches (Krizhevsky 2009; "python version") were written by Python 2 in protocol 2, and say
one thing only: a dictionary of texts, whole numbers, lists of these, and arrays of unsigned bytes.
This machine knows the opcodes for that (CPython, Lib/pickletools.py, describes them) and those
that Python 3 writes for the same in protocol 3; it calls nothing, and what it does not know it
refuses. Texts are bytes, in either protocol.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from tacit.errors import ReadError

PROTOCOLS = (2, 3)


class Piece(enum.Enum):
    """What lies on the stack and is no value: marks, and the names that an array is made of."""

    MARK = enum.auto()
    RECONSTRUCT = enum.auto()
    ARRAY_TYPE = enum.auto()
    DTYPE = enum.auto()
    UNSIGNED_BYTE = enum.auto()
    BLANK_ARRAY = enum.auto()


# Only these names are known, and none of them is looked up: numpy 2 moved the first.
NAMES = {
    (b"numpy.core.multiarray", b"_reconstruct"): Piece.RECONSTRUCT,
    (b"numpy._core.multiarray", b"_reconstruct"): Piece.RECONSTRUCT,
    (b"numpy", b"ndarray"): Piece.ARRAY_TYPE,
    (b"numpy", b"dtype"): Piece.DTYPE,
}

Bytes = NDArray[np.uint8]
Value = bytes | int | list[bytes | int] | Bytes
Item = Value | None | tuple[object, ...] | dict[str, Value] | Piece


def read_batch(content: bytes, where: str) -> dict[str, Value]:
    """The dictionary in a pickle of CIFAR's kind; its arrays are of two axes, uint8, read-only.

    `where` names the file in errors. Raises ReadError at the first byte that says anything else.
    """
    machine = _Machine(content, where)
    if content[:1] != b"\x80":
        machine.refuse("it does not begin with a protocol's number")
    while True:
        opcode = machine.take(1)
        if opcode == b".":
            return machine.result()
        step = STEPS.get(opcode)
        if step is None:
            machine.refuse(f"opcode {opcode!r} is not used in them")
        step(machine)


@dataclass
class _Machine:
    """The stack machine: what is read, how far, the stack, and the texts to be fetched again."""

    content: bytes
    where: str
    place: int = 0
    stack: list[Item] = field(default_factory=list)
    kept: dict[int, bytes | Piece] = field(default_factory=dict)

    def refuse(self, why: str) -> NoReturn:
        raise ReadError(
            f"{self.where} is no batch of CIFAR: {why} (near byte {self.place})",
            hint="other pickles can run code when they are opened, and are never read",
        )

    def take(self, count: int) -> bytes:
        """The next bytes."""
        taken = self.content[self.place : self.place + count]
        if len(taken) < count:
            self.refuse(f"it is cut short, {count - len(taken)} bytes are missing")
        self.place += count
        return taken

    def number(self, count: int, *, signed: bool = False) -> int:
        """The next bytes as a number, the lowest byte first."""
        return int.from_bytes(self.take(count), "little", signed=signed)

    def line(self) -> bytes:
        """The bytes up to the end of the line."""
        end = self.content.find(b"\n", self.place)
        line = self.take(max(end - self.place, 0))
        self.take(1)
        return line

    def pop(self) -> Item:
        """The top of the stack, taken off."""
        if not self.stack:
            self.refuse("it takes from an empty stack")
        return self.stack.pop()

    def pop_all(self, count: int) -> tuple[Item, ...]:
        """The topmost items, the lowest first."""
        return tuple(reversed([self.pop() for _ in range(count)]))

    def pop_to_mark(self) -> list[Item]:
        """All above the topmost mark, which goes too."""
        items: list[Item] = []
        while (item := self.pop()) is not Piece.MARK:
            items.append(item)
        return items[::-1]

    def packed(self, items: Iterable[Item]) -> tuple[Item, ...]:
        """The items as a tuple, which in what is read holds simple ones and other tuples only.

        Arrays in it would be compared entry by entry below, where one answer is wanted.
        """
        packed = tuple(items)
        if any(isinstance(each, list | dict | np.ndarray) for each in packed):
            self.refuse("a tuple holds a list, a dictionary or an array")
        return packed

    def result(self) -> dict[str, Value]:
        """What is left on the stack at the end."""
        last = self.stack[0] if len(self.stack) == 1 else None
        if not isinstance(last, dict) or self.place != len(self.content):
            self.refuse("it does not end with one dictionary")
        return last

    def read_protocol(self) -> None:
        number = self.number(1)
        if number not in PROTOCOLS or self.place != 2:
            self.refuse(f"it is of protocol {number}, not one of {PROTOCOLS}")

    def keep(self, key: int) -> None:
        """Keep a text or a name; what can change is not kept, so nothing can contain itself."""
        if self.stack and isinstance(self.stack[-1], bytes | Piece):
            self.kept[key] = self.stack[-1]

    def fetch(self, key: int) -> None:
        if key not in self.kept or self.kept[key] is Piece.MARK:
            self.refuse(f"it fetches entry {key}, which is no text")
        self.stack.append(self.kept[key])

    def name(self) -> None:
        module, name = self.line(), self.line()
        piece = NAMES.get((module, name))
        if piece is None:
            self.refuse(f"it names {module[:40]!r} {name[:40]!r}")
        self.stack.append(piece)

    def append(self, items: list[Item]) -> None:
        match self.pop():
            case list() as owner:
                simple = [each for each in items if isinstance(each, bytes | int)]
                if len(simple) < len(items):
                    self.refuse("a list holds more than texts and numbers")
                owner.extend(simple)
                self.stack.append(owner)
            case other:
                self.refuse(f"it appends to a {type(other).__name__}")

    def set_items(self, items: list[Item]) -> None:
        owner = self.pop()
        if not isinstance(owner, dict) or len(items) % 2:
            self.refuse(f"it sets {len(items)} keys and values of a {type(owner).__name__}")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, bytes) or not isinstance(value, bytes | int | list | np.ndarray):
                self.refuse("a dictionary holds more than texts, numbers, lists and arrays")
            word = key.decode("latin-1")
            if word in owner:
                self.refuse(f"it says {word!r} twice")
            owner[word] = value
        self.stack.append(owner)

    def call(self) -> None:
        """What REDUCE would call: only the two calls that make an array of bytes are understood."""
        match self.packed(self.pop_all(2)):
            case (Piece.RECONSTRUCT, (Piece.ARRAY_TYPE, (0,), b"b")):
                self.stack.append(Piece.BLANK_ARRAY)
            case (Piece.DTYPE, (b"u1", int(), int())):
                self.stack.append(Piece.UNSIGNED_BYTE)
            case _:
                self.refuse("it calls something else than an array of unsigned bytes")

    def build(self) -> None:
        """What BUILD would fill: a dtype's state says nothing new, an array's its bytes."""
        match self.packed(self.pop_all(2)):
            case (Piece.UNSIGNED_BYTE, (int(), b"|", *rest)) if all(map(_says_nothing, rest)):
                self.stack.append(Piece.UNSIGNED_BYTE)
            case (
                Piece.BLANK_ARRAY,
                (1, (int(rows), int(columns)), Piece.UNSIGNED_BYTE, int(fortran), bytes(content)),
            ) if min(rows, columns) > 0 and rows * columns == len(content):
                flat = np.frombuffer(content, dtype=np.uint8)
                self.stack.append(flat.reshape(rows, columns, order="F" if fortran else "C"))
            case _:
                self.refuse("it fills in something else than a whole array of unsigned bytes")


def _says_nothing(value: object) -> bool:
    """Whether a value in a dtype's state is the one that all simple types have there."""
    return value is None or (isinstance(value, int) and value in (-1, 0))


Step = Callable[[_Machine], None]


def _push(make: Callable[[_Machine], Item]) -> Step:
    return lambda machine: machine.stack.append(make(machine))


# In the order of pickletools: numbers, texts, lists, tuples, dictionaries, memory, objects.
STEPS: dict[bytes, Step] = {
    b"J": _push(lambda machine: machine.number(4, signed=True)),
    b"K": _push(lambda machine: machine.number(1)),
    b"M": _push(lambda machine: machine.number(2)),
    b"T": _push(lambda machine: machine.take(machine.number(4))),
    b"U": _push(lambda machine: machine.take(machine.number(1))),
    b"B": _push(lambda machine: machine.take(machine.number(4))),
    b"C": _push(lambda machine: machine.take(machine.number(1))),
    b"X": _push(lambda machine: machine.take(machine.number(4))),
    b"N": _push(lambda _: None),
    b"\x88": _push(lambda _: True),
    b"\x89": _push(lambda _: False),
    b"]": _push(lambda _: []),
    b"a": lambda machine: machine.append([machine.pop()]),
    b"e": lambda machine: machine.append(machine.pop_to_mark()),
    b"t": _push(lambda machine: machine.packed(machine.pop_to_mark())),
    b"\x85": _push(lambda machine: machine.packed(machine.pop_all(1))),
    b"\x86": _push(lambda machine: machine.packed(machine.pop_all(2))),
    b"\x87": _push(lambda machine: machine.packed(machine.pop_all(3))),
    b"}": _push(lambda _: {}),
    b"s": lambda machine: machine.set_items(list(machine.pop_all(2))),
    b"u": lambda machine: machine.set_items(machine.pop_to_mark()),
    b"(": _push(lambda _: Piece.MARK),
    b"q": lambda machine: machine.keep(machine.number(1)),
    b"r": lambda machine: machine.keep(machine.number(4)),
    b"h": lambda machine: machine.fetch(machine.number(1)),
    b"j": lambda machine: machine.fetch(machine.number(4)),
    b"c": _Machine.name,
    b"R": _Machine.call,
    b"b": _Machine.build,
    b"\x80": _Machine.read_protocol,
}
