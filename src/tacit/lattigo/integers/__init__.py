"""Exact integer arithmetic modulo a prime on every slot: Lattigo's BGV and BFV."""

from tacit.lattigo.integers.choice import batching_prime, parameters_for, secure_parameters
from tacit.lattigo.integers.context import Context
from tacit.lattigo.integers.evaluator import Evaluator
from tacit.lattigo.integers.objects import Ciphertext, Plaintext
from tacit.lattigo.integers.parameters import (
    PLAINTEXT_MODULUS,
    Parameters,
    Scheme,
    ciphertext_bytes,
)
from tacit.lattigo.integers.plans import evaluate

__all__ = [
    "PLAINTEXT_MODULUS",
    "Ciphertext",
    "Context",
    "Evaluator",
    "Parameters",
    "Plaintext",
    "Scheme",
    "batching_prime",
    "ciphertext_bytes",
    "evaluate",
    "parameters_for",
    "secure_parameters",
]
