"""Graph to graph, true in every arithmetic."""

from tacit.passes.calibrate import calibrate
from tacit.passes.fold import fold

__all__ = ["calibrate", "fold"]
