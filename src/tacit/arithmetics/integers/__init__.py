"""Small integers: sums and look-ups, exact under encryption."""

from tacit.arithmetics.integers.config import EngineKind, Integers
from tacit.arithmetics.integers.settings import Grouping, Search

__all__ = ["EngineKind", "Grouping", "Integers", "Search"]
