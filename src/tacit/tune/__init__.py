"""Trained networks get their accuracy back after their activations became polynomials."""

from tacit.tune.back import approximations
from tacit.tune.coefficients import Tuning, tune_coefficients
from tacit.tune.measure import Score, score
from tacit.tune.paf import PAF, pafs
from tacit.tune.qat import (
    QAT,
    Enforcement,
    QuantActivation,
    QuantConv2d,
    QuantIdentity,
    Quantisation,
    QuantLinear,
    Rows,
    Sums,
    Trained,
    Widths,
    accumulator_bits,
    fake_quantise,
    limit,
    quantise,
    train,
)
from tacit.tune.replace import Site, replace, replace_one, sites
from tacit.tune.samples import Samples
from tacit.tune.save import load, save
from tacit.tune.scaling import Scaling, forget, freeze, observe, out_of_range, use
from tacit.tune.search import Front, Levels, Search, Seconds, Settings, build, search
from tacit.tune.training import Devices, Outcome, SmartPAF, Technique, smartpaf, techniques

__all__ = [
    "PAF",
    "QAT",
    "Devices",
    "Enforcement",
    "Front",
    "Levels",
    "Outcome",
    "QuantActivation",
    "QuantConv2d",
    "QuantIdentity",
    "QuantLinear",
    "Quantisation",
    "Rows",
    "Samples",
    "Scaling",
    "Score",
    "Search",
    "Seconds",
    "Settings",
    "Site",
    "SmartPAF",
    "Sums",
    "Technique",
    "Trained",
    "Tuning",
    "Widths",
    "accumulator_bits",
    "approximations",
    "build",
    "fake_quantise",
    "forget",
    "freeze",
    "limit",
    "load",
    "observe",
    "out_of_range",
    "pafs",
    "quantise",
    "replace",
    "replace_one",
    "save",
    "score",
    "search",
    "sites",
    "smartpaf",
    "techniques",
    "train",
    "tune_coefficients",
    "use",
]
