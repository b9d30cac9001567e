"""Small integers: sums and look-ups, exact under encryption."""

from tacit.arithmetics.integers.config import Integers
from tacit.arithmetics.integers.engines import EngineKind
from tacit.arithmetics.integers.report import Widths, report
from tacit.arithmetics.integers.search import Aim, Examples, Found, Point, find_bits
from tacit.arithmetics.integers.settings import Grouping, Search

__all__ = [
    "Aim",
    "EngineKind",
    "Examples",
    "Found",
    "Grouping",
    "Integers",
    "Point",
    "Search",
    "Widths",
    "find_bits",
    "report",
]
