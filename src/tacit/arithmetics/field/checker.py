"""What the clients of both modes have: the plan, and challenges that are made ahead."""

from __future__ import annotations

from tacit.arithmetics.field.layouts import Array
from tacit.arithmetics.field.messages import Shapes
from tacit.arithmetics.field.ops import Encode
from tacit.arithmetics.field.plan import Plan, Strength
from tacit.arithmetics.field.verifier import Challenges
from tacit.arithmetics.field.verify.encode import encoded
from tacit.ir.functions import FloatArray
from tacit.program import checked_rows

# How many batches' challenges are kept ready; each set is about as large as the weights.
READY = 2


class Checker:
    """What clients of both modes have: the plan, and challenges that are made ahead."""

    def __init__(self, plan: Plan, strength: Strength, rows: int) -> None:
        self.plan = plan
        self.rows = rows
        self.shapes = Shapes(plan)
        self._strength = strength
        self._ready: list[Challenges] = []

    def prepare(self) -> None:
        """Make one batch's challenges ahead of its answer, unless there are enough."""
        if len(self._ready) < READY:
            self._ready.append(Challenges(self.plan, self._strength))

    def challenges(self) -> Challenges:
        """Challenges that no batch has had; of several threads each is given its own."""
        try:
            return self._ready.pop()
        except IndexError:
            return Challenges(self.plan, self._strength)

    def encoded(self, x: FloatArray, *, clip: bool) -> Array:
        """A batch as integers, stored; raises TypeMismatch or OutOfRange."""
        op = self.plan.encode.op
        assert isinstance(op, Encode), "the plan begins with the encoding"
        return encoded(op, checked_rows(x, op.of), clip=clip)
