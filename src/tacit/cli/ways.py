"""Which options of `tacit approximate` go together: none that is said is passed over."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tacit.errors import TacitError


@dataclass(frozen=True)
class Way:
    """Something to ask for: the options that ask for it, if any, and those that it takes."""

    what: str
    asked_by: tuple[str, ...]
    takes: tuple[str, ...]

    @property
    def asker(self) -> str:
        """How it is asked for on the command line."""
        return " or ".join(map(flag, self.asked_by)) or self.what


TOLD = ("basis", "plan", "export", "output", "plot", "overwrite")
GOODNESS = ("degree", "depth", "error")
COMPARISON = Way("a comparison", ("compare",), ("degree", "depth", "samples", "gap"))
FRONT = Way("a front", ("front",), ("alpha", "error", "gap"))
CIRCUIT = Way("a circuit", ("circuit",), ("error", "count", "objective", "plan"))
NAMED = Way("a composite by name", ("paf",), TOLD)
FIXED = Way("fixed point", ("input_bits",), ("degree", "modulus", "encrypt", "gap", "plan"))
COMPOSITE = Way("a composite", ("alpha", "degrees"), ("gap", "objective", *TOLD))
POLYNOMIAL = Way(
    "a polynomial",
    (),
    (*GOODNESS, "least", "method", "precision", "relative", "samples", "gap", *TOLD),
)
# The first that is asked for is meant: a front takes --alpha, which else asks for a composite.
WAYS = (COMPARISON, FRONT, CIRCUIT, NAMED, FIXED, COMPOSITE, POLYNOMIAL)
EVERYWHERE = ("function", "on", "json")
# What is of no use unless one of some others is said, too.
NEEDS = {"output": ("export",), "overwrite": ("plot", "output"), "least": ("error",)}
# Two of which one decides what the other does.
APART = (
    ("degree", "depth"),
    ("degree", "error"),
    ("depth", "error"),
    ("alpha", "error"),
    ("degrees", "objective"),
)


def way_of(said: Collection[str], *, is_of_many: bool = False) -> Way:
    """What these options ask for together; raises TacitError where one of them would do nothing.

    Functions of many variables have circuits only.

    >>> way_of({"alpha", "front"}).what, way_of({"degree"}).what
    ('a front', 'a polynomial')
    """
    if is_of_many:
        way = CIRCUIT
    else:
        way = next((each for each in WAYS if set(each.asked_by) & set(said)), POLYNOMIAL)
    known = {*EVERYWHERE, *way.asked_by, *way.takes}
    for option in said:
        if option not in known:
            _refuse(option, way)
    for option, others in NEEDS.items():
        if option in said and not set(others) & set(said):
            needed = " or ".join(map(flag, others))
            raise TacitError(f"{flag(option)} does nothing without {needed}", hint="say both")
    for one, other in APART:
        if one in said and other in said:
            raise TacitError(
                f"{flag(one)} and {flag(other)} ask for different things", hint="leave out one"
            )
    return way


def flag(option: str) -> str:
    """An option as it is written.

    >>> flag("input_bits")
    '--input-bits'
    """
    return f"--{option.replace('_', '-')}"


def _refuse(option: str, way: Way) -> None:
    places = [each.asker for each in WAYS if option in (*each.takes, *each.asked_by)]
    raise TacitError(
        f"{flag(option)} does not go with {way.asker}",
        hint=f"it goes with {', '.join(places)}",
    )
