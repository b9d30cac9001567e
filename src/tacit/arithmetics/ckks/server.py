"""The server's work: words of CKKS carried out on ciphertexts, at the levels of the plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tacit.approx import plans
from tacit.arithmetics.ckks.ops import Evaluate, LinearMap, Product
from tacit.arithmetics.ckks.plan import Plan, at_level
from tacit.errors import ProtocolError
from tacit.ir.graph import Graph, Input, Node, carried_out
from tacit.lattigo import Ciphertext, Context, EvaluationKeys, Evaluator, Plaintext
from tacit.lattigo import LinearMap as EncodedMap
from tacit.lattigo.foreign import foreign
from tacit.program import Progress, ServerEngine
from tacit.slots.groups import Group, grouped
from tacit.slots.layout import Layout

Vector = tuple[Ciphertext, ...]

PRODUCT = plans.Plan((plans.Step(products=((0, 1, 1),)),), inputs=2)


@dataclass(frozen=True)
class EncodedWord:
    """A linear map ready to run: its groups and, for every target ciphertext, its offset."""

    groups: list[Group[EncodedMap]]
    offsets: list[Plaintext]
    scale: float


class Server(ServerEngine):
    """The party that computes: it holds the weights, encoded once, and the client's public keys."""

    def __init__(
        self,
        graph: Graph,
        plan: Plan,
        context: Context,
        keys: EvaluationKeys,
        *,
        progress: Progress | None = None,
    ) -> None:
        self._graph = graph
        self._plan = plan
        self._context = context
        self._evaluator = Evaluator(context, keys)
        self._layouts = {name: layout for node in graph for name, layout in _layouts(node)}
        maps = [node for node in graph if isinstance(node.op, LinearMap)]
        self._encoded: dict[str, EncodedWord] = {}
        for number, node in enumerate(maps):
            self._encoded[node.name] = self._encode(node)
            if progress:
                progress(number + 1, len(maps))

    def answer(
        self, message: Sequence[bytes], *, progress: Progress | None = None
    ) -> tuple[bytes, ...]:
        """The encrypted results, for every group of inputs in the message."""
        inputs = self._graph.inputs
        each = sum(self._layouts[node.name].ciphertexts for node in inputs)
        if not message or len(message) % each:
            raise ProtocolError(f"{len(message)} ciphertexts are no multiple of {each}")
        total = len(message) // each * len(self._graph)
        result: list[bytes] = []
        for start in range(0, len(message), each):
            done = start // each * len(self._graph)
            answers = self._group(message[start : start + each], done, total, progress)
            result.extend(answers)
        return tuple(result)

    def _group(
        self, message: Sequence[bytes], done: int, total: int, progress: Progress | None
    ) -> list[bytes]:
        """The answer to one group of inputs."""
        known: dict[str, Vector] = {}
        for number, (name, value) in enumerate(self.words(message)):
            if name in self._graph.outputs:
                known[name] = value
            if progress:
                progress(done + number + 1, total)
        return [part.to_bytes() for name in self._graph.outputs for part in known[name]]

    def words(self, message: Sequence[bytes]) -> Iterator[tuple[str, Vector]]:
        """Every word's name and ciphertexts in turn, for one group of inputs.

        What no later word needs is let go.
        """
        left = list(message)

        def computed(node: Node, args: list[Vector]) -> Vector:
            if not isinstance(node.op, Input):
                return self._word(node, args)
            count = self._layouts[node.name].ciphertexts
            return tuple(self._received(node, left.pop(0)) for _ in range(count))

        return carried_out(self._graph, computed)

    def _received(self, node: Node, data: bytes) -> Ciphertext:
        """A ciphertext of the client, at the level and scale that the plan expects."""
        with foreign("a ciphertext of the sealed input"):
            found = self._context.load_ciphertext(data)
        require(found, level=self._plan.levels[node.name], scale=self._plan.scales[node.name])
        return found

    def _word(self, node: Node, args: list[Vector]) -> Vector:
        level, target = at_level(self._plan, node), self._plan.scales[node.name]
        lowered = [tuple(self._evaluator.drop(part, level) for part in arg) for arg in args]
        match node.op:
            case LinearMap() as op:
                return self._linear(op, self._encoded[node.name], lowered)
            case Evaluate() as op:
                return tuple(
                    self._evaluator.evaluate(op.plan, [part], target_scale=target)
                    for part in lowered[0]
                )
            case Product():
                return tuple(
                    self._evaluator.evaluate(PRODUCT, [a, b], target_scale=target)
                    for a, b in zip(*lowered, strict=True)
                )
            case _:
                raise ProtocolError(f"{node.name} is no word for a server")

    def _linear(self, op: LinearMap, word: EncodedWord, args: list[Vector]) -> Vector:
        """Every target ciphertext: maps of sources, folds, rescaling, offset."""
        totals: list[Ciphertext | None] = [None] * len(word.offsets)
        for group in word.groups:
            sources = [args[argument][part] for argument, part in group.sources]
            parts = self._evaluator.linear_layer(sources, list(group.rows.values()))
            for target, part in zip(group.rows, parts, strict=True):
                folded = self._evaluator.rotate_sum(part, group.folds)
                before = totals[target]
                totals[target] = folded if before is None else self._evaluator.add(before, folded)
        sums = [self._nothing(args, word) if total is None else total for total in totals]
        moved = sums if op.last else [self._evaluator.rescale(each) for each in sums]
        pairs = zip(moved, word.offsets, strict=True)
        return tuple(self._evaluator.add_plain(each, offset) for each, offset in pairs)

    def _nothing(self, args: list[Vector], word: EncodedWord) -> Ciphertext:
        """The empty sum, where no matrix reaches: zero times any input."""
        return self._evaluator.multiply_constant(args[0][0], 0.0, scale=word.scale)

    def _encode(self, node: Node) -> EncodedWord:
        """The word's diagonals and offset, encoded for the level at which they are used."""
        op = node.op
        assert isinstance(op, LinearMap), "only linear maps are encoded"
        level = at_level(self._plan, node)
        # What the factors' scales leave over is made good here: every sum is exact.
        goal = self._plan.scales[node.name]
        if not op.last:
            goal *= self._plan.parameters.q[level]
        groups: dict[tuple[int, ...], dict[tuple[int, int], dict[int, EncodedMap]]] = {}
        for argument, (name, schedule) in enumerate(zip(node.args, op.schedules, strict=True)):
            maps = groups.setdefault(schedule.folds, {})
            for (target, source), diagonals in schedule.diagonals():
                encoded = self._context.linear_map(
                    diagonals.batched(self._plan.batch),
                    level=level,
                    scale=goal / self._plan.scales[name],
                    split=_batched(schedule.split, self._plan.batch),
                )
                maps.setdefault((argument, source), {})[target] = encoded
        found = [grouped(folds, maps, self._plan.batch) for folds, maps in groups.items() if maps]
        return EncodedWord(found, self._offsets(node, op), goal / self._plan.scales[node.args[0]])

    def _offsets(self, node: Node, op: LinearMap) -> list[Plaintext]:
        packed = op.layout.pack(op.offset[None])[0]
        level, scale = self._plan.levels[node.name], self._plan.scales[node.name]
        return [
            self._context.encode(np.repeat(each, self._plan.batch), level=level, scale=scale)
            for each in packed
        ]


def require(found: Ciphertext, *, level: int, scale: float) -> None:
    """Raises ProtocolError unless a ciphertext has the level and scale that the plan expects."""
    if (found.level, found.degree, found.scale) != (level, 1, scale):
        raise ProtocolError(
            f"a ciphertext came at level {found.level} and scale 2^{np.log2(found.scale):.2f}; "
            f"level {level} and scale 2^{np.log2(scale):.2f} are expected"
        )


def _batched(split: Mapping[int, tuple[int, int]], batch: int) -> dict[int, tuple[int, int]]:
    """The split for inputs that take turns slot by slot."""
    return {o * batch: (giant * batch, baby * batch) for o, (giant, baby) in split.items()}


def _layouts(node: Node) -> list[tuple[str, Layout]]:
    """The layouts that a word tells of its arguments and its result."""
    match node.op:
        case LinearMap(sources=sources, layout=layout):
            return [*zip(node.args, sources, strict=True), (node.name, layout)]
        case Evaluate(layout=layout) | Product(layout=layout):
            return [(node.name, layout)]
        case _:
            return []
