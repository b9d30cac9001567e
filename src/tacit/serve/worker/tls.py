"""TLS 1.3 between a verifier and its workers: both show a certificate of one private authority."""

from __future__ import annotations

import ssl
from pathlib import Path

from tacit.errors import ProtocolError

AUTHORITY_FILE = "authority.pem"
CERTIFICATE_FILE = "certificate.pem"
KEY_FILE = "key.pem"


def verifier_context(folder: Path) -> ssl.SSLContext:
    """TLS as a verifier speaks it, which accepts this authority's workers and nobody else."""
    context = _context(ssl.PROTOCOL_TLS_CLIENT, folder)
    # Any worker of this authority may answer at any address: none is believed anything.
    context.check_hostname = False
    return context


def worker_context(folder: Path) -> ssl.SSLContext:
    """TLS as a worker speaks it, which accepts this authority's verifier and nobody else."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, folder)
    # Every connection is a new one: tickets to resume an old one would only be kept and leaked.
    context.num_tickets = 0
    return context


def _context(side: int, folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(side)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_verify_locations(folder / AUTHORITY_FILE)
        context.load_cert_chain(folder / CERTIFICATE_FILE, folder / KEY_FILE)
    except FileNotFoundError as absent:
        raise ProtocolError(
            f"there are no certificates in {folder}", hint="tacit certify makes them"
        ) from absent
    except ssl.SSLError as wrong:
        raise ProtocolError(f"the certificates in {folder} are damaged") from wrong
    return context
