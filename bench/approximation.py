"""The approximation workbench measured: speed, exactness, methods, composites, plans, ciphertexts.

    python bench/approximation.py [--out bench/results/approximation.json] [--only SECTION ...]

Seconds are of CPU on one thread; Sollya's are its own clock's, in the same run, and its rows are
left out where Debian's `sollya` is not installed. HEIR's Carathéodory–Fejér fit is `cf` with 129
terms, and OpenFHE's fit is the interpolation at Chebyshev points: both are made here, by our code.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import machine
import numpy as np

from tacit.approx import (
    CaratheodoryFejer,
    Composite,
    Fit,
    Interpolation,
    Method,
    Minimax,
    Polynomial,
    compare,
    composite,
    fit,
    paf,
    pareto,
)
from tacit.approx.fixed import fixed_fit, interpolate
from tacit.approx.plans import Plan
from tacit.arithmetics.ckks.levels import Demand, choose
from tacit.lattigo import Context, Evaluator, Ring, security
from tacit.lattigo import integers as whole

Result = dict[str, object]
# (function, how Sollya writes it, interval): Sollya takes one interval, and no kinks.
PROBLEMS = (
    ("exp", "exp(x)", (-1.0, 1.0)),
    ("sigmoid", "1/(1+exp(-x))", (-8.0, 8.0)),
    ("tanh", "tanh(x)", (-3.0, 5.0)),
    ("gelu", "x*(1+erf(x/sqrt(2)))/2", (-4.0, 4.0)),
    ("silu", "x/(1+exp(-x))", (-6.0, 6.0)),
    ("erf", "erf(x)", (-3.0, 3.0)),
    ("softplus", "log(1+exp(x))", (-5.0, 5.0)),
    ("sin", "sin(x)", (0.0, 3.0)),
    ("log", "log(x)", (0.1, 2.0)),
    ("inverse", "1/x", (0.5, 4.0)),
)
# The kinks, gaps and end-point singularities that Sollya does not take.
HARD = (
    ("relu", (-1.0, 1.0)),
    ("abs", (-1.0, 2.0)),
    ("hardtanh", (-3.0, 3.0)),
    ("sqrt", (0.0, 1.0)),
    ("sign", ((-1.0, -0.1), (0.1, 1.0))),
)
DEGREES = (7, 15, 31)
REPEATS = 7
# What HEIR's issue 658 asks about: functions of networks, on intervals of networks.
SMOOTH, BENT = (3, 4, 5, 6), (3, 4, 5, 6, 7)
COMPARED = (
    ("sigmoid", (-8.0, 8.0), SMOOTH),
    ("gelu", (-8.0, 8.0), SMOOTH),
    ("exp", (-4.0, 4.0), (2, 3, 4)),
    ("sqrt", (0.0, 1.0), SMOOTH),
    ("relu", (-1.0, 1.0), BENT),
    ("sign", ((-1.0, -(2.0**-5)), (2.0**-5, 1.0)), BENT),
)
# HEIR interpolates with so many terms before its Carathéodory–Fejér step.
HEIR_TERMS = 129
ALPHAS = range(4, 21)
TARGETS = {
    "double_milliseconds": 5.0,
    "precise_milliseconds": 300.0,
    "relative_gap_double": 1e-9,
    "relative_gap_precise": 1e-20,
    "composites_seconds": 60.0,
}
# The degrees whose products the literature counts: general and odd, at the least depth.
COUNTED = {7: (5, 5), 15: (8, 8), 27: (11, 10), 31: (13, 12), 63: (18, 17)}


def cpu(work: Callable[[], object]) -> tuple[object, float]:
    """What a call gives, and its CPU seconds."""
    begin = time.process_time()
    result = work()
    return result, time.process_time() - begin


def median(work: Callable[[], object], repeats: int = REPEATS) -> tuple[object, float]:
    """What a call gives, and the median of its CPU seconds; the first call warms caches."""
    result = work()
    return result, statistics.median(cpu(work)[1] for _ in range(repeats))


def sollya_script(problems: list[tuple[str, tuple[float, float], int]]) -> str:
    """Sollya's remez on every problem: seconds, and the error between two bounds."""
    lines = ["prec = 200!;", "display = decimal!;"]
    for text, (low, high), degree in problems:
        lines += [
            f"t = time({{p = remez({text}, {degree}, [{low}; {high}]);}});",
            f"e = dirtyinfnorm(p - ({text}), [{low}; {high}]);",
            'print(t, ";", e);',
        ]
    return "\n".join(lines) + "\nquit;\n"


def sollya(problems: list[tuple[str, tuple[float, float], int]]) -> list[tuple[float, float]]:
    """Sollya's seconds and errors, one process for all; nothing where it is not installed."""
    program = shutil.which("sollya")
    if program is None:
        return []
    done = subprocess.run(
        [program], input=sollya_script(problems), capture_output=True, text=True, check=True
    )
    rows = [line.split(";") for line in done.stdout.splitlines() if ";" in line]
    return [(float(seconds), float(error)) for seconds, error in rows]


