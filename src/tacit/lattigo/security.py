"""Which moduli are allowed: the tables that bound log2(QP) for a ring degree and a secret.

Ternary secrets: Albrecht et al., "Homomorphic Encryption Standard" (2018), table 1, classical
attacks, uniform ternary secret, error deviation 3.2. Its rows end at 2^15; the row for 2^16 is of
Bossuat et al., "Security Guidelines for Implementing Homomorphic Encryption" (eprint 2024/463,
table 5.2), whose estimate is the newer and the lower one.
Sparse secrets fall to better attacks and have limits of their own: the parameter sets of
Bossuat et al., "Bootstrapping for Approximate Homomorphic Encryption with Negligible Failure
Probability" (eprint 2022/024, table 5). Combinations that no table knows are refused.
A ring of real coefficients (conjugate invariant) of degree N is as hard as a cyclotomic ring of
degree N (Kim and Song, eprint 2018/952, section 3).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tacit.errors import InsecureParameters

# security bits -> log2 of the ring degree -> the largest log2(QP)
TERNARY: Mapping[int, Mapping[int, int]] = {
    128: {10: 27, 11: 54, 12: 109, 13: 218, 14: 438, 15: 881, 16: 1747},
    192: {10: 19, 11: 37, 12: 75, 13: 152, 14: 305, 15: 611},
    256: {10: 14, 11: 29, 12: 58, 13: 118, 14: 237, 15: 476},
}
# (security bits, Hamming weight) -> log2 of the ring degree -> the largest log2(QP)
SPARSE: Mapping[tuple[int, int], Mapping[int, int]] = {
    (128, 192): {15: 768, 16: 1546},
}
STANDARD = "Homomorphic Encryption Standard 2018, table 1 (classical, uniform ternary secret)"
GUIDELINES = "Security Guidelines 2024 (eprint 2024/463, table 5.2, ternary secret)"
SPARSE_SETS = "eprint 2022/024, table 5 (sparse ternary secret)"


@dataclass(frozen=True)
class Row:
    """A row of a table: at most `limit` bits of log2(QP) give `security` bits."""

    security: int
    log_n: int
    limit: int
    source: str


def row(security: int, log_n: int, *, secret_weight: int | None = None) -> Row | None:
    """The row for a ring degree and a secret (None: uniform ternary), if a table has one."""
    if secret_weight is None:
        limit = TERNARY.get(security, {}).get(log_n)
        source = STANDARD if log_n <= 15 else GUIDELINES
    else:
        limit = SPARSE.get((security, secret_weight), {}).get(log_n)
        source = SPARSE_SETS
    return None if limit is None else Row(security, log_n, limit, source)


def log_qp(q: Sequence[int], p: Sequence[int]) -> float:
    """log2 of the product of all primes."""
    return sum(math.log2(prime) for prime in (*q, *p))


def check(
    security: int,
    log_n: int,
    q: Sequence[int],
    p: Sequence[int],
    *,
    secret_weight: int | None = None,
) -> Row:
    """The row that allows these parameters; raises InsecureParameters where none does."""
    secret = "a ternary secret" if secret_weight is None else f"Hamming weight {secret_weight}"
    found = row(security, log_n, secret_weight=secret_weight)
    if found is None:
        raise InsecureParameters(
            f"no table gives {security} bits for ring degree 2^{log_n} with {secret}",
            hint="ask for 128 bits and a uniform ternary secret",
        )
    bits = log_qp(q, p)
    if bits > found.limit:
        raise InsecureParameters(
            f"log2(QP) is {bits:.1f}; {security} bits at ring degree 2^{log_n} with {secret} "
            f"allow {found.limit}",
            hint="use fewer levels, less precision or a larger ring",
        )
    return found


def told(security: int, log_n: int, q: Sequence[int], p: Sequence[int]) -> dict[str, float | str]:
    """For an audit: the modulus, and the row that allows it; raises InsecureParameters."""
    found = check(security, log_n, q, p)
    return {
        "log2_qp": round(log_qp(q, p), 2),
        "log2_qp_limit": found.limit,
        "security_bits": found.security,
        "table": found.source,
    }
