"""Numbers modulo 2^32: how an input is blinded and an answer unblinded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.field.blind.masks import MaskArray
from tacit.errors import TypeMismatch


def blinded(x: NDArray[np.uint8] | NDArray[np.int32], mask: MaskArray) -> MaskArray:
    """x + mask modulo 2^32: uniform, whatever x is, where the mask is uniform and used once."""
    _require_alike(x, mask)
    # An int32 and the uint32 of the same bits are one number modulo 2^32.
    bits = x.view(np.uint32) if x.dtype == np.int32 else x
    if bits.dtype not in (np.uint8, np.uint32):
        raise TypeMismatch(f"{x.dtype} cannot be blinded; uint8 and int32 can")
    return np.add(bits, mask, dtype=np.uint32)


def unblinded(answer: MaskArray, factor: MaskArray) -> NDArray[np.int32]:
    """answer - factor modulo 2^32, between -2^31 and 2^31 - 1: W x, where the worker was true."""
    _require_alike(answer, factor)
    if answer.dtype != np.uint32:
        raise TypeMismatch(f"an answer of {answer.dtype} was given; it is uint32")
    return np.subtract(answer, factor, dtype=np.uint32).view(np.int32)


def _require_alike(given: NDArray[np.generic], mask: MaskArray) -> None:
    """Refuse what numpy would stretch: a mask's entry that is used twice hides nothing."""
    if given.shape != mask.shape or mask.dtype != np.uint32:
        raise TypeMismatch(f"an array of shape {given.shape} was given for a mask of {mask.shape}")
