"""Workers that nobody trusts, in processes of their own, and the verifier's way to ask them."""

from tacit.serve.worker.connection import Connection, Health, Setting, connect
from tacit.serve.worker.pool import Patience, Pool

__all__ = ["Connection", "Health", "Patience", "Pool", "Setting", "connect"]
