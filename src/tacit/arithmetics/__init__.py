"""The arithmetics: alike outside, strangers to each other."""

from collections.abc import Mapping

from tacit.arithmetics.binary import Binary
from tacit.arithmetics.ckks import CKKS
from tacit.arithmetics.field import Field
from tacit.arithmetics.integers import Integers
from tacit.program import Arithmetic

# One line per arithmetic: bundles, the command line and its flags go by this table.
ARITHMETICS: Mapping[str, type[Arithmetic]] = {
    each.name: each for each in (CKKS, Integers, Field, Binary)
}
