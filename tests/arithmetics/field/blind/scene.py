"""A client with two small layers, and what its trusted side computes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tacit.arithmetics.field.blind import Layer, MaskArray, Query, Secret, Store, make

SECRET = bytes(range(32))
PROGRAM = bytes(range(100, 132))
SERIES = bytes(range(16))

DENSE = Layer(0, (3, 4), (3, 6))
WIDE = Layer(7, (2, 5, 1), (9,))
LAYERS = (DENSE, WIDE)

GENERATOR = np.random.default_rng(6)
WEIGHTS = {
    DENSE.number: GENERATOR.integers(-128, 128, (4, 6)),
    WIDE.number: GENERATOR.integers(-128, 128, (10, 9)),
}


def secret(content: bytes = SECRET, program: bytes = PROGRAM) -> Secret:
    """The client's secret."""
    return Secret(content, program)


def products(number: int, x: MaskArray) -> MaskArray:
    """W x modulo 2^32, by another way than any engine's."""
    layer = {each.number: each for each in LAYERS}[number]
    rows = x.reshape(-1, len(WEIGHTS[number])).astype(object)
    exact: np.ndarray[tuple[int, ...], np.dtype[np.object_]] = (
        rows @ WEIGHTS[number].astype(object) % 2**32
    )
    return exact.astype(np.uint32).reshape(layer.output)


def store_in(folder: Path, *, of: Secret | None = None) -> Store:
    """A store whose ledger is there and empty; the ledger lies apart from the factors."""
    (folder / "client").mkdir()
    store = Store(of or secret(), LAYERS, folder / "client" / "ledger", folder / "blobs")
    store.book.create()
    return store


def opened_in(folder: Path, *, floor: int = 0) -> Store:
    """The same store as another process would open it."""
    return Store(secret(), LAYERS, folder / "client" / "ledger", folder / "blobs", floor=floor)


def filled_in(folder: Path, count: int) -> Store:
    """A store with this many queries to take."""
    store = store_in(folder)
    make(store, products, count)
    return store


def of(store: Store, *, to: Secret) -> Store:
    """The same files in other hands."""
    return replace(store, secret=to)


def fits(query: Query) -> bool:
    """Whether a query's factors are its masks' products; takes both of them."""
    return all(
        np.array_equal(query.factor(layer.number), products(layer.number, query.mask(layer.number)))
        for layer in LAYERS
    )


def checked(query: Query) -> bytes:
    """The wide layer's mask, whose factor is its product."""
    mask = query.mask(WIDE.number)
    assert np.array_equal(query.factor(WIDE.number), products(WIDE.number, mask))
    return mask.tobytes()


def first_blob(store: Store) -> Path:
    """The file of the query that comes next."""
    (series, *_) = store.book.read().finished
    return store.series_folder(series) / f"{store.book.read().upcoming}.factors"
