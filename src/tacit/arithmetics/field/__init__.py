"""The field: a worker computes the products of a network, and every one of them is checked."""

from tacit.arithmetics.field.config import Field
from tacit.arithmetics.field.promises import Mode
from tacit.arithmetics.field.report import Work, report
from tacit.arithmetics.field.settings import Depthwise, Format, Search
from tacit.arithmetics.field.verify.prime import Prime

__all__ = ["Depthwise", "Field", "Format", "Mode", "Prime", "Search", "Work", "report"]
