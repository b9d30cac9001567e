"""Trained networks get their accuracy back after their activations became polynomials."""

from tacit.tune.back import approximations
from tacit.tune.coefficients import Tuning, tune_coefficients
from tacit.tune.measure import Score, score
from tacit.tune.paf import PAF, pafs
from tacit.tune.replace import Site, replace, replace_one, sites
from tacit.tune.samples import Samples
from tacit.tune.save import load, save
from tacit.tune.scaling import Scaling, forget, freeze, observe, out_of_range, use
from tacit.tune.search import Front, Levels, Search, Seconds, Settings, build, search
from tacit.tune.training import Devices, Outcome, SmartPAF, Technique, smartpaf, techniques

__all__ = [
    "PAF",
    "Devices",
    "Front",
    "Levels",
    "Outcome",
    "Samples",
    "Scaling",
    "Score",
    "Search",
    "Seconds",
    "Settings",
    "Site",
    "SmartPAF",
    "Technique",
    "Tuning",
    "approximations",
    "build",
    "forget",
    "freeze",
    "load",
    "observe",
    "out_of_range",
    "pafs",
    "replace",
    "replace_one",
    "save",
    "score",
    "search",
    "sites",
    "smartpaf",
    "techniques",
    "tune_coefficients",
    "use",
]
