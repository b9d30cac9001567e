"""What other tools are given: the same polynomials, read back from the text."""

import json
import re

import numpy as np
import pytest
from numpy.polynomial import chebyshev

from tacit.approx import Composite, Fit, composite, fit
from tacit.approx.export import EXPORTS, identifier, stages_of, to_heir, to_lattigo, to_openfhe
from tacit.ir.functions import FloatArray, Function

GELU = fit("gelu", (-4, 3), degree=9)
RELU = composite("relu", (3, 5), (-2, 2))
SIGN = composite("sign", (3, 5), (-1, 1), gap=0.1)
STEP = composite("comparison", (3, 5), (-1, 1), gap=0.1)
NUMBER = r"-?[\d.]+(?:e[-+]?\d+)?"


def numbers(text: str) -> list[float]:
    return [float(each) for each in re.findall(NUMBER, text)]


def rows(pattern: str, text: str) -> list[list[float]]:
    return [numbers(row) for row in re.findall(pattern, text)]


def value(row: list[float], low: float, high: float, x: FloatArray) -> FloatArray:
    """A Chebyshev polynomial on [low, high], by its definition."""
    return np.asarray(chebyshev.chebval((2 * x - low - high) / (high - low), row))


@pytest.mark.parametrize("approximation", [GELU, RELU, SIGN])
def test_heir_reads_the_stages_with_their_domains(approximation: Fit | Composite) -> None:
    text = to_heir(approximation)

    coefficients = rows(r"typed_chebyshev_polynomial<\[(.*?)\]>", text)
    domains = rows(r"domain_lower = (.*? : f64, domain_upper = .*?) : f64\}", text)
    stages = stages_of(approximation)
    assert coefficients == [list(stage.coefficients) for stage in stages]
    assert [(each[0], each[-1]) for each in domains] == [(p.low, p.high) for p in stages]
    assert text.count("polynomial.eval") == len(stages)


def test_heir_is_given_the_product_that_makes_a_relu() -> None:
    text = to_heir(RELU)

    assert "%slope = arith.constant 0.5 : f64" in text
    assert "%result = arith.mulf %x, %factor : f64" in text
    assert text.count("{") == text.count("}")


def test_openfhe_has_the_first_coefficient_twice() -> None:
    (row,) = rows(r"stage0\{(.*?)\}", to_openfhe(GELU))

    x = np.linspace(-4, 3, 101)
    assert row[0] == 2 * GELU.polynomial.coefficients[0]
    # The variable is normalised in another order: a few roundings.
    np.testing.assert_allclose(value([row[0] / 2, *row[1:]], -4, 3, x), GELU(x), atol=1e-14)


def test_openfhe_evaluates_stage_after_stage() -> None:
    text = to_openfhe(RELU)

    assert text.count("EvalChebyshevSeries(value, stage") == 2
    assert "EvalMult(x, context->EvalAdd(context->EvalMult(value, 0.5), 0.5))" in text


def test_a_comparison_is_half_a_sign_and_a_half() -> None:
    assert "EvalAdd(context->EvalMult(value, 0.5), 0.5)" in to_openfhe(STEP)
    assert "%result = arith.addf %stepped, %constant : f64" in to_heir(STEP)


def test_lattigo_is_given_strings_stage_by_stage() -> None:
    text = to_lattigo(SIGN)

    found = rows(r"\t\{(.*)\},", text)
    assert found == [list(stage.coefficients) for stage in SIGN.chained]
    assert "signInterval = [2]float64{-1.0, 1.0}" in text


def test_json_says_everything_that_evaluation_needs() -> None:
    record = json.loads(EXPORTS["json"](RELU))

    x = np.linspace(-2, 2, 101)
    sign = x
    for stage in record["stages"]:
        row = [float(each) for each in stage["coefficients"]]
        sign = value(row, stage["low"], stage["high"], sign)
    form = record["form"]
    result = form["constant"] + form["step"] * sign + (form["slope"] + form["bend"] * sign) * x
    # The division between stages is in the coefficients: a few roundings apart.
    np.testing.assert_allclose(result, RELU(x), atol=1e-14)


@pytest.mark.parametrize("name", EXPORTS)
def test_what_is_approximated_is_never_lost(name: str) -> None:
    slanted = fit(Function("leaky_relu", (0.2,)), (-1, 1), degree=4)

    text = EXPORTS[name](slanted)

    assert "leaky_relu(slope=0.2)" in text
    assert "minimax" in text


def test_an_identifier_is_one_in_every_language() -> None:
    slanted = fit(Function("leaky_relu", (0.2,)), (-1, 1), degree=4)

    assert identifier(slanted).isidentifier()
