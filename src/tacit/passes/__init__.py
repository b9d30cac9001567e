"""Graph to graph, true in every arithmetic."""

from tacit.passes.calibrate import calibrate
from tacit.passes.choices import Choice, MeanSquare, MinMax, Percentile
from tacit.passes.fold import fold
from tacit.passes.fuse import fuse

__all__ = ["Choice", "MeanSquare", "MinMax", "Percentile", "calibrate", "fold", "fuse"]
