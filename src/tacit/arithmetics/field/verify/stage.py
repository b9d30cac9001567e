"""One pass over a worker's answer: check sums, rescaling, pooling, and the next products' sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.field.ops import Rescale
from tacit.arithmetics.field.verify.challenge import Challenge, Given, Residues
from tacit.arithmetics.field.verify.fused import numerals, run
from tacit.arithmetics.field.verify.lanes import STEP
from tacit.arithmetics.field.verify.local import Integers, maximum
from tacit.arithmetics.field.verify.modular import POWER, POWERS, Numbers
from tacit.arithmetics.field.verify.windows import windows
from tacit.ir.ops import Pool

# The largest absolute value that a source of each width may hold.
BOUNDS = {1: 2**8 - 1, 4: 2**31}
# How many consumers' sums the pass itself accumulates; no common network needs more.
AT_ONCE = 2
# Entries, table, powers, and sums that were found before the pass.
Question = tuple[Integers, NDArray[np.uint32] | None, Numbers | None, Residues | None]


@dataclass(frozen=True, eq=False)
class Source:
    """Integers NHWC, and the challenge that they are to answer, if they are a worker's."""

    values: Integers
    challenge: Challenge | None = None


@dataclass(frozen=True, eq=False)
class Stage:
    """What comes out, uint8 NHWC (int32 where it does not fit), and all check sums.

    `lefts` has one for every source, `rights` one for every consumer.
    """

    values: Integers
    lefts: tuple[Residues | None, ...]
    rights: tuple[Residues, ...]


def stage(
    sources: Sequence[Source], rescale: Rescale, pool: Pool | None, consumers: Sequence[Challenge]
) -> Stage:
    """Rescale and pool a worker's answers and find the sums that they are to be checked by.

    Each entry is read once: what is rescaled is what was checked, whoever else may write there.
    Nothing is compared; what comes out is to be used when all sums were found equal.
    """
    shape = sources[0].values.shape
    for source in sources:
        assert source.values.shape == shape
        assert source.values.flags.c_contiguous
    return _fast(sources, rescale, pool, consumers) or _slow(sources, rescale, pool, consumers)


def _fast(
    sources: Sequence[Source], rescale: Rescale, pool: Pool | None, consumers: Sequence[Challenge]
) -> Stage | None:
    """The pass, in vectors of bytes; None where something does not fit."""
    images, height, width, channels = sources[0].values.shape
    view = windows(pool, height, width)
    shape = (view[8], view[9], channels)
    # Rows of another length, such as those of a flattened image, are summed afterwards.
    chosen = [each for each in consumers if _has_rows_of(each, shape)][:AT_ONCE]
    questions = [_question(source, channels) for source in sources]
    lefts: list[Residues | None] = [left for _, _, _, left in questions]
    nothing = np.zeros(height, np.int64)
    fits, found, sums, rights = run(
        tuple([entries for entries, _, _, _ in questions]),
        tuple([table for _, table, _, _ in questions]),
        tuple([nothing if powers is None else powers for _, _, powers, _ in questions]),
        numerals(rescale, tuple([BOUNDS[each.values.itemsize] for each in sources])),
        view,
        (images, height, width, channels),
        tuple([each.given for each in chosen] + [nobody()] * (AT_ONCE - len(chosen))),
        _field(sources, consumers),
    )
    if not fits:
        return None
    result = found.reshape(images, *shape)
    for k, (_, table, _, _) in enumerate(questions):
        if table is not None:
            lefts[k] = sums[:, k : k + 1].view(np.uint64)
    several = {id(each): right.view(np.uint64) for each, right in zip(chosen, rights, strict=False)}
    return Stage(
        result,
        tuple(lefts),
        tuple(
            [several[id(each)] if id(each) in several else each.right(result) for each in consumers]
        ),
    )


def nobody() -> Given:
    """A consumer for which nothing is summed."""
    nothing = np.zeros((0, 1), np.int64)
    return np.zeros(0, np.int16), nothing, np.zeros(0, np.int64), (0, 0, 0)


def _question(source: Source, channels: int) -> Question:
    """A source's entries in a line, its table and powers, or what was found before the pass."""
    values, challenge = source.values, source.challenge
    row = values.shape[2] * channels
    if challenge is None:
        return _flat(values, row), None, None, None
    assert values.dtype == np.int32
    assert values.shape[1:] == challenge.result
    if challenge.is_simple:
        return _flat(values, row), *challenge.asked, None
    private = values.copy()
    return _flat(private, row), None, None, challenge.left(_wide(private))


def _slow(
    sources: Sequence[Source], rescale: Rescale, pool: Pool | None, consumers: Sequence[Challenge]
) -> Stage:
    values = [source.values.copy() for source in sources]
    lefts = tuple(
        None if source.challenge is None else source.challenge.left(_wide(value))
        for source, value in zip(sources, values, strict=True)
    )
    total = np.broadcast_to(rescale.offset, values[0].shape)
    for multiplier, value in zip(rescale.multipliers, values, strict=True):
        total = total + multiplier * value.astype(np.int64)
    found = (total >> rescale.shift).clip(rescale.low, rescale.high)
    is_byte = rescale.low >= 0 and rescale.high <= BOUNDS[1]
    result: Integers = found.astype(np.uint8) if is_byte else found.astype(np.int32)
    if pool is not None:
        result = maximum(result, pool)
    return Stage(result, lefts, tuple(each.right(result) for each in consumers))


def _wide(values: Integers) -> NDArray[np.int32]:
    """A product's values."""
    assert values.dtype == np.int32
    return values.view(np.int32)


def _has_rows_of(challenge: Challenge, shape: tuple[int, int, int]) -> bool:
    """Whether a challenge's input has rows like these."""
    height, width, channels = challenge.image
    return (height, width * channels) == (shape[0], shape[1] * shape[2])


def _flat(values: Integers, row: int) -> Integers:
    """All entries in a line, with room behind them for a row's last step."""
    flat = values.reshape(-1)
    if row % STEP == 0:
        return flat
    return np.concatenate([flat, np.zeros(STEP, flat.dtype)])


def _field(sources: Sequence[Source], consumers: Sequence[Challenge]) -> Numbers:
    """The one field of all challenges."""
    fields = [each.challenge.field for each in sources if each.challenge is not None]
    fields += [each.field for each in consumers]
    # Where nothing is checked, nothing but zeros is multiplied.
    modulo = fields[0] if fields else np.ones(POWER + POWERS, np.int64)
    assert all(each is modulo or each[0] == modulo[0] for each in fields)
    return modulo
