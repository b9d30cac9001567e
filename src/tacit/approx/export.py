"""Approximations in the words of other tools: HEIR, Lattigo, OpenFHE, and plain JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from tacit.approx.composites import Composite, Form
from tacit.approx.fits import Fit
from tacit.approx.polynomial import Polynomial

Approximation = Fit | Composite
# The form that leaves the last stage's value as it is.
SIGN = Form("sign", step=1.0)


def stages_of(approximation: Approximation) -> tuple[Polynomial, ...]:
    """The polynomials to evaluate one after the other, innermost first.

    All but the first take values in [-1, 1], and give the next one's: the scaling in between is
    in the coefficients.
    """
    match approximation:
        case Fit():
            return (approximation.polynomial,)
        case Composite():
            return approximation.chained


def to_heir(approximation: Approximation) -> str:
    """A function in MLIR, each stage a typed Chebyshev polynomial with its domain's attributes.

    For HEIR (github.com/google/heir), whose pass `lower-polynomial-eval` takes it from here.
    """
    name = identifier(approximation)
    stages = stages_of(approximation)
    polynomials = [
        f"#{name}_{number} = #polynomial.typed_chebyshev_polynomial<["
        f"{', '.join(map(_float, stage.coefficients))}]> : !{name}_type"
        for number, stage in enumerate(stages)
    ]
    values = ["%x", *(f"%{number}" for number in range(len(stages)))]
    evaluations = [
        f"  {after} = polynomial.eval #{name}_{number}, {before} "
        f"{{domain_lower = {_float(stage.low)} : f64, domain_upper = {_float(stage.high)} : f64}}"
        f" : f64"
        for number, (stage, before, after) in enumerate(
            zip(stages, values, values[1:], strict=False)
        )
    ]
    lines = [
        *_comments(approximation, "//"),
        f"!{name}_type = !polynomial.polynomial<ring=<coefficientType=f64>>",
        *polynomials,
        f"func.func @{name}(%x: f64) -> f64 {{",
        *evaluations,
        *_heir_form(approximation, values[-1]),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _heir_form(approximation: Approximation, last: str) -> list[str]:
    """The lines that make the function of the last stage's value, and return it."""
    form = _form(approximation)
    lines = [
        f"  %slope = arith.constant {_float(form.slope)} : f64",
        f"  %bend = arith.constant {_float(form.bend)} : f64",
        f"  %bent = arith.mulf {last}, %bend : f64",
        "  %factor = arith.addf %bent, %slope : f64",
        "  %result = arith.mulf %x, %factor : f64",
    ]
    if not form.bend:
        lines = [
            f"  %step = arith.constant {_float(form.step)} : f64",
            f"  %constant = arith.constant {_float(form.constant)} : f64",
            f"  %stepped = arith.mulf {last}, %step : f64",
            "  %result = arith.addf %stepped, %constant : f64",
        ]
    return [f"  return {last} : f64"] if form == SIGN else [*lines, "  return %result : f64"]


def to_lattigo(approximation: Approximation) -> str:
    """A Go file: for every stage its Chebyshev coefficients as strings, and the first interval.

    Lattigo v6 takes them in `bignum.NewPolynomial(bignum.Chebyshev, …)`, or all together in
    `minimax.NewPolynomial` where the interval is [-1, 1]. The product with x that makes a ReLU of
    a sign is left to the caller; the comment says how.
    """
    name = identifier(approximation)
    stages = stages_of(approximation)
    rows = [
        f"\t{{{', '.join(json.dumps(each) for each in row)}}},"
        for row in _digits(approximation, stages)
    ]
    first = stages[0]
    lines = [
        *_comments(approximation, "//"),
        "package approximations",
        "",
        f"// {name}Interval is what the first stage's Chebyshev polynomials are normalised to.",
        f"var {name}Interval = [2]float64{{{_float(first.low)}, {_float(first.high)}}}",
        "",
        f"// {name}Coefficients holds a list for each stage, the first to be evaluated first.",
        f"var {name}Coefficients = [][]string{{",
        *rows,
        "}",
    ]
    return "\n".join(lines) + "\n"


