"""SmartPAF's techniques as one resumable training (arXiv 2404.03216)."""

from tacit.tune.training.knobs import Devices, SmartPAF, Technique, techniques
from tacit.tune.training.records import Check, Outcome, Watch
from tacit.tune.training.smartpaf import smartpaf

__all__ = [
    "Check",
    "Devices",
    "Outcome",
    "SmartPAF",
    "Technique",
    "Watch",
    "smartpaf",
    "techniques",
]
