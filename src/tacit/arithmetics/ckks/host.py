"""What this machine takes for work under CKKS."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from tacit.lattigo import Ciphertext, Context, EvaluationKeys, Evaluator, LinearMap
from tacit.lattigo.work import Host, Limbs, Sample, timed

# Any scale does: no time depends on it.
SCALE = 2.0**20


def host(context: Context) -> Host:
    """Some keys, diagonals, a small matrix and a rotation, timed on this machine."""
    level = (context.max_level + 1) // 2
    secret, ones = context.secret_key(), np.ones(context.slots)
    value = context.encrypt(context.encode(ones, level=level, scale=SCALE), secret)

    def keys(steps: Collection[int]) -> EvaluationKeys:
        rotations = dict.fromkeys(steps, level)
        return context.evaluation_keys(secret, relinearisation_level=None, rotations=rotations)

    def matrix(split: Mapping[int, tuple[int, int]]) -> LinearMap:
        diagonals = dict.fromkeys(split, ones)
        return context.linear_map(diagonals, level=level, scale=SCALE, split=split)

    def work(made: EvaluationKeys, applied: LinearMap) -> Ciphertext:
        evaluator = Evaluator(context, made)
        return evaluator.rotate_sum(evaluator.linear_map(value, applied), [1])

    limbs = Limbs(level + 1, len(context.parameters.p))
    return timed(Sample(keys, matrix, work), limbs, context.measure(context.max_level))
