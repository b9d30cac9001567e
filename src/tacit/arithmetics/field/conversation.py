"""One batch in private mode: a question for every round of products, each under its own masks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.field.blind import Query, blinded, unblinded
from tacit.arithmetics.field.checker import Checker
from tacit.arithmetics.field.layouts import Array
from tacit.arithmetics.field.plan import Round
from tacit.arithmetics.field.verifier import Judged, questions
from tacit.errors import ProtocolError, TacitError

# A part of an answer, as it came.
Piece = bytes | memoryview


class Conversation:
    """One batch in private mode: what was masked by what, until the last answer."""

    def __init__(self, checker: Checker, encoded: Array, queries: Sequence[Query]) -> None:
        self._plan = checker.plan
        self._shapes = checker.shapes
        self._queries = queries
        self._challenges = checker.challenges()
        self._course = questions(checker.plan, self._challenges, encoded)
        self._asked: Round | None = None
        self.first = self._question(*next(self._course))

    @property
    def answer_sizes(self) -> tuple[int, ...]:
        """The bytes of every part of the answer that is waited for."""
        assert self._asked is not None, "a conversation begins with a question"
        return self._shapes.sizes(self._asked.products, len(self._queries))

    def told(self, answer: Sequence[Piece]) -> tuple[bytes, ...] | Judged:
        """The next question, or the end."""
        assert self._asked is not None, "a conversation begins with a question"
        number = self._plan.rounds.index(self._asked)
        masked = self._shapes.masked_answer(self._asked, answer, len(self._queries))
        factors = self._factors(number)
        sizes = np.cumsum([each[0].size for each in masked])[:-1]
        parts = np.split(factors, sizes, axis=1)
        products = [
            unblinded(each, part.reshape(each.shape))
            for each, part in zip(masked, parts, strict=True)
        ]
        try:
            return self._question(*self._course.send(products))
        except StopIteration as end:
            self.close()
            judged: Judged = end.value
            return judged

    def _factors(self, number: int) -> NDArray[np.uint32]:
        """What the masks of a round became; raises TacitError where they were changed."""
        try:
            return np.stack([query.factor(number) for query in self._queries])
        except ProtocolError as changed:
            # Nobody but the client keeps them: no worker is to blame.
            raise TacitError(
                changed.message, hint="keep the masks' folder whole; these masks are used up"
            ) from changed

    def _question(self, asked: Round, image: Array) -> tuple[bytes, ...]:
        self._asked = asked
        number = self._plan.rounds.index(asked)
        masks = np.stack([query.mask(number) for query in self._queries])
        return self._shapes.masked_question(asked, blinded(image, masks))

    def close(self) -> None:
        """Destroy the challenges, and overwrite the masks."""
        self._course.close()
        self._challenges.destroy()
        for query in self._queries:
            query.close()