def to_openfhe(approximation: Approximation) -> str:
    """A C++ function on a ciphertext, with OpenFHE's convention: the first coefficient doubled."""
    name = identifier(approximation)
    stages = stages_of(approximation)
    vectors = [
        f"    const std::vector<double> stage{number}{{"
        f"{', '.join(map(_float, _first_doubled(stage)))}}};"
        for number, stage in enumerate(stages)
    ]
    evaluations = [
        f"    value = context->EvalChebyshevSeries("
        f"value, stage{number}, {_float(stage.low)}, {_float(stage.high)});"
        for number, stage in enumerate(stages)
    ]
    kind = "lbcrypto::Ciphertext<lbcrypto::DCRTPoly>"
    lines = [
        *_comments(approximation, "//"),
        f"{kind} {name}({kind} x) {{",
        "    const auto context = x->GetCryptoContext();",
        *vectors,
        "    auto value = x;",
        *evaluations,
        *_openfhe_form(approximation),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _openfhe_form(approximation: Approximation) -> list[str]:
    form = _form(approximation)
    if form == SIGN:
        return ["    return value;"]
    scaled = f"context->EvalMult(value, {_float(form.bend or form.step)})"
    if form.bend:
        factor = f"context->EvalAdd({scaled}, {_float(form.slope)})"
        return [f"    return context->EvalMult(x, {factor});"]
    return [f"    return context->EvalAdd({scaled}, {_float(form.constant)});"]


def _first_doubled(stage: Polynomial) -> tuple[float, ...]:
    first, *rest = stage.coefficients
    return (2.0 * first, *rest)


def to_json(approximation: Approximation) -> str:
    """One JSON object: what is approximated, where, how well, and the stages' coefficients."""
    stages, form = stages_of(approximation), _form(approximation)
    record = {
        "function": repr(approximation.function),
        "method": approximation.method,
        "intervals": [list(each) for each in approximation.intervals],
        "error": approximation.error,
        "basis": "chebyshev",
        "stages": [
            {"low": stage.low, "high": stage.high, "coefficients": digits}
            for stage, digits in zip(stages, _digits(approximation, stages), strict=True)
        ],
        # The factors in constant + step s + slope x + bend x s, s being the last stage's value.
        "form": {"constant": form.constant, "step": form.step}
        | {"slope": form.slope, "bend": form.bend},
    }
    return json.dumps(record, indent=2) + "\n"


def _form(approximation: Approximation) -> Form:
    """What is made of the last stage's value; a fit's polynomial is taken as it is."""
    match approximation:
        case Fit():
            return SIGN
        case Composite(form=form):
            return form


EXPORTS: Mapping[str, Callable[[Approximation], str]] = MappingProxyType(
    {"heir": to_heir, "lattigo": to_lattigo, "openfhe": to_openfhe, "json": to_json}
)


def identifier(approximation: Approximation) -> str:
    """A name that every language takes for what is approximated."""
    words = re.sub(r"\W+", "_", repr(approximation.function)).strip("_")
    return words if words[:1].isalpha() else f"function_{words}"


def _comments(approximation: Approximation, mark: str) -> list[str]:
    intervals = " and ".join(f"[{low:g}, {high:g}]" for low, high in approximation.intervals)
    lines = [
        f"{approximation.function!r} on {intervals}: largest error {approximation.error:.3e}, "
        f"depth {approximation.depth}, by {approximation.method}."
    ]
    match approximation:
        case Composite(form=form):
            lines.append(f"With s the last stage's value: {form.formula}.")
        case Fit():
            pass
    return [f"{mark} {line}" for line in lines]


def _digits(approximation: Approximation, stages: Sequence[Polynomial]) -> list[Sequence[str]]:
    """The stages' coefficients with all the digits that are known."""
    match approximation:
        case Fit(decimals=decimals) if decimals:
            return [decimals]
        case _:
            return [[_float(each) for each in stage.coefficients] for stage in stages]


def _float(value: float) -> str:
    """The shortest text that reads back as this number, with a point in it as MLIR wants it."""
    text = repr(float(value))
    mantissa, exponent, power = text.partition("e")
    return (mantissa if "." in mantissa else f"{mantissa}.0") + exponent + power
