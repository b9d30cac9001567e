"""What an auditor asks of a half under TFHE."""

from __future__ import annotations

import json

from tacit.arithmetics.integers.tfhe import door
from tacit.arithmetics.integers.tfhe.circuit import compiled
from tacit.arithmetics.integers.tfhe.plan import opening_of, plan_of
from tacit.program import Half, Json

LICENCE = (
    "concrete-python: BSD 3-Clause Clear, no patent rights granted; commercial use needs a patent "
    "licence of Zama"
)


def audit(half: Half) -> dict[str, Json]:
    """The parameters that concrete chose, the security asked for, and what its licence withholds.

    The server's half holds no parameters: they are those of the circuit that it compiles to.
    """
    if "specification" in half.facts:
        opening = opening_of(half)
        text, knobs = opening.specification, opening.knobs
    else:
        known, _ = plan_of(half)
        text, knobs = compiled(known).specification, known.knobs
    keyset = json.loads(text)["keyset"]
    return {
        "scheme": f"TFHE (concrete-python {door.release() or 'is not installed here'})",
        "secret": "uniform binary",
        "security_bits": knobs.security,
        "table": "chosen by concrete's optimiser, whose curves come from the lattice estimator; "
        "not checked by tacit",
        "lwe_dimensions": [each["params"]["lweDimension"] for each in keyset["lweSecretKeys"]],
        "rings": sorted({each["params"]["polynomialSize"] for each in keyset["lweBootstrapKeys"]}),
        "bootstrap_keys": len(keyset["lweBootstrapKeys"]),
        "keyswitch_keys": len(keyset["lweKeyswitchKeys"]),
        "error_of_a_look_up": knobs.error,
        "approximate_rounding": knobs.approximate,
        "exact": False,
        "licence": LICENCE,
    }
