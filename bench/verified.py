"""What our verifier does for a network: the pieces that bench/field.py times."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from baselines.timing import Work
from networks import imagenet
from numpy.typing import NDArray
from torch import nn

from tacit import calibrate, read
from tacit.arithmetics.field import Field, Mode, parties, verifier
from tacit.arithmetics.field.client import Checker, Client, PrivateClient, fresh_secret
from tacit.arithmetics.field.masks import OnDemand
from tacit.arithmetics.field.ops import PRODUCTS
from tacit.arithmetics.field.plan import Pass, Plan, Strength, plan
from tacit.arithmetics.field.verifier import Challenges
from tacit.arithmetics.field.worker import Products, Worker, found, worker_graph
from tacit.ir.graph import Graph
from tacit.program import lower

Array = NDArray[np.generic]
PAGE = 4096


@dataclass(frozen=True)
class Verified:
    """The verifier's work for one batch, each piece to be timed by itself.

    `prepare` of a work makes, outside of the clock, what may be used only once: challenges for
    `online`, challenges and masks for `blinded`, honest products for both.

    online     check every product and compute everything else, given honest products
    challenge  draw the challenges of a batch and what follows from them and the weights
    blinded    the same as `online`, plus masking every input and unmasking every product
    masks      draw the masks of a batch and compute and store their products with the weights
    kernel     the check alone, over the products of the largest layer, `kernel_bytes` long
    layers     the least seconds of `online` for each layer that multiplies, in the network's order
    """

    online: Work
    challenge: Work
    blinded: Work
    masks: Work
    kernel: Work
    kernel_bytes: int
    soundness_bits: float
    layers: Callable[[int], list[float]]
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def works(self) -> dict[str, Work]:
        """The pieces of a whole batch, under their names in the results."""
        return {
            "verify": self.online,
            "verify, challenges": self.challenge,
            "verify, blinded": self.blinded,
            "verify, masks": self.masks,
            "verify, kernel": self.kernel,
        }


def verified(network: nn.Module, batch: int) -> Verified:
    """The verifier of an unfolded network for batches of this size."""
    # Bytes are what pictures are; the network's own grid of its input takes them apart again.
    x = imagenet.images(batch).double().numpy()
    graph = lower(calibrate(read(network, x[:2]), x[:2]), Field(batch=batch)).graph
    scene = Scene(graph, Field(batch=batch).demand.strength(plan(graph)), x, found())
    works = scene.checked()
    return Verified(
        online=works["online"],
        challenge=works["challenge"],
        blinded=scene.blinded(),
        masks=scene.masks(),
        kernel=scene.kernel(),
        kernel_bytes=scene.largest.nbytes,
        soundness_bits=min(parties.soundness(scene.plan, scene.strength).values()),
        layers=scene.layers,
        facts={
            "prime": scene.strength.prime.value,
            "repetitions": scene.strength.repetitions,
            "worker": scene.products.name,
            "answer_bytes": sum(each.nbytes for each in scene.answer),
            "encode": "counted: from doubles to bytes",
        },
    )


class Scene:
    """A lowered network, a batch, and what an honest worker answers to it."""

    def __init__(self, graph: Graph, strength: Strength, x: Array, products: Products) -> None:
        self.plan: Plan = plan(graph)
        self.strength, self.x, self.products = strength, x, products
        self.client = Client(Checker(self.plan, strength, len(x)), fresh_secret())
        worker = Worker(worker_graph(graph, Mode.INTEGRITY), Mode.INTEGRITY, rows=len(x))
        self.request = self.client.seal(x, clip=True)
        # As the transport leaves it: in private memory that begins at a page.
        self.answer = [memoryview(_paged(each)) for each in worker.arrays(self.request)]

    @property
    def largest(self) -> Array:
        """The products of the largest layer."""
        return max(self._answered.values(), key=lambda each: each.nbytes)

    @property
    def _answered(self) -> dict[str, Array]:
        return Checker(self.plan, self.strength, len(self.x)).shapes.answered(
            self.answer, len(self.x)
        )

    def checked(self) -> dict[str, Work]:
        """Encoding and judging a batch whose challenges are there, and making these."""

        def online(_: object) -> None:
            request = self.client.seal(self.x, clip=True)
            assert self.client.judge(self.answer, len(self.x), request) is not None

        def challenge(_: object) -> None:
            Challenges(self.plan, self.strength).destroy()

        return {"online": Work(online, self.client.prepare), "challenge": Work(challenge)}

    def blinded(self) -> Work:
        """A private conversation whose masks, challenges and answers are there."""
        rows = len(self.x)
        masks = _Kept(OnDemand(self.plan, self.products))
        private = PrivateClient(Checker(self.plan, self.strength, rows), fresh_secret(), masks)
        worker = Worker(
            worker_graph(self.plan.graph, Mode.PRIVATE),
            Mode.PRIVATE,
            rows=rows,
            products=self.products,
        )

        def prepare() -> object:
            masks.keep(rows, len(self.plan.rounds))
            rehearsed, answers = private.conversation(self.x, clip=True), []
            question: object = rehearsed.first
            while isinstance(question, tuple):
                answers.append(worker.answer(question))
                question = rehearsed.told(answers[-1])
            # The same masks again: only what is timed uses them twice, and nobody sees it.
            masks.rewind()
            private.prepare()
            return answers

        def run(answers: object) -> None:
            assert isinstance(answers, list)
            talk = private.conversation(self.x, clip=True)
            for answer in answers:
                end = talk.told(answer)
            assert not isinstance(end, tuple)
            assert end.passed.all()

        return Work(run, prepare)

    def masks(self) -> Work:
        """Masks and their products with the weights, for a batch."""
        masks = OnDemand(self.plan, self.products)

        def run(_: object) -> None:
            for _row in self.x:
                query = masks.take()
                for number in range(len(self.plan.rounds)):
                    query.factor(number)
                query.close()

        return Work(run)

    def kernel(self) -> Work:
        """The check alone of the largest layer's products."""
        name = max(self._answered, key=lambda each: self._answered[each].nbytes)
        y, challenge = self._answered[name], Challenges(self.plan, self.strength)[name]
        return Work(lambda _: challenge.left(y))

    def layers(self, rounds: int) -> list[float]:
        """The least seconds of a whole check for every product, the verifier's own among them.

        A sum of two products is looked at with the later one.
        """
        names = [node.name for node in self.plan.graph if isinstance(node.op, PRODUCTS)]
        least = dict.fromkeys(names, float("inf"))
        for turn in range(rounds + 1):
            clock = _Clock(names)
            with clock.running():
                self.client.prepare()
                assert self.client.judge(self.answer, len(self.x), self.request) is not None
            if turn:
                least = {name: min(least[name], clock.seconds[name]) for name in names}
        return [least[name] for name in names]


