"""Small integers under TFHE: any depth, one look-up after the other, through concrete-python.

The licence of concrete-python grants no patent rights: it may be used for development, research,
prototyping and experimentation; commercial use needs a patent licence of its makers.
"""

from tacit.arithmetics.integers.tfhe.audits import audit
from tacit.arithmetics.integers.tfhe.client import Client, fresh_client, kept_client
from tacit.arithmetics.integers.tfhe.costs import cost, predicted_seconds
from tacit.arithmetics.integers.tfhe.cutting import cut
from tacit.arithmetics.integers.tfhe.door import HINT, absent, installed
from tacit.arithmetics.integers.tfhe.plan import SECURITY, Knobs, Plan, plan
from tacit.arithmetics.integers.tfhe.server import Server, pair, server

__all__ = [
    "HINT",
    "SECURITY",
    "Client",
    "Knobs",
    "Plan",
    "Server",
    "absent",
    "audit",
    "cost",
    "cut",
    "fresh_client",
    "installed",
    "kept_client",
    "pair",
    "plan",
    "predicted_seconds",
    "server",
]
