"""Minimax errors against Sollya's, where that program is installed."""

from __future__ import annotations

import math
import shutil
import subprocess
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pytest

from tacit.approx import Minimax, fit

SOLLYA = shutil.which("sollya")
pytestmark = pytest.mark.skipif(SOLLYA is None, reason="Sollya is not installed")

# What Sollya calls the functions.
FORMULAS = {
    "exp": "exp(x)",
    "sigmoid": "1/(1+exp(-x))",
    "tanh": "tanh(x)",
    "erf": "erf(x)",
    "gelu": "x*(1+erf(x/sqrt(2)))/2",
    "silu": "x/(1+exp(-x))",
    "softplus": "log(1+exp(x))",
    "sin": "sin(x)",
    "cos": "cos(x)",
}


@dataclass(frozen=True)
class Question:
    """A fit, and the same in Sollya's words: formula, monomials and one interval."""

    name: str
    on: tuple[tuple[float, float], ...]
    degree: int
    formula: str
    monomials: str
    interval: str


def smooth(index: int) -> Question:
    rng = np.random.default_rng(index)
    name = sorted(FORMULAS)[index % len(FORMULAS)]
    # Eighths are doubles and short decimals.
    low = int(rng.integers(-24, 16)) / 8
    high = low + int(rng.integers(2, 32)) / 8
    degree = int(rng.integers(2, 11))
    return Question(name, ((low, high),), degree, FORMULAS[name], str(degree), f"[{low};{high}]")


def sign(index: int) -> Question:
    gap, degree = 1 / (2 + index), 3 + 2 * (index % 6)
    odd = ",".join(map(str, range(1, degree + 1, 2)))
    on = ((-1.0, -gap), (gap, 1.0))
    exact = f"{gap.as_integer_ratio()[0]}/{gap.as_integer_ratio()[1]}"
    return Question("sign", on, degree, "1", f"[|{odd}|]", f"[{exact};1]")


def magnitude(index: int) -> Question:
    degree = 2 + 2 * index
    even = ",".join(map(str, range(0, degree + 1, 2)))
    return Question("abs", ((-1.0, 1.0),), degree, "x", f"[|{even}|]", "[0;1]")


QUESTIONS = [
    *map(smooth, range(81)),
    *map(sign, range(16)),
    *map(magnitude, range(8)),
]


@pytest.fixture(scope="module")
def answers() -> list[Decimal]:
    """Sollya's minimax errors for all questions, from one process, to 25 digits."""
    # Quality 2**-90 is beyond the 1e-20 that is asked of balls.
    lines = ["prec=250!;", "points=301!;", "display=decimal!;", "rationalmode=off!;"]
    for each in QUESTIONS:
        lines += [
            f"p=remez({each.formula},{each.monomials},{each.interval},1,1b-90);",
            f"print(dirtyinfnorm(p-({each.formula}),{each.interval}));",
        ]
    script = "\n".join([*lines, "quit;"])
    done = subprocess.run(
        [str(SOLLYA), "--warnonstderr"], input=script, capture_output=True, text=True, check=True
    )
    return [Decimal(each) for each in done.stdout.split()]


@pytest.mark.parametrize("index", range(len(QUESTIONS)))
def test_doubles_find_the_error_that_sollya_finds(index: int, answers: list[Decimal]) -> None:
    asked = QUESTIONS[index]

    found = fit(asked.name, asked.on, degree=asked.degree)

    assert math.isclose(found.error, answers[index], rel_tol=1e-9)
    assert math.isclose(found.lower_bound, answers[index], rel_tol=1e-9)


@pytest.mark.parametrize("index", range(len(QUESTIONS)))
def test_balls_find_the_error_that_sollya_finds(index: int, answers: list[Decimal]) -> None:
    asked = QUESTIONS[index]

    proven = fit(asked.name, asked.on, degree=asked.degree, method=Minimax(bits=320)).certified

    assert abs(proven.upper / answers[index] - 1) <= Decimal("1e-20")
    assert abs(proven.lower / answers[index] - 1) <= Decimal("1e-20")
