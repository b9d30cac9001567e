"""Fixed point on the command line: whole coefficients, and the same integers under encryption."""

from __future__ import annotations

import time

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


def found(wish: Wish, input_bits: int, modulus: int | None, *, encrypt: bool) -> dict[str, Json]:
    """The fit, what is proven of it, and, if asked for, how an encrypted run compares."""
    begin = time.perf_counter()
    prime = batching_prime(MODULUS_BITS, LARGEST_LOG_N) if modulus is None else modulus
    fit = fixed_fit(
        wish.target, wish.intervals, degree=wish.degree, input_bits=input_bits, modulus=prime
    )
    told: dict[str, Json] = {
        "function": repr(fit.function),
        "method": "fixed point",
        "intervals": [list(each) for each in fit.intervals],
        "error": fit.error,
        "lower_bound": fit.lower_bound,
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
    return told | ({"encrypted": encrypted(fit)} if encrypt else {})


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
