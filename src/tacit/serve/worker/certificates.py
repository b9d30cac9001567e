"""Who may speak to whom across machines: certificates of one private authority.

The authority signs once, and its key is forgotten: nobody can ever sign another certificate. What a
certificate is for is written in it, so that a worker's opens no other worker. Workers are not told
apart by name: whatever any of them answers is checked.
"""

from __future__ import annotations

import datetime
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from tacit.errors import TacitError
from tacit.files import OWNER_ONLY, new_folder
from tacit.serve.worker.tls import AUTHORITY_FILE, CERTIFICATE_FILE, KEY_FILE

VERIFIER = "verifier"
DAYS = 365
MOST_WORKERS = 1000
OWNER_ONLY_FOLDER = 0o700
# Clocks of two machines differ.
EARLY = datetime.timedelta(hours=1)


def certify(
    folder: str | Path, *, workers: int = 1, days: int = DAYS, overwrite: bool = False
) -> tuple[Path, ...]:
    """Write a folder for the verifier and one for each worker, readable by their owner only.

    Each is to be moved to its machine; together they are worth what the authority's key was.
    """
    if not 1 <= workers <= MOST_WORKERS or days < 1:
        raise TacitError(f"{workers} workers for {days} days", hint=f"1 to {MOST_WORKERS} workers")
    authority = Ed25519PrivateKey.generate()
    issuer = _name("Tacit authority")
    own = _certificate(authority.public_key(), issuer, days).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    root = own.issuer_name(issuer).sign(authority, None)
    names = (VERIFIER, *(f"worker-{number + 1}" for number in range(workers)))
    with new_folder(Path(folder), overwrite=overwrite, mark=f"{VERIFIER}/{KEY_FILE}") as new:
        new.chmod(OWNER_ONLY_FOLDER)
        for name in names:
            purpose = ExtendedKeyUsageOID.CLIENT_AUTH
            if name != VERIFIER:
                purpose = ExtendedKeyUsageOID.SERVER_AUTH
            key = Ed25519PrivateKey.generate()
            builder = _certificate(key.public_key(), _name(name), days).issuer_name(issuer)
            _write(new / name, key, _with_purpose(builder, purpose).sign(authority, None), root)
    return tuple(Path(folder) / name for name in names)


def _certificate(key: Ed25519PublicKey, subject: x509.Name, days: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLY)
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _with_purpose(
    builder: x509.CertificateBuilder, purpose: ObjectIdentifier
) -> x509.CertificateBuilder:
    return builder.add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    ).add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _write(
    folder: Path, key: Ed25519PrivateKey, certificate: x509.Certificate, root: x509.Certificate
) -> None:
    folder.mkdir(mode=OWNER_ONLY_FOLDER)
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for name, content in (
        (AUTHORITY_FILE, root.public_bytes(pem)),
        (CERTIFICATE_FILE, certificate.public_bytes(pem)),
        (KEY_FILE, secret),
    ):
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
        with os.fdopen(os.open(folder / name, flags, OWNER_ONLY), "wb") as file:
            file.write(content)
