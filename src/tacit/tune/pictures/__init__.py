"""Pictures of what tuning does: the front of a search, every layer's polynomial, a run's course.

Each function gives a Matplotlib Figure, to be saved or shown.
"""

from tacit.tune.pictures.course import picture_of_course
from tacit.tune.pictures.front import picture_of_front
from tacit.tune.pictures.layers import picture_of_layers

__all__ = ["picture_of_course", "picture_of_front", "picture_of_layers"]
