"""`tacit approximate`, as a user calls it: what it tells, what it refuses, what it writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import chebyshev
from typer.testing import CliRunner

from tacit.cli import app
from tacit.cli.screen import Screen, finite
from tacit.cli.whole import quiet_solver
from tacit.cli.wishes import NAMES, named
from tacit.ir.functions import FloatArray

# What the issue promises of every record.
PROMISED = {
    "error",
    "lower_bound",
    "depth",
    "products",
    "degrees",
    "coefficients",
    "basis",
    "intervals",
    "method",
    "seconds",
}
EPSILON = float(np.finfo(np.float64).eps)
# Where all functions but those with a pole or a jump at 0 are finite.
JUMPING = {"bipolar", "heaviside", "sign", "ternary"}
LEFT_OUT = {"inverse", "rsqrt", "sqrt", "log", "comparison"} | JUMPING
EVERYWHERE = [name for name in NAMES if name not in LEFT_OUT]


@dataclass(frozen=True)
class Said:
    """What the command said, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def record(self) -> dict[str, Any]:
        """The one JSON object on stdout, by the letter of the standard."""
        found: dict[str, Any] = json.loads(self.out, parse_constant=_refuse)
        return found


def _refuse(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is no JSON")


def approximate(*words: object) -> Said:
    """Run the command."""
    result = CliRunner().invoke(app, ["approximate", *(str(word) for word in words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


def told(*words: object) -> dict[str, Any]:
    """The record of a command that succeeds."""
    said = approximate(*words, "--json")
    assert said.status == 0, said.err
    return said.record


def points(record: dict[str, Any]) -> FloatArray:
    """Many points of the intervals, ends included."""
    return np.concatenate([np.linspace(low, high, 2001) for low, high in record["intervals"]])


def rounding(record: dict[str, Any], x: FloatArray) -> float:
    """What evaluating function and Chebyshev sum in doubles may add to an error.

    Clenshaw's recurrence errs by less than 4 n^2 roundings of the largest sum (Elliott 1968), the
    function by a few of its value, and of its argument's, since no slope here is above 50.
    """
    size = np.abs(record["coefficients"]).sum()
    functions = np.abs(named(record["function"]).exact(x)).max()
    return float(EPSILON * (4.0 * len(record["coefficients"]) ** 2 * size + 50.0 * functions))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(EVERYWHERE),
    low=st.integers(-8, 3),
    width=st.integers(1, 12),
    degree=st.integers(0, 20),
)
def test_no_error_is_above_the_one_that_is_told(
    name: str, low: int, width: int, degree: int
) -> None:
    record = told(name, "--on", low, low + width, "--degree", degree)

    x = points(record)
    t = (2.0 * x - (2 * low + width)) / width
    errors = np.abs(chebyshev.chebval(t, record["coefficients"]) - named(name).exact(x))

    # An escalated fit tells what its decimals do, and separately what the doubles do.
    of_doubles = record.get("error_of_doubles", record["error"])
    assert errors.max() <= of_doubles + rounding(record, x)
    # No polynomial of this degree is below the bound, whatever its digits.
    assert 0.0 <= record["lower_bound"] <= min(record["error"], of_doubles)


def value_of(powers: list[Any], x: Fraction) -> Fraction:
    """The sum of powers[k] x**k, exactly."""
    return sum((Fraction(each) * x**k for k, each in enumerate(powers)), Fraction(0))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(EVERYWHERE),
    low=st.integers(-6, 6),
    width=st.integers(1, 8),
    degree=st.integers(0, 16),
)
def test_powers_are_as_wrong_as_told_and_so_are_their_doubles(
    name: str, low: int, width: int, degree: int
) -> None:
    record = told(name, "--on", low, low + width, "--degree", degree, "--basis", "power")

    x = points(record)[::50]
    exact = named(name).exact(x)
    printed = {
        kind: max(
            abs(float(value_of(record[kind], Fraction(place)) - Fraction(value)))
            for place, value in zip(x.tolist(), exact.tolist(), strict=True)
        )
        for kind in ("decimals", "coefficients")
    }

    # Powers are evaluated exactly; the function errs by a few roundings.
    slack = 8.0 * EPSILON * float(np.abs(exact).max())
    assert printed["decimals"] <= record["error"] + slack
    assert printed["coefficients"] <= record["error_of_doubles"] + slack


def test_relative_errors_are_proven_too() -> None:
    record = told("exp", "--on", -4, 2, "--degree", 7, "--relative")

    x = points(record)
    errors = chebyshev.chebval((x + 1.0) / 3.0, record["coefficients"]) / np.exp(x) - 1.0

    # Rounding, divided by the least value.
    slack = rounding(record, x) * np.exp(4.0)
    assert record["certified"] is True
    assert record["error"] * (1.0 - 1e-5) <= np.abs(errors).max() <= record["error"] + slack


def test_doubles_of_powers_that_cancel_are_told_to_be_worse() -> None:
    record = told("exp", "--on", 20, 21, "--degree", 9, "--basis", "power")

    assert record["error_of_doubles"] > 1e3 * record["error"]
    assert len(record["decimals"]) == len(record["coefficients"]) == 10


def test_high_precision_is_told_in_decimals() -> None:
    record = told("sigmoid", "--on", -8, 8, "--degree", 15, "--precision", 320)

    decimals = record["decimals"]
    assert record["bits"] == 320
    assert max(map(len, decimals)) > 90
    assert list(map(float, decimals)) == record["coefficients"]
    assert record["error"] <= record["error_of_doubles"] <= record["error"] + 16 * EPSILON


FOUND = {
    "by degree": ("sigmoid", "--on", -8, 8, "--degree", 7),
    "by depth": ("gelu", "--on", -4, 4, "--depth", 3),
    "by error": ("exp", "--error", 1e-4),
    "on several intervals": ("cos", "--on", 0, 1, "--on", 2, 3, "--degree", 6),
    "a sign": ("sign", "--degree", 7),
    "with parameters": ("elu(scale=2)", "--degree", 5),
    "in powers": ("tanh", "--degree", 5, "--basis", "power"),
    "relative": ("exp", "--degree", 5, "--relative"),
    "a composite": ("relu", "--alpha", 5),
    "a composite in powers": ("relu", "--alpha", 5, "--basis", "power"),
    "a comparison": ("comparison", "--alpha", 4),
    "of degrees": ("max", "--degrees", "7,7"),
    "a named composite": ("relu", "--paf", "f1g2"),
    "whole numbers": ("sigmoid", "--on", -4, 4, "--degree", 3, "--input-bits", 5),
    "a circuit": ("inverse", "--on", 0.01, 1, "--error", 0.01, "--circuit"),
    "a circuit of many": ("largest", "--on", -1, 1, "--error", 0.2, "--count", 4),
}


@pytest.mark.parametrize("words", FOUND.values(), ids=FOUND)
def test_every_record_has_what_is_promised(words: tuple[object, ...]) -> None:
    record = told(*words)

    assert record.keys() >= PROMISED
    assert record["error"] >= record["lower_bound"] >= 0.0
    assert record["depth"] > 0


@pytest.mark.parametrize("method", ["minimax", "chebyshev", "cf", "least_squares", "taylor"])
def test_every_method_is_told_by_its_name(method: str) -> None:
    record = told("exp", "--degree", 5, "--method", method)

    assert record["method"] == method
    # exp(x)'s least error of degree 5 on [-1, 1] is 4.52e-5 (1 / (2**5 6!) and a little more).
    assert 4.5e-5 < record["error"] < 2e-3


def test_the_least_degree_and_the_least_depth_meet_the_error() -> None:
    words = ("sigmoid", "--on", -8, 8, "--error", 5e-3)

    degree, depth = told(*words), told(*words, "--least", "depth")

    assert degree["degrees"][0] <= depth["degrees"][0]
    assert degree["depth"] == depth["depth"]
    assert depth["error"] <= degree["error"] <= 5e-3


def test_a_composites_coefficients_are_lists_the_innermost_first() -> None:
    record = told("relu", "--degrees", "7,15")

    x = points(record)
    inner = chebyshev.chebval(x, record["coefficients"][0])
    relu = x / 2.0 + x / 2.0 * chebyshev.chebval(inner, record["coefficients"][1])

    assert record["degrees"] == [7, 15]
    assert record["form"] == "0.5 x + 0.5 x s"
    # Rounding in the second stage is multiplied by its slope within the gap, which is below 100.
    slack = 1e4 * EPSILON
    assert np.abs(relu - np.maximum(x, 0.0)).max() <= record["error"] + slack


def test_a_composites_powers_have_all_the_digits_that_they_need() -> None:
    words = ("sign", "--gap", 0.05, "--degrees", "15,15")

    usual, powers = told(*words), told(*words, "--basis", "power")

    assert powers["error"] == usual["error"]
    # Powers of 15 on [-1, 1] cancel by a factor of some hundred.
    assert usual["error"] <= powers["error_of_doubles"] <= usual["error"] + 1e4 * EPSILON
    assert [len(stage) for stage in powers["decimals"]] == [16, 16]


@pytest.mark.parametrize("function", ["sign", "comparison"])
def test_what_jumps_gets_a_gap(function: str) -> None:
    usual = told(function, "--on", -2, 2, "--degree", 7)
    said = told(function, "--degree", 7, "--gap", 0.25)
    composite = told(function, "--degrees", "7,7")

    assert usual["intervals"] == [[-2.0, -(2.0**-6)], [2.0**-6, 2.0]]
    assert said["intervals"] == [[-1.0, -0.25], [0.25, 1.0]]
    assert composite["gap"] == 2.0**-7


@pytest.mark.parametrize(("function", "bits"), [("sign", 5), ("relu", 6), ("max", 6), ("abs", 6)])
def test_alpha_asks_for_an_error(function: str, bits: int) -> None:
    record = told(function, "--alpha", bits)

    # Of the sign, whose comparison is half as wrong; of the others themselves.
    assert record["error"] <= 2.0 ** -(4 if function == "sign" else 6)


@pytest.mark.parametrize("objective", ["depth", "products", "time"])
def test_a_composite_has_least_of_what_is_asked(objective: str) -> None:
    shallow, found = (told("relu", "--alpha", 6, "--objective", o) for o in ("depth", objective))

    assert found["error"] <= 2.0**-6
    assert found["depth"] >= shallow["depth"]


def test_the_front_goes_from_shallow_to_cheap() -> None:
    front = told("sign", "--alpha", 5, "--front")["front"]

    costs = [(each["depth"], each["products"]) for each in front]
    assert costs == [(7, 12), (8, 10), (9, 9)]


@pytest.mark.parametrize("function", ["relu", "exp", "sign"])
def test_methods_are_compared_best_first(function: str) -> None:
    record = told(function, "--compare", "--depth", 4)

    errors = [row["error"] for row in record["methods"]]
    assert record["methods"][0]["method"] == "minimax"
    # Errors that agree to nine digits stand in the order of products.
    assert all(first <= second * (1.0 + 1e-9) for first, second in pairwise(errors))
    assert all(row["reason"] for row in record["do_not_apply"])


def test_samples_weigh_the_least_squares(tmp_path: Path) -> None:
    np.save(tmp_path / "seen.npy", np.random.default_rng(3).normal(0.0, 0.2, 1000).clip(-1, 1))
    words = ("exp", "--degree", 2, "--samples", tmp_path / "seen.npy")

    weighed = told(*words, "--method", "least_squares")
    rows = told("exp", "--degree", 2, "--compare", "--samples", tmp_path / "seen.npy")["methods"]

    assert weighed["error"] > told("exp", "--degree", 2)["error"]
    assert min(rows, key=lambda row: row["rms"])["method"] == "least_squares"


def test_a_plan_is_told_step_by_step() -> None:
    record = told("sigmoid", "--on", -8, 8, "--degree", 7, "--plan")

    levels = [int(line.split()[0]) for line in record["plan"]]
    assert levels[-1] == max(levels) == record["depth"]
    assert sum(line.count("·") for line in record["plan"]) == record["products"]


def test_whole_numbers_are_found_and_planned() -> None:
    words = ("sigmoid", "--on", -4, 4, "--degree", 3, "--input-bits", 5)

    record = told(*words, "--modulus", 2**40, "--plan")

    least, largest = record["result_range"]
    assert all(isinstance(each, int) for each in record["coefficients"])
    assert -(2**39) < least < largest < 2**39
    assert record["lower_bound"] <= record["error"] <= record["rounded_one_by_one_error"]
    assert record["plan"]


@pytest.mark.slow
def test_whole_numbers_are_the_same_when_encrypted() -> None:
    words = ("sigmoid", "--on", -4, 4, "--degree", 3, "--input-bits", 5, "--encrypt")

    encrypted = told(*words)["encrypted"]

    assert encrypted["equal"] is True
    assert encrypted["security_bits"] == 128


def test_a_named_composite_tells_what_is_trainable() -> None:
    record = told("relu", "--paf", "f1∘g2")

    assert record["paf"] == "f1g2"
    # g_2 by its published numerators over 2**10, and f_1 = (3 x - x**3) / 2.
    assert record["trainable"] == [[3334 / 2**10, -6108 / 2**10, 3796 / 2**10], [1.5, -0.5]]
    assert (record["depth"], record["degrees"]) == (6, [5, 3])


CIRCUITS = {
    "inverse": ((0.01, 1), "relative"),
    "exp": ((-8, 0), "relative"),
    "gelu": ((-4, 4), "absolute"),
    "rsqrt": ((0.01, 1), "relative"),
    "sqrt": ((0, 1), "absolute"),
}


@pytest.mark.parametrize(("function", "wanted"), CIRCUITS.items(), ids=CIRCUITS)
def test_circuits_of_one_variable_meet_their_error(
    function: str, wanted: tuple[tuple[float, float], str]
) -> None:
    record = told(function, "--on", *wanted[0], "--error", 0.02, "--circuit", "--plan")

    assert record["error_kind"] == wanted[1]
    assert record["error"] == record[f"{wanted[1]}_error"] <= 0.02
    assert max(int(line.split()[0]) for line in record["plan"]) == record["depth"]


@pytest.mark.parametrize("function", ["softmax", "largest", "layer_norm"])
def test_circuits_of_many_entries_meet_their_error(function: str) -> None:
    record = told(function, "--on", 0.5, 2, "--error", 0.1, "--count", 4, "--plan")

    assert record["measured_error"] <= record["error"] <= 0.1
    assert (record["count"], record["error_kind"]) == (4, "absolute")
    assert record["plan"]


@pytest.mark.parametrize("tool", ["heir", "lattigo", "openfhe", "json"])
def test_an_export_is_written_once(tool: str, tmp_path: Path) -> None:
    words = ("tanh", "--degree", 5, "--export", tool)
    path = tmp_path / "tanh.txt"

    text = told(*words)["exported"]
    written = told(*words, "-o", path)["exported"]
    again = approximate(*words, "-o", path)
    replaced = approximate(*words, "-o", path, "--overwrite")

    assert (written, path.read_text(encoding="utf-8")) == (str(path), text)
    assert (again.status, replaced.status) == (1, 0)
    assert "--overwrite" in again.err


@pytest.mark.parametrize(
    ("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_a_picture_is_drawn(ending: str, start: bytes, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / f"relu.{ending}"

    record = told("relu", "--degree", 6, "--plot", path)

    assert record["picture"] == str(path)
    assert path.read_bytes().startswith(start)
    assert list(tmp_path.iterdir()) == [path]


def test_a_picture_that_is_there_is_left_alone(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "relu.png"
    path.write_bytes(b"mine")

    said = approximate("relu", "--alpha", 5, "--plot", path)

    assert said.status == 1
    assert path.read_bytes() == b"mine"


# What is refused, and a word that the one line must have.
WRONG: dict[str, tuple[tuple[object, ...], str]] = {
    "a near miss": (("sigmod", "--degree", 3), "did you mean sigmoid?"),
    "no such function": (("xyzzy", "--degree", 3), "--help lists them"),
    "no such parameter": (("leaky_relu(alpha=0.1)", "--degree", 3), "slope=0.01"),
    "no number": (("leaky_relu(slope=x)", "--degree", 3), "slope=x"),
    "too many parameters": (("leaky_relu(1,2)", "--degree", 3), "2 parameters"),
    "parameters of none": (("max(1)", "--degree", 3), "max takes no parameters"),
    "nothing asked": (("sigmoid",), "--degree 15, --depth 4 or --error 0.01"),
    "degree and depth": (("exp", "--degree", 3, "--depth", 2), "--degree and --depth"),
    "degree and error": (("exp", "--degree", 3, "--error", 1), "--degree and --error"),
    "degree and alpha": (("relu", "--degree", 3, "--alpha", 4), "--degree does not go with"),
    "export of a table": (("exp", "--compare", "--export", "json"), "with --compare"),
    "alpha in a table": (("relu", "--compare", "--alpha", 4), "--alpha does not go"),
    "plot of a front": (("relu", "--front", "--alpha", 4, "--plot", "x.png"), "with --front"),
    "a front of nothing": (("relu", "--front"), "--alpha 8 or --error"),
    "basis of integers": (("exp", "--input-bits", 4, "--basis", "power"), "--basis does not go"),
    "modulus of doubles": (("exp", "--degree", 3, "--modulus", 7), "it goes with --input-bits"),
    "encrypted doubles": (("exp", "--degree", 3, "--encrypt"), "it goes with --input-bits"),
    "output of nothing": (("exp", "--degree", 3, "-o", "x"), "--output does nothing"),
    "nothing to overwrite": (("exp", "--degree", 3, "--overwrite"), "--plot or --output"),
    "least of a degree": (("exp", "--degree", 3, "--least", "depth"), "--least does nothing"),
    "nothing to choose": (("relu", "--degrees", "7", "--objective", "time"), "--objective"),
    "a gap of ReLU": (("relu", "--degree", 3, "--gap", 0.1), "does not jump"),
    "a gap too wide": (("sign", "--degree", 3, "--gap", 1), "--gap 1 leaves nothing"),
    "a negative gap": (("sign", "--alpha", 4, "--gap", -0.1), "--gap -0.1"),
    "a gap that is none": (("sign", "--degrees", "7,7", "--gap", "nan"), "--gap nan"),
    "alpha 0": (("sign", "--alpha", 0), "--alpha is 0"),
    "negative alpha": (("relu", "--alpha", -3), "--alpha is -3"),
    "alpha beyond doubles": (("sign", "--alpha", 60), "no composite for sign"),
    "even degrees": (("relu", "--degrees", "7,8"), "not all odd"),
    "degrees that are none": (("relu", "--degrees", "7,x"), "no list of numbers"),
    "huge degrees": (("relu", "--degrees", "2001"), "up to 255"),
    "degrees that miss": (("relu", "--degrees", "3,3", "--alpha", 9), "--alpha 9 asks"),
    "no such composite": (("relu", "--paf", "f9"), "known are alpha7"),
    "no sign in it": (("exp", "--alpha", 4), "not made of one sign"),
    "an empty interval": (("exp", "--on", 1, 1, "--degree", 3), "[1, 1] is not an interval"),
    "a reversed interval": (("exp", "--on", 2, 1, "--degree", 3), "[2, 1] is not an interval"),
    "an interval of nan": (("exp", "--on", "nan", 1, "--degree", 3), "[nan, 1]"),
    "an infinite interval": (("exp", "--on", 0, "inf", "--degree", 3), "[0, inf]"),
    "half an interval": (("exp", "--on", 1, "--degree", 3), "takes two numbers"),
    "a pole": (("inverse", "--on", -1, 1, "--degree", 3), "inverse(0) is inf"),
    "an end without values": (("sqrt", "--on", -1, 1, "--degree", 3), "is nan"),
    "relative to 0": (("sin", "--degree", 3, "--relative"), "(0) is inf"),
    "a negative degree": (("exp", "--degree", -1), "--degree"),
    "a huge degree": (("exp", "--degree", 256), "degree 256"),
    "a huge depth": (("exp", "--depth", 9), "--depth"),
    "a negative error": (("exp", "--error", -1), "not above 0"),
    "an error of nan": (("exp", "--error", "nan"), "not above 0"),
    "bits too few": (("exp", "--degree", 60, "--precision", 60), "needs about"),
    "bits too many": (("exp", "--degree", 3, "--precision", 100000), "--precision"),
    "precise cf": (("exp", "--degree", 3, "--method", "cf", "--precision", 99), "--method minimax"),
    "no such method": (("exp", "--degree", 3, "--method", "remez"), "known are minimax"),
    "samples of minimax": (("exp", "--degree", 3, "--samples", "x"), "--method least_squares"),
    "no such tool": (("exp", "--degree", 3, "--export", "go"), "known are heir"),
    "no such picture": (("exp", "--degree", 3, "--plot", "x.bad"), "format 'bad'"),
    "a modulus too small": (("exp", "--degree", 3, "--input-bits", 4, "--modulus", 15), "15"),
    "no such circuit": (("tanh", "--circuit", "--on", 0, 1, "--error", 0.1), "no circuit"),
    "a circuit anywhere": (("inverse", "--circuit", "--error", 0.1), "--on LOW HIGH"),
    "a circuit of any error": (("inverse", "--circuit", "--on", 1, 2), "--error 0.001"),
    "many of no number": (("softmax", "--on", 0, 1, "--error", 0.1), "--count"),
    "one of many": (("exp", "--circuit", "--on", 0, 1, "--error", 0.1, "--count", 3), "--count"),
    "a circuit's choice": (
        ("exp", "--circuit", "--on", 0, 1, "--error", 0.1, "--objective", "time"),
        "--objective",
    ),
    "a circuit's degree": (("softmax", "--count", 3, "--degree", 3), "--degree does not go"),
}


@pytest.mark.parametrize(("words", "why"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_one_line_that_says_why(words: tuple[object, ...], why: str) -> None:
    said = approximate(*words)

    assert (said.status, said.out) == (1, "")
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert why in said.err


def test_people_see_all_the_digits_of_coefficients() -> None:
    shown = approximate("sigmoid", "--on", -8, 8, "--degree", 7)

    coefficients = told("sigmoid", "--on", -8, 8, "--degree", 7)["coefficients"]
    assert all(repr(each) in shown.out for each in coefficients)
    assert "[-8.0, 8.0]" in shown.out


def test_no_table_is_wider_than_a_small_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = told("gelu", "--compare", "--depth", 3)
    monkeypatch.setattr("tacit.cli.screen.PAGE_WIDTH", 80)

    Screen(json=False).report(record)

    out = capsys.readouterr().out
    assert max(len(line.rstrip()) for line in out.splitlines()) <= 80
    assert "least_squares" in out
    assert "…" not in out


def test_the_help_fits_into_a_small_terminal() -> None:
    out = approximate("--help").out

    assert max(map(len, out.splitlines())) <= 80
    assert "  tacit approximate relu --alpha 8 --objective products\n" in out


def test_no_json_holds_what_json_does_not_know() -> None:
    assert finite({"a": [1.0, float("inf")], "b": float("nan")}) == {"a": [1.0, None], "b": None}


def test_what_a_solver_prints_is_no_part_of_the_record(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_solver():
        os.write(1, b"chatter")
    os.write(1, b"record")

    assert tuple(capfd.readouterr()) == ("record", "chatter")


@pytest.mark.slow
def test_long_work_is_announced_and_can_be_stopped() -> None:
    words = ("sign", "--alpha", "4", "--gap", "1e-9")
    command = [sys.executable, "-c", "from tacit.cli import main; main()", "approximate"]
    running = subprocess.Popen(
        [*command, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stderr is not None

    first = running.stderr.readline()
    time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)

    assert first == "approximating …\n"
    # 128 and the signal's number, as shells have it; and no traceback.
    assert (running.returncode, out, err) == (128 + signal.SIGINT, "", "")
