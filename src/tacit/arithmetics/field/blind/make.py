"""Making masks' factors: the trusted side's work, offline, before any query."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import TypeAlias

from tacit.arithmetics.field.blind.factors import Factors, Place, sealed, table
from tacit.arithmetics.field.blind.layers import numbered
from tacit.arithmetics.field.blind.ledger import Series, Turn
from tacit.arithmetics.field.blind.locks import alone
from tacit.arithmetics.field.blind.masks import BLOCK_BYTES, MaskArray, Masks
from tacit.arithmetics.field.blind.store import Store
from tacit.errors import InsecureParameters, ProtocolError, TacitError
from tacit.files import OWNER_ONLY, new_file, to_disk
from tacit.program import Progress

# A layer's number and a mask of its input; gives W mask modulo 2^32, of the output's shape.
Products: TypeAlias = Callable[[int, MaskArray], MaskArray]

# A keystream of b blocks of 128 bits differs from uniform bytes by at most 2^(2 log2(b) - 129)
# (Bellare, Desai, Jokipii and Rogaway 1997): 2^-49 for these, which are 16 TiB.
MOST_BLOCKS = 1 << 40


def make(
    store: Store,
    products: Products,
    count: int,
    *,
    progress: Progress | None = None,
    resume: bool = True,
) -> Series:
    """The factors of this many more queries, on disk; only then may the first of them be taken.

    Whatever cuts it short leaves whole files, and a call alike goes on with them (each is checked,
    and made again where it is false); without `resume` they are deleted and a series begins anew.
    """
    _require_few(store, count)
    making = store.ledger.with_name(f"{store.ledger.name}.making")
    store.book.read()
    with alone(making, wait=False, doing="making masks"):
        old = store.book.read().unfinished
        series = store.book.begin(count, resume=resume)
        if old is not None and old != series:
            shutil.rmtree(store.series_folder(old), ignore_errors=True)
        try:
            for done, turn in enumerate(_turns(store, series), start=1):
                if not _is_whole(store, turn):
                    _write(store, turn, products)
                if progress is not None:
                    progress(done, count)
            to_disk(store.series_folder(series))
            to_disk(store.folder)
        except OSError as failure:
            raise TacitError(
                f"making factors in {store.folder} was cut short: {failure.strerror}",
                hint="mend that, or make room, and ask again: what is whole is kept",
            ) from failure
        store.book.finish(series)
    return series


def _turns(store: Store, series: Series) -> Iterator[Turn]:
    """Every query of a series, in a folder without what a death left half-written."""
    folder = store.series_folder(series)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for half in folder.glob(".*.partial"):
        half.unlink()
    for index in series.indices:
        yield Turn(series, index)


def _is_whole(store: Store, turn: Turn) -> bool:
    """Whether a query's factors are on disk, every one of them as it was sealed."""
    path = store.file(turn)
    if not path.exists():
        return False
    try:
        factors = Factors(path, Place(store.secret, turn), store.layers)
    except ProtocolError:
        return False
    try:
        for layer in store.layers:
            factors.read(layer).fill(0)
    except ProtocolError:
        return False
    finally:
        factors.close()
    return True


def _write(store: Store, turn: Turn, products: Products) -> None:
    """Compute a query's factors and put them on disk, whole.

    Done twice it gives the same bytes: masks, products, keys and nonces are the same, so that a
    nonce that was used before a death never meets other contents.
    """
    place = Place(store.secret, turn)
    masks = Masks(store.secret, turn.series.name)
    path = store.file(turn)
    with (
        new_file(path, overwrite=True, mode=OWNER_ONLY) as beside,
        beside.open("wb") as file,
    ):
        file.write(place.head + table(store.layers))
        for layer in store.layers:
            mask = masks.mask(turn.index, layer)
            file.write(sealed(products(layer.number, mask), layer, place))
            mask.fill(0)


def _require_few(store: Store, count: int) -> None:
    """Refuse a series so long that its masks could be told from uniform numbers."""
    layers = numbered(store.layers).values()
    query = sum(layer.input_bytes + layer.output_bytes for layer in layers)
    blocks = count * (query // BLOCK_BYTES + 2 * len(layers))
    if blocks > MOST_BLOCKS:
        raise InsecureParameters(
            f"{count} queries take {blocks} blocks of a cipher; one series has {MOST_BLOCKS}",
            hint="make several series",
        )
