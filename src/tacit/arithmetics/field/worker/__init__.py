"""The untrusted side: integer products as fast as a host can compute them."""

from tacit.arithmetics.field.worker.engine import Worker
from tacit.arithmetics.field.worker.found import Found, Products, found, looked_for
from tacit.arithmetics.field.worker.half import worker_graph

__all__ = ["Found", "Products", "Worker", "found", "looked_for", "worker_graph"]