def _paged(values: Array) -> Array:
    """The bytes of an array in memory that begins at a page."""
    room = np.empty(values.nbytes + PAGE, np.uint8)
    start = -room.ctypes.data % PAGE
    copied = room[start : start + values.nbytes]
    copied[:] = np.ascontiguousarray(values, "<i4").reshape(-1).view(np.uint8)
    return copied


class _Clock:
    """The seconds of one judgement by product: the steps of the verifier, timed from outside."""

    def __init__(self, names: Sequence[str]) -> None:
        self.seconds = dict.fromkeys(names, 0.0)
        self._now = names[0]
        self._inside = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """Time the steps that the verifier takes meanwhile."""
        places = [(verifier, name) for name in ("_take", "_pass", "_local")]
        places.append((verifier._Course, "keep"))
        steps = [getattr(where, name) for where, name in places]
        try:
            for (where, name), step in zip(places, steps, strict=True):
                setattr(where, name, self._timed(step))
            yield
        finally:
            for (where, name), step in zip(places, steps, strict=True):
                setattr(where, name, step)

    def _timed(self, step: Callable[..., object]) -> Callable[..., object]:
        def timed(course: object, what: object, *rest: object) -> object:
            if self._inside:
                return step(course, what, *rest)
            named = what.rescale.args if isinstance(what, Pass) else (what.name,)
            self._now = next((name for name in reversed(named) if name in self.seconds), self._now)
            self._inside, begin = True, time.process_time()
            found = step(course, what, *rest)
            self._inside = False
            self.seconds[self._now] += time.process_time() - begin
            return found

        return timed


class _Kept:
    """Masks and factors made ahead, which a benchmark may look at again."""

    def __init__(self, masks: OnDemand) -> None:
        self._masks = masks
        self._kept: list[_Again] = []
        self._next = 0

    def keep(self, rows: int, rounds: int) -> None:
        """Make those of a batch."""
        self._kept = [_Again(self._masks.take(), rounds) for _ in range(rows)]
        self._next = 0

    def rewind(self) -> None:
        """Begin again."""
        self._next = 0

    def take(self) -> _Again:
        """The next ones."""
        self._next += 1
        return self._kept[self._next - 1]


class _Again:
    """One row's masks and factors."""

    def __init__(self, query: object, rounds: int) -> None:
        self._masks = [query.mask(number) for number in range(rounds)]
        self._factors = [query.factor(number) for number in range(rounds)]

    def __enter__(self) -> _Again:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is overwritten."""

    def mask(self, number: int) -> Array:
        """A round's mask."""
        return self._masks[number]

    def factor(self, number: int) -> Array:
        """A round's factors."""
        return self._factors[number]

    def close(self) -> None:
        """Nothing is overwritten."""
