"""The search for each layer's form: a front of accuracy against levels or seconds."""

from tacit.tune.samples import Samples
from tacit.tune.search.bench import Settings
from tacit.tune.search.front import Front, Point
from tacit.tune.search.prices import Levels, Price
from tacit.tune.search.search import Search, build, search
from tacit.tune.search.seconds import Seconds

__all__ = [
    "Front",
    "Levels",
    "Point",
    "Price",
    "Samples",
    "Search",
    "Seconds",
    "Settings",
    "build",
    "search",
]
