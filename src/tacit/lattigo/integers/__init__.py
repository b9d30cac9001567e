"""Exact integer arithmetic modulo a prime on every slot: Lattigo's BGV and BFV."""

from tacit.lattigo.integers.chains import Counts, MapSlots, Multiply, chain_for, secure_chain
from tacit.lattigo.integers.choice import (
    batching_prime,
    parameters_for,
    secure_parameters,
    smallest_batching_prime,
)
from tacit.lattigo.integers.context import Context
from tacit.lattigo.integers.evaluator import Evaluator
from tacit.lattigo.integers.objects import Ciphertext, LinearMap, Plaintext
from tacit.lattigo.integers.parameters import (
    PLAINTEXT_MODULUS,
    Parameters,
    Scheme,
    ciphertext_bytes,
)
from tacit.lattigo.integers.plans import evaluate, plan_steps
from tacit.lattigo.integers.tables import (
    Tables,
    each_depth,
    each_steps,
    encode_tables,
    evaluate_each,
    evaluate_tables,
)

__all__ = [
    "PLAINTEXT_MODULUS",
    "Ciphertext",
    "Context",
    "Counts",
    "Evaluator",
    "LinearMap",
    "MapSlots",
    "Multiply",
    "Parameters",
    "Plaintext",
    "Scheme",
    "Tables",
    "batching_prime",
    "chain_for",
    "ciphertext_bytes",
    "each_depth",
    "each_steps",
    "encode_tables",
    "evaluate",
    "evaluate_each",
    "evaluate_tables",
    "parameters_for",
    "plan_steps",
    "secure_chain",
    "secure_parameters",
    "smallest_batching_prime",
]