def speed() -> Iterator[Result]:
    """Every problem at every degree, by every method in turn, and by Sollya."""
    problems = [(text, on, d) for _, text, on in PROBLEMS for d in DEGREES]
    theirs = iter(sollya(problems))
    everything = [(name, on) for name, _, on in PROBLEMS] + list(HARD)
    for name, on in everything:
        for degree in DEGREES:
            yield one_problem(name, on, degree, next(theirs, None))


def one_problem(name: str, on: object, degree: int, theirs: tuple[float, float] | None) -> Result:
    """One function at one degree: milliseconds, and how near the bounds are to each other."""
    assert isinstance(on, tuple), "an interval, or several"
    fast, double = median(lambda: fit(name, on, degree=degree))
    fine, precise = median(lambda: fit(name, on, degree=degree, method=Minimax(bits=320)), 3)
    assert isinstance(fast, Fit), "a fit was asked for"
    assert isinstance(fine, Fit), "a fit was asked for"
    bounds = fine.certified
    row: Result = {
        "function": name,
        "on": on,
        "degree": degree,
        "error": fast.error,
        "bits": fast.bits,
        "double_milliseconds": double * 1e3,
        "precise_milliseconds": precise * 1e3,
        "relative_gap_double": abs(fast.error / float(bounds.upper) - 1.0),
        "relative_gap_precise": float((bounds.upper - bounds.lower) / bounds.upper),
        "proven": bounds.proven,
    }
    for method in (CaratheodoryFejer(), Interpolation()):
        row |= rival(method, name, on, degree)
    if theirs is not None and isinstance(on[0], float):
        row |= {"sollya_milliseconds": theirs[0] * 1e3, "sollya_error": theirs[1]}
    return row


def rival(method: Method, name: str, on: tuple[object, ...], degree: int) -> Result:
    """Another method's milliseconds and error; nothing on several intervals."""
    if not isinstance(on[0], float):
        return {}
    found, seconds = median(lambda: fit(name, on, degree=degree, method=method))
    assert isinstance(found, Fit), "a fit was asked for"
    return {f"{method.name}_milliseconds": seconds * 1e3, f"{method.name}_error": found.error}


def methods() -> Iterator[Result]:
    """Method against method at equal depth, with HEIR's settings of its own method beside."""
    for name, on, depths in COMPARED:
        for row in compare(name, on, depths=depths):
            yield {"function": name, "on": on, **asdict(row)}
        if isinstance(on[0], float):
            for depth in depths:
                found = fit(name, on, depth=depth, method=CaratheodoryFejer(terms=HEIR_TERMS))
                yield {
                    "function": name,
                    "on": on,
                    "method": f"cf of {HEIR_TERMS} terms, as HEIR",
                    "allowed": depth,
                    "degrees": (found.degree,),
                    "depth": found.depth,
                    "products": found.products,
                    "error": found.error,
                }


def composites() -> Result:
    """The whole front for alpha 4 to 20, and known composites beside ours."""
    fronts: list[Result] = []
    begin = time.process_time()
    for name in ("sign", "relu", "max", "abs"):
        for alpha in ALPHAS:
            front, seconds = cpu(lambda: pareto(name, alpha=alpha))  # noqa: B023 (called at once)
            assert isinstance(front, tuple), "a front is a tuple"
            fronts.append(
                {
                    "function": name,
                    "alpha": alpha,
                    "seconds": seconds,
                    "front": [described(each) for each in front],
                }
            )
    return {"seconds": time.process_time() - begin, "fronts": fronts, "known": list(known())}


def described(each: Fit | Composite) -> Result:
    """What an approximation is and costs."""
    return {
        "degrees": each.degrees,
        "depth": each.depth,
        "products": each.products,
        "error": each.error,
    }


def known() -> Iterator[Result]:
    """ReLU on [-1, 1]: HEIR's degrees with our gap, what is as good as HEIR's, SmartPAF's forms."""
    for degrees in ((15, 15, 27), (7, 15, 15), (7, 7), (7, 7, 13)):
        yield {"what": "minimax composite", **described(composite("relu", degrees, (-1, 1)))}
    for name in ("f1g2", "f2g2", "f2g3", "f1f1g1g1", "alpha7"):
        yield {"what": name, **described(paf(name).composite("relu"))}


def plans() -> Iterator[Result]:
    """Products, relinearisations and depth of the plans for dense polynomials."""
    for degree, (general, odd) in COUNTED.items():
        dense = Polynomial(tuple(1.0 / (k + 1) for k in range(degree + 1))).plan
        sparse = Polynomial(tuple(k % 2 / (k + 1) for k in range(degree + 1))).plan
        yield {
            "degree": degree,
            "depth": dense.depth,
            "products": dense.products,
            "relinearisations": dense.relinearisations,
            "odd_depth": sparse.depth,
            "odd_products": sparse.products,
            "odd_relinearisations": sparse.relinearisations,
            "known": general,
            "odd_known": odd,
        }


