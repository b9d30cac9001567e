"""A program as files: bundles, keys and messages, for a client and a server on two machines."""

from tacit.serve.bundle import (
    Original,
    Part,
    Party,
    load_original,
    load_part,
    load_program,
    pack,
    parts_of,
)
from tacit.serve.client import Client, make_keys, make_masks
from tacit.serve.packed import read_packed, write_packed
from tacit.serve.server import Server

__all__ = [
    "Client",
    "Original",
    "Part",
    "Party",
    "Server",
    "load_original",
    "load_part",
    "load_program",
    "make_keys",
    "make_masks",
    "pack",
    "parts_of",
    "read_packed",
    "write_packed",
]
