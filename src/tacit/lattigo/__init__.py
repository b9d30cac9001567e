"""The door of the bridge to Lattigo: typed handles for CKKS; it knows no graph."""

from tacit.lattigo.context import Context
from tacit.lattigo.evaluator import Evaluator
from tacit.lattigo.library import collect, live_handles, set_threads, threads
from tacit.lattigo.objects import (
    Ciphertext,
    EvaluationKeys,
    LinearMap,
    Plaintext,
    PublicKey,
    SecretKey,
)
from tacit.lattigo.parameters import (
    Parameters,
    Ring,
    ciphertext_bytes,
    generate_primes,
    key_bytes,
)

__all__ = [
    "Ciphertext",
    "Context",
    "EvaluationKeys",
    "Evaluator",
    "LinearMap",
    "Parameters",
    "Plaintext",
    "PublicKey",
    "Ring",
    "SecretKey",
    "ciphertext_bytes",
    "collect",
    "generate_primes",
    "key_bytes",
    "live_handles",
    "set_threads",
    "threads",
]