def ciphertexts() -> Iterator[Result]:
    """ReLU to some bits on real ciphertexts: the polynomial, and the composites of the front."""
    for bits in (7, 10):
        found = [*pareto("relu", error=2.0**-bits)]
        for each in found:
            yield {"function": "relu", "bits": bits, **described(each), **encrypted(each)}


def encrypted(each: Fit | Composite) -> Result:
    """The plan of an approximation on all slots of one ciphertext, at 128 bits of security."""
    demand = Demand(depth=each.depth, precision=16, security=128, ring=Ring.CONJUGATE_INVARIANT)
    parameters = choose(demand)
    context = Context(parameters)
    secret = context.secret_key()
    keys = context.evaluation_keys(secret, relinearisation_level=context.max_level, rotations={})
    scale = 2.0**parameters.log_scale
    x = np.random.default_rng(1).uniform(-1.0, 1.0, context.slots)
    sealed = context.encrypt(context.encode(x, level=context.max_level, scale=scale), secret)
    evaluator, plan = Evaluator(context, keys), each.plan
    result, seconds = median(lambda: evaluator.evaluate(plan, [sealed], target_scale=scale), 3)
    opened = context.decrypt(result, secret)
    return {
        "log2_ring_degree": parameters.log_n,
        "log2_qp": security.log_qp(parameters.q, parameters.p),
        "slots": context.slots,
        "seconds": seconds,
        "largest_error": float(np.abs(opened - each.function.exact(x)).max()),
        "difference_from_clear": float(np.abs(opened - each(x)).max()),
    }


def fixed_point() -> Iterator[Result]:
    """Fixed-point fits and tables on real BGV and BFV ciphertexts, compared bit for bit."""
    modulus = whole.batching_prime(40, 15)
    for name, on, degree, bits in (
        ("sigmoid", (-4.0, 4.0), 3, 6),
        ("exp", (-1.0, 1.0), 4, 5),
        ("tanh", (-2.0, 2.0), 3, 7),
    ):
        found, seconds = cpu(
            lambda: fixed_fit(name, on, degree=degree, input_bits=bits, modulus=modulus)  # noqa: B023
        )
        x = np.resize(found.inputs.looks(), 2**14)
        yield {
            "what": name,
            "on": on,
            "degree": degree,
            "input_bits": bits,
            "error": found.error,
            "lower_bound": found.lower_bound,
            "minimax_error": found.minimax_error,
            "rounded_error": found.rounded_error,
            "fit_seconds": seconds,
            **exact_run(found.plan, x, found.evaluate(x), modulus, whole.Scheme.BFV),
        }
    for size in (16, 64, 256):
        table = np.random.default_rng(size).integers(-100, 100, size)
        polynomial = interpolate(table, 65537)
        x = np.resize(np.arange(size), 2**14)
        yield {
            "what": f"a random table of {size} entries",
            "degree": polynomial.degree,
            "products": polynomial.products,
            **exact_run(polynomial.plan, x, table[x], 65537, whole.Scheme.BGV),
        }


def exact_run(
    plan: Plan, x: np.ndarray, expected: np.ndarray, modulus: int, scheme: whole.Scheme
) -> Result:
    """A plan of whole numbers on ciphertexts at 128 bits of security."""
    parameters = whole.secure_parameters(plan.depth, scheme=scheme, plaintext_modulus=modulus)
    context = whole.Context(parameters)
    secret = context.secret_key()
    keys = context.evaluation_keys(secret, relinearisation_level=context.max_level, rotations={})
    x, expected = np.resize(x, context.slots), np.resize(expected, context.slots)
    sealed = context.encrypt(context.encode(x, level=context.max_level), secret)
    evaluator = whole.Evaluator(context, keys)
    result, seconds = median(lambda: whole.evaluate(evaluator, plan, [sealed]), 3)
    opened = context.decrypt(result, secret)
    return {
        "scheme": scheme.name,
        "log2_ring_degree": parameters.log_n,
        "log2_qp": security.log_qp(parameters.q, parameters.p),
        "slots": context.slots,
        "equal": bool(np.array_equal(opened, expected)),
        "seconds": seconds,
    }


SECTIONS: dict[str, Callable[[], object]] = {
    "speed": lambda: list(speed()),
    "methods": lambda: list(methods()),
    "composites": composites,
    "plans": lambda: list(plans()),
    "ciphertexts": lambda: list(ciphertexts()),
    "fixed_point": lambda: list(fixed_point()),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", nargs="*", choices=SECTIONS, default=list(SECTIONS))
    arguments = parser.parse_args()
    kept = arguments.out is not None and arguments.out.exists()
    before = json.loads(arguments.out.read_text(encoding="utf-8")) if kept else {}
    report: Result = {"machine": machine.description(), "targets": TARGETS}
    report |= {name: before[name] for name in SECTIONS if name in before}
    for name in arguments.only:
        print(f"{name} …", file=sys.stderr)
        report[name] = SECTIONS[name]()
    text = json.dumps(report, indent=1, default=float)
    if arguments.out:
        arguments.out.write_text(text + "\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
