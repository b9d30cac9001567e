"""What stands on the command line becomes values: models, data, arithmetics with their knobs."""

from __future__ import annotations

import enum
import re
import types
import zipfile
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics import ARITHMETICS
from tacit.errors import TacitError
from tacit.ir.functions import FloatArray
from tacit.program import Arithmetic

Knobs = TypeVar("Knobs")

# What people call an arithmetic with one of its engines.
NICKNAMES: Mapping[str, tuple[str, str]] = {
    "tfhe": ("integers", "engine=tfhe"),
    "bgv": ("integers", "engine=bgv"),
}
POWER = re.compile(r"^2\^(-?\d+)$")


@dataclass(frozen=True, eq=False)
class Data:
    """Inputs, their first axis the rows, and their labels if there are any."""

    x: FloatArray
    y: NDArray[np.int64] | None

    def first(self, rows: int | None) -> Data:
        """The first rows; all of them for None."""
        return Data(self.x[:rows], None if self.y is None else self.y[:rows])


def load_data(path: Path) -> Data:
    """The data in an .npz (`x`, optional `y`) or an .npy file."""
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            named = loaded if isinstance(loaded, np.ndarray) else dict(loaded.items())
    except (FileNotFoundError, IsADirectoryError) as absent:
        raise TacitError(f"there is no file {path}") from absent
    except (ValueError, EOFError, zipfile.BadZipFile) as wrong:
        raise TacitError(
            f"{path} cannot be read: {wrong}", hint="write it with numpy.savez or numpy.save"
        ) from wrong
    if isinstance(named, np.ndarray):
        return Data(_numbers(named, path), None)
    if "x" not in named:
        raise TacitError(
            f"{path} holds {', '.join(named) or 'nothing'} and no x",
            hint="write it with numpy.savez(path, x=inputs, y=labels)",
        )
    data = Data(_numbers(named["x"], path), _labels(named["y"]) if "y" in named else None)
    if data.y is not None and data.y.shape != data.x.shape[:1]:
        raise TacitError(
            f"{path} has {len(data.x)} inputs x and labels y of shape {data.y.shape}",
            hint="y holds one whole number an input",
        )
    return data


def arithmetic(text: str) -> Arithmetic:
    """The arithmetic that a text such as `ckks:degree=15,precision=12` means."""
    name, _, rest = text.partition(":")
    if name in NICKNAMES:
        name, known = NICKNAMES[name]
        rest = ",".join(filter(None, (known, rest)))
    if name not in ARITHMETICS:
        raise TacitError(
            f"no arithmetic is called {name!r}", hint=f"known are {', '.join(ARITHMETICS)}"
        )
    return knobs_of(ARITHMETICS[name], rest, name)


def knobs_of(kind: type[Knobs], text: str, name: str, **given: Any) -> Knobs:
    """The value of a class of knobs that a text such as `degree=15,precision=12` means.

    `given` are knobs that have an option of their own; `name` is what the class is called.
    """
    hints = get_type_hints(kind)
    known = [each for each in _knobs(kind) if each not in given]
    values: dict[str, Any] = dict(given)
    for pair in filter(None, text.split(",")):
        knob, equals, value = pair.partition("=")
        if knob not in known or not equals:
            what = f"has no knob {knob!r}" if equals else f"was given {pair!r} without a value"
            raise TacitError(f"{name} {what}", hint=f"known are {', '.join(known)}; see --help")
        values[knob] = _knob(knob, value, hints[knob])
    return kind(**values)


def described(kind: type) -> str:
    """The knobs of a class with their defaults and what its docstring says of each."""
    words = re.split(r"`(\w+)`: ", " ".join((kind.__doc__ or "").split()))
    meaning = dict(zip(words[1::2], words[2::2], strict=True))
    return "; ".join(
        f"{name}={_default(each)} ({meaning.get(name, 'not described').strip().rstrip('.')})"
        for name, each in _knobs(kind).items()
    )


def knobs() -> str:
    """All arithmetics with their knobs."""
    return " ".join(f"Knobs of {name}: {described(kind)}." for name, kind in ARITHMETICS.items())


def _knobs(kind: type) -> Mapping[str, Field[Any]]:
    assert is_dataclass(kind), "an arithmetic is a dataclass, its knobs are the fields"
    return {each.name: each for each in fields(kind)}


def _default(knob: Field[Any]) -> object:
    match knob.default:
        case enum.Enum() as chosen:
            return chosen.value
        case tuple() as several:
            return "+".join(str(getattr(each, "value", each)) for each in several)
        case default:
            return "required" if default is MISSING else default


def _knob(name: str, text: str, kind: Any) -> object:
    """A knob's value, as its annotation wants it."""
    kinds = get_args(kind) if get_origin(kind) is types.UnionType else (kind,)
    if type(None) in kinds and text.lower() == "none":
        return None
    power = POWER.match(text)
    try:
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return kind(text)
        if bool in kinds:
            return {"true": True, "false": False}[text.lower()]
        if int in kinds:
            return int(text)
        if _is_pairs(kind):
            return tuple(_pair(part) for part in text.split("+"))
        if float in kinds:
            return 2.0 ** int(power[1]) if power else float(text)
    except (ValueError, KeyError, OverflowError) as wrong:
        expected = " or ".join(getattr(each, "__name__", "list") for each in kinds).replace(
            "NoneType", "none"
        )
        raise TacitError(f"{name}={text} is no {expected}", hint=_hint(kind)) from wrong
    return text


def _is_pairs(kind: Any) -> bool:
    """Whether a knob holds pairs of a name and a number."""
    return get_origin(kind) is tuple and get_args(kind) == (tuple[str, int], ...)


def _pair(text: str) -> tuple[str, int]:
    """A name and its number, as in `fc1.weights@3`."""
    name, at, number = text.rpartition("@")
    if not at or not name:
        raise ValueError(text)
    return name, int(number)


def _hint(kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return f"one of {', '.join(str(each.value) for each in kind)}"
    return "such as fc1@3+fc2.weights@2" if _is_pairs(kind) else "such as degree=15"


def _numbers(array: NDArray[Any], path: Path) -> FloatArray:
    if array.dtype.kind not in "fiub" or array.ndim == 0:
        raise TacitError(
            f"{path} holds {array.dtype} of shape {array.shape}, no rows of numbers",
            hint="the first axis is the batch",
        )
    return array.astype(np.float64)


def _labels(array: NDArray[Any]) -> NDArray[np.int64]:
    if array.dtype.kind not in "iub":
        raise TacitError(f"the labels y are {array.dtype}", hint="y holds whole numbers")
    return array.astype(np.int64)
