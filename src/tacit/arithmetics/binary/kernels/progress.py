"""Parts of a work that threads take, and tell done, without a lock."""

from __future__ import annotations

from typing import Any

from numba import njit, types

from tacit.arithmetics.binary.kernels.vectors import (
    FULL,
    Builder,
    Value,
    address,
    emitted,
    ir,
    number,
)

# Places in an array of int64, a line of a cache apart, which both are counted in.
TAKEN, DONE, PLACES = 0, 8, 16


@emitted
def increased(_typing: Any, counts: Any, place: Any) -> Any:
    """A count before it is increased by one, by no two threads at once."""

    def code(context: Any, builder: Builder, signature: Any, given: Any) -> Value:
        where = _pointer(context, builder, signature, given)
        return builder.atomic_rmw("add", where, number(1), "seq_cst")

    return types.int64(counts, place), code


@emitted
def seen(_typing: Any, counts: Any, place: Any) -> Any:
    """A count, as other threads have left it."""

    def code(context: Any, builder: Builder, signature: Any, given: Any) -> Value:
        where = _pointer(context, builder, signature, given)
        return builder.load_atomic(where, "seq_cst", 8, typ=FULL)

    return types.int64(counts, place), code


def _pointer(context: Any, builder: Builder, signature: Any, given: Any) -> Value:
    counts, place = given
    spot = builder.sext(place, FULL) if place.type != FULL else place
    return builder.inttoptr(
        address(context, builder, (signature.args[0], counts), spot), ir.PointerType()
    )


@njit(nogil=True, cache=True)
def wait(counts: Any, place: int, wanted: int, looks: int) -> bool:
    """Whether a count is as high as wanted, within so many looks at it."""
    left = looks
    while left > 0 and seen(counts, place) < wanted:
        left -= 1
    return left > 0
