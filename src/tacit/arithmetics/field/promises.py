"""What the field protects, in both of its modes."""

from __future__ import annotations

import enum
from dataclasses import replace

from tacit.program import Promise


class Mode(enum.Enum):
    """Whether a worker may see the inputs: with one message a batch, or with one a layer."""

    INTEGRITY = "integrity"
    PRIVATE = "private"


INTEGRITY = Promise(
    hides_input=False,
    detects_cheating=True,
    assumption="none but randomness that the worker cannot foresee: a false product passes its "
    "check with a chance of at most 2^-soundness_bits, whatever the worker can compute; the "
    "verifier is trusted",
    client_learns=("the whole model, which it needs to check products",),
    server_learns=(
        "the inputs, in the clear, and all that the network computes of them",
        "the model",
        "whether an answer was rejected, but not for which layer",
    ),
    not_promised=(
        "that inputs or weights stay hidden from the worker",
        "that there is an answer at all: a worker may refuse or be slow",
        "anything if the machine of the verifier is not trusted: no enclave is provided",
    ),
)
PRIVATE = replace(
    INTEGRITY,
    hides_input=True,
    assumption="AES-256 in counter mode gives masks that the worker cannot tell from uniform ones; "
    "a false product passes its check with a chance of at most 2^-soundness_bits, whatever the "
    "worker can compute; the verifier, and the place where it keeps its ledger, are trusted",
    server_learns=(
        "that predictions were asked for, when, and for how many inputs",
        "the weights of the layers that it computes, and their shapes",
        "whether an answer was rejected, but not for which layer",
    ),
    not_promised=(
        "that weights stay hidden from the worker",
        "that there is an answer at all: a worker may refuse or be slow",
        "that masks are fresh if the client's ledger is set back to an older copy of itself",
        "anything if the machine of the verifier is not trusted: no enclave is provided",
    ),
)
PROMISES = {Mode.INTEGRITY: INTEGRITY, Mode.PRIVATE: PRIVATE}
