"""Everything that Tacit raises on purpose: one drawn tree.

TacitError(message, hint=...)
├─ ReadError               the model holds something that cannot be read
├─ TypeMismatch            an op was given values that it is not defined on
├─ NotCalibrated           a range is needed and no data was shown
├─ LoweringError           this arithmetic cannot express that node
│  ├─ DepthExceeded        too many multiplications in a row
│  └─ WidthExceeded        an integer outgrows its bits, the field or the exact range of a float
├─ InsecureParameters      fewer bits of security than asked for
├─ OutOfRange              an input outside the calibrated range, refused before encryption
├─ ProtocolError           bundle, message, key or version do not match
├─ EngineError             the cryptographic library failed
└─ VerificationFailed      the worker's answer is false
"""

from __future__ import annotations


class TacitError(Exception):
    """Something that a user can understand and mend: what is wrong, where, and what to do."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message} (hint: {self.hint})"


class ReadError(TacitError):
    """The model holds something that cannot be read."""


class TypeMismatch(TacitError):
    """An op was given values that it is not defined on."""


class NotCalibrated(TacitError):
    """A range is needed and no data was shown."""


class LoweringError(TacitError):
    """This arithmetic cannot express that node."""


class DepthExceeded(LoweringError):
    """Too many multiplications in a row."""


class WidthExceeded(LoweringError):
    """An integer outgrows its bits, the field or the exact range of a float."""


class InsecureParameters(TacitError):
    """Fewer bits of security than asked for; nothing is ever silently weaker."""


class OutOfRange(TacitError):
    """An input outside the calibrated range, refused before encryption."""


class ProtocolError(TacitError):
    """Bundle, message, key or version do not match."""


class EngineError(TacitError):
    """The cryptographic library failed; never kills the process."""


class VerificationFailed(TacitError):
    """The worker's answer is false; never caught inside the library."""
