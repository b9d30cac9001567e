"""Blinding: masks that are used once, and what they become under the network's products."""

from tacit.arithmetics.field.blind.layers import Layer
from tacit.arithmetics.field.blind.ledger import Ledger, Series
from tacit.arithmetics.field.blind.make import Products, make
from tacit.arithmetics.field.blind.masks import MaskArray, Masks
from tacit.arithmetics.field.blind.query import Query
from tacit.arithmetics.field.blind.secret import Secret
from tacit.arithmetics.field.blind.store import Store
from tacit.arithmetics.field.blind.wraparound import blinded, unblinded

__all__ = [
    "Layer",
    "Ledger",
    "MaskArray",
    "Masks",
    "Products",
    "Query",
    "Secret",
    "Series",
    "Store",
    "blinded",
    "make",
    "unblinded",
]
