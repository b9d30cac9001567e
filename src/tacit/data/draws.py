"""Randomness that can be taken up again: every draw depends on a seed and a place, on no history.

A Generator that is passed from step to step would have to be stored with every checkpoint; one
that is made anew for each place resumes from the place alone.
"""

from __future__ import annotations

import enum

import numpy as np


class Purpose(enum.IntEnum):
    """What is drawn; different purposes never share their randomness."""

    SPLIT = 0
    ORDER = 1
    AUGMENTATION = 2


def generator(seed: int, purpose: Purpose, epoch: int = 0, step: int = 0) -> np.random.Generator:
    """The Generator of a purpose at a place, the same whenever it is asked for."""
    # Keys are told apart as those of spawned streams; all have one length, or zeros would pad them.
    sequence = np.random.SeedSequence(seed, spawn_key=(int(purpose), epoch, step))
    return np.random.Generator(np.random.PCG64(sequence))
