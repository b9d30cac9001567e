"""Fixed point on the command line: whole coefficients, and the same integers under encryption."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tacit.approx.fixed import FixedFit, fixed_fit
from tacit.cli.wishes import Wish
from tacit.errors import TacitError
from tacit.lattigo import security
from tacit.lattigo.integers import (
    Context,
    Evaluator,
    Parameters,
    Scheme,
    batching_prime,
    evaluate,
    secure_parameters,
)
from tacit.program import Json

# Unless said, the plaintext modulus is a prime of so many bits; it holds degree 5 at 6 input bits.
MODULUS_BITS = 40
# The modulus batches in every ring up to this one.
LARGEST_LOG_N = 15
SECURITY = 128
STANDARD_OUTPUT, STANDARD_ERROR = 1, 2


@dataclass(frozen=True)
class Asked:
    """What is asked of fixed point, beside the function: its sizes, and what is to be told."""

    input_bits: int
    modulus: int | None
    planned: bool
    encrypted: bool


def found(wish: Wish, asked: Asked) -> dict[str, Json]:
    """The fit, what is proven of it, and, if asked for, how an encrypted run compares."""
    begin = time.perf_counter()
    prime = asked.modulus or batching_prime(MODULUS_BITS, LARGEST_LOG_N)
    with quiet_solver():
        fit = fixed_fit(
            wish.target,
            wish.intervals,
            degree=wish.degree,
            input_bits=asked.input_bits,
            modulus=prime,
        )
    told: dict[str, Json] = {
        "function": repr(fit.function),
        "method": "fixed point",
        "intervals": [list(each) for each in fit.intervals],
        "error": fit.error,
        "lower_bound": fit.lower_bound,
        "certified": False,
        "real_coefficients_error": fit.minimax_error,
        "rounded_one_by_one_error": fit.rounded_error,
        "degrees": [fit.degree],
        "depth": fit.plan.depth,
        "products": fit.plan.products,
        "basis": "power",
        "coefficients": list(fit.coefficients),
        "coefficient_bits": fit.coefficient_bits,
        "input_bits": fit.input_bits,
        "result_bits_after_the_point": fit.scale,
        "result_range": [fit.result.least, fit.result.largest],
        "modulus": prime,
        "seconds": time.perf_counter() - begin,
    }
    if asked.planned:
        told["plan"] = [*fit.plan.text().splitlines()]
    return told | ({"encrypted": encrypted(fit)} if asked.encrypted else {})


@contextlib.contextmanager
def quiet_solver() -> Iterator[None]:
    """Whatever a library prints on descriptor 1 meanwhile goes to descriptor 2.

    HiGHS prints on rare problems, past Python, and standard output is for the record alone.
    """
    try:
        usual = os.dup(STANDARD_OUTPUT)
    except OSError:
        # It is closed already: nothing can be printed there.
        yield
        return
    sys.stdout.flush()
    os.dup2(STANDARD_ERROR, STANDARD_OUTPUT)
    try:
        yield
    finally:
        # C keeps lines of its own back until it is told.
        ctypes.CDLL(None).fflush(None)
        os.dup2(usual, STANDARD_OUTPUT)
        os.close(usual)


def encrypted(fit: FixedFit) -> dict[str, Json]:
    """The plan run on ciphertexts, and whether every integer equals the one in the clear."""
    parameters = _parameters(fit)
    context = Context(parameters)
    secret = context.secret_key()
    keys = context.evaluation_keys(secret, relinearisation_level=context.max_level, rotations={})
    x = np.resize(fit.inputs.looks(), context.slots)
    given = context.encrypt(context.encode(x, level=context.max_level), secret)
    begin = time.process_time()
    result = evaluate(Evaluator(context, keys), fit.plan, [given])
    seconds = time.process_time() - begin
    opened = context.decrypt(result, secret)
    return {
        "scheme": parameters.scheme.name,
        "log2_ring_degree": parameters.log_n,
        "log2_qp": round(security.log_qp(parameters.q, parameters.p), 1),
        "security_bits": SECURITY,
        "slots": context.slots,
        "equal": bool(np.array_equal(opened, fit.evaluate(x))),
        "noise_budget_bits_left": context.noise_budget(result, secret),
        "cpu_seconds": seconds,
    }


def _parameters(fit: FixedFit) -> Parameters:
    """BGV's, which is the faster; BFV's where the plaintext modulus is too large for it."""
    wrong: TacitError | None = None
    for scheme in (Scheme.BGV, Scheme.BFV):
        try:
            return secure_parameters(
                fit.plan.depth,
                scheme=scheme,
                plaintext_modulus=fit.modulus,
                security_bits=SECURITY,
            )
        except TacitError as refused:
            wrong = refused
    assert wrong is not None, "both schemes were tried"
    raise wrong
