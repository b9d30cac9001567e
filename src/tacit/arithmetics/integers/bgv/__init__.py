"""Small integers under BGV: exact modulo a prime, on all slots at once."""

from tacit.arithmetics.integers.bgv.client import Client, fresh_client, kept_client
from tacit.arithmetics.integers.bgv.costs import cost
from tacit.arithmetics.integers.bgv.plan import Plan, audit, cut, pack, plan
from tacit.arithmetics.integers.bgv.server import Server, pair, server

__all__ = [
    "Client",
    "Plan",
    "Server",
    "audit",
    "cost",
    "cut",
    "fresh_client",
    "kept_client",
    "pack",
    "pair",
    "plan",
    "server",
]
