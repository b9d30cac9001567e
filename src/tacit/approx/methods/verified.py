"""Linear systems solved in high precision, for references that double arithmetic cannot level."""

from __future__ import annotations

import flint
import numpy as np

from tacit.ir.functions import FloatArray

# Enough that a system of 256 rows and condition 1e60 still comes out correct to a double.
BITS = 320


def solve_verified(system: FloatArray, values: FloatArray) -> FloatArray:
    """The solution of a square system, in ball arithmetic of 320 bits, rounded to doubles."""
    right_hand_side = flint.arb_mat([[each] for each in values.tolist()])
    with flint.ctx.workprec(BITS):
        try:
            balls = flint.arb_mat(system.tolist()).solve(right_hand_side)
        except ZeroDivisionError as failure:
            raise np.linalg.LinAlgError("a singular system of alternation points") from failure
        return np.array([float(each.mid()) for each in balls.entries()])
