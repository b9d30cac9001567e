"""Functions that only ask for a sign: what they are given may be moved, as long as it keeps it."""

from __future__ import annotations

import numpy as np

from tacit.arithmetics.integers.forms import Bent
from tacit.grids import lattice
from tacit.ir.affine import Form
from tacit.ir.functions import Function
from tacit.ir.ops import Map

SIGNS = frozenset(map(Function, ("sign", "bipolar", "heaviside")))
# Shifts go through a few products of doubles before they are compared.
FRACTION = 1e-9


def settled(bent: Bent, form: Form) -> Form:
    """The form that the functions are given, so that rounding its shifts cannot turn a sign.

    Where all weights are multiples of a step, and no row can become 0, shifts halfway between two
    multiples make the same signs, and have their fraction in common.
    """
    first = bent.functions[0]
    if not (isinstance(first, Map) and first.function in SIGNS and form.terms):
        return form
    step = lattice(np.concatenate([each.data for each in form.terms.values()]))
    if step is None:
        return form
    below = np.floor(form.shift / step)
    fraction = form.shift / step - below
    if np.any(np.minimum(fraction, 1.0 - fraction) < FRACTION * (1.0 + np.abs(below))):
        return form
    return Form(form.terms, (below + 0.5) * step)
