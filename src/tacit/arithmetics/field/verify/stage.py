"""One pass over a worker's answer: check sums, rescaling, pooling, and the next products' sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.field.ops import Rescale
from tacit.arithmetics.field.verify.challenge import Challenge, Given, Residues
from tacit.arithmetics.field.verify.fused import numerals, run, scaling
from tacit.arithmetics.field.verify.lanes import STEP
from tacit.arithmetics.field.verify.local import Integers, maximum
from tacit.arithmetics.field.verify.modular import POWER, POWERS, Numbers
from tacit.arithmetics.field.verify.windows import Windows, windows
from tacit.ir.ops import Pool

# The largest absolute value that a source of each width may hold.
BOUNDS = {1: 2**8 - 1, 4: 2**31}
# How many consumers' sums the pass itself accumulates; no common network needs more.
AT_ONCE = 2
# A consumer for which nothing is summed.
NOBODY: Given = (
    np.zeros(0, np.int16),
    np.zeros((0, 1), np.int64),
    np.zeros(0, np.int64),
    (0, 0, 0),
)
NO_FIELD: Numbers = np.ones(POWER + POWERS, np.int64)
# Entries, table, powers, and sums that were found before the pass.
Question = tuple[Integers, NDArray[np.uint32] | None, Numbers | None, Residues | None]


# Made for every pass of every batch, thousands a second: a tuple is made in a tenth of the time.
class Source(NamedTuple):
    """Integers NHWC, and the challenge that they are to answer, if they are a worker's."""

    values: Integers
    challenge: Challenge | None = None


class Stage(NamedTuple):
    """What comes out, uint8 NHWC (int32 where it does not fit), and all check sums.

    `lefts` has one for every source, `rights` one for every consumer.
    """

    values: Integers
    lefts: tuple[Residues | None, ...]
    rights: tuple[Residues, ...]


@dataclass(frozen=True, eq=False)
class Setting:
    """A rescaling and a pooling of images of one size: all that is known before there are any.

    `bounds` are the sources' largest absolute values.
    """

    rescale: Rescale
    pool: Pool | None
    image: tuple[int, int, int]
    bounds: tuple[int, ...]

    @cached_property
    def scaling(self) -> Any:
        """The rescaling as compiled code takes it, None where something does not fit."""
        known = numerals(self.rescale, self.bounds)
        fits, scales, offsets = scaling(known)
        more, right, low, high, period = known[3]
        return (scales, offsets, right, more, low, high, period) if fits else None

    @cached_property
    def view(self) -> Windows:
        """The windows of the pooling."""
        return windows(self.pool, *self.image[:2])

    @cached_property
    def result(self) -> tuple[int, int, int]:
        """The size of the images that come out."""
        return (self.view[8], self.view[9], self.image[2])

    @cached_property
    def nothing(self) -> Numbers:
        """The powers of a source that answers no challenge."""
        return np.zeros(self.image[0], np.int64)

    def fits(self, consumer: Challenge) -> bool:
        """Whether a consumer's rows are those that come out."""
        height, width, channels = consumer.image
        rows, columns, outputs = self.result
        return height == rows and width * channels == columns * outputs

    def __call__(self, sources: Sequence[Source], consumers: Sequence[Challenge]) -> Stage:
        """What comes of sources, and of what comes out for consumers."""
        for source in sources:
            assert source.values.shape[1:] == self.image
            assert source.values.flags.c_contiguous
        if self.scaling is None:
            return _slow(sources, self.rescale, self.pool, consumers)
        return _fast(self, sources, consumers)


def stage(
    sources: Sequence[Source], rescale: Rescale, pool: Pool | None, consumers: Sequence[Challenge]
) -> Stage:
    """Rescale and pool a worker's answers and find the sums that they are to be checked by.

    Each entry is read once: what is rescaled is what was checked, whoever else may write there.
    Nothing is compared; what comes out is to be used when all sums were found equal.
    """
    return setting(sources, rescale, pool)(sources, consumers)


def setting(sources: Sequence[Source], rescale: Rescale, pool: Pool | None) -> Setting:
    """The setting of sources like these."""
    _, height, width, channels = sources[0].values.shape
    bounds = tuple([BOUNDS[each.values.itemsize] for each in sources])
    return Setting(rescale, pool, (height, width, channels), bounds)


def _fast(known: Setting, sources: Sequence[Source], consumers: Sequence[Challenge]) -> Stage:
    """The pass, in vectors of bytes."""
    images, channels = len(sources[0].values), known.image[2]
    chosen = consumers[:AT_ONCE] if all(known.fits(each) for each in consumers) else ()
    questions = [_question(source, channels) for source in sources]
    nothing = known.nothing
    found, sums, rights = run(
        tuple([entries for entries, _, _, _ in questions]),
        tuple([table for _, table, _, _ in questions]),
        tuple([nothing if powers is None else powers for _, _, powers, _ in questions]),
        known.scaling,
        known.view,
        (images, *known.image),
        (*[each.given for each in chosen], *[NOBODY] * (AT_ONCE - len(chosen))),
        _field(sources, consumers),
    )
    result = found.reshape(images, *known.result)
    residues = sums.view(np.uint64)
    lefts = tuple(
        [
            left if table is None else residues[:, k : k + 1]
            for k, (_, table, _, left) in enumerate(questions)
        ]
    )
    # What the pass did not sum, as it has rows of another length or is one too many, is summed now.
    given = [right.view(np.uint64) for right in rights[: len(chosen)]]
    given += [each.right(result) for each in consumers[len(chosen) :]]
    return Stage(result, lefts, tuple(given))


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
    modulo = fields[0] if fields else NO_FIELD
    assert all(each is modulo or each[0] == modulo[0] for each in fields)
    return modulo
