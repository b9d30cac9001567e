"""The server under BGV: sums as linear maps on slots, look-ups as polynomials modulo t."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import numpy as np

from tacit.arithmetics.integers.bgv.client import Client, fresh_client, require
from tacit.arithmetics.integers.bgv.encoded import (
    EncodedSums,
    SlotDiagonals,
    prepared,
)
from tacit.arithmetics.integers.bgv.packing import layout_of, require_layout, schedules
from tacit.arithmetics.integers.bgv.plan import Plan, at_level, plan_of
from tacit.arithmetics.integers.bgv.tables import circuits, coefficients
from tacit.arithmetics.integers.ops import Lookup, Product, Sums
from tacit.errors import ProtocolError
from tacit.ir.affine import IndexArray
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph, Input, Node, carried_out
from tacit.lattigo import EvaluationKeys
from tacit.lattigo.foreign import foreign, require_keys
from tacit.lattigo.integers import (
    Ciphertext,
    Context,
    Evaluator,
    LinearMap,
    Plaintext,
    Tables,
    encode_tables,
    evaluate,
    evaluate_tables,
)
from tacit.program import Engine, Half, Progress, ServerEngine
from tacit.slots.groups import Group, grouped
from tacit.slots.layout import Layout

Vector = tuple[Ciphertext, ...]


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
        self._layouts = _layouts(graph)
        self._prepared = prepared(graph, plan.modulus)
        self._tables = {
            node.name: self._each_table(node, node.op)
            for node in graph
            if isinstance(node.op, Lookup) and len(node.op.tables) > 1
        }
        maps = [node for node in graph if isinstance(node.op, Sums)]
        self._encoded: dict[str, EncodedSums] = {}
        for number, node in enumerate(maps):
            self._encoded[node.name] = self._encode(node)
            if progress:
                progress(number + 1, len(maps))

    def answer(
        self, message: Sequence[bytes], *, progress: Progress | None = None
    ) -> tuple[bytes, ...]:
        """The encrypted results, for every group of inputs in the message."""
        each = sum(self._layouts[node.name].ciphertexts for node in self._graph.inputs)
        if not message or len(message) % each:
            raise ProtocolError(f"{len(message)} ciphertexts are no multiple of {each}")
        starts = range(0, len(message), each)
        total = len(starts) * len(self._graph)
        result: list[bytes] = []
        for number, start in enumerate(starts):
            known: dict[str, Vector] = {}
            words = self.words(message[start : start + each])
            for done, (name, value) in enumerate(words, start=1):
                if name in self._graph.outputs:
                    known[name] = value
                if progress:
                    progress(number * len(self._graph) + done, total)
            result.extend(part.to_bytes() for name in self._graph.outputs for part in known[name])
        return tuple(result)

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
        """A ciphertext of the client, at the level that the plan expects."""
        with foreign("a ciphertext of the sealed input"):
            found = self._context.load_ciphertext(data)
        require(found, level=self._plan.levels[node.name])
        return found

    def _word(self, node: Node, args: list[Vector]) -> Vector:
        level = at_level(self._plan, node)
        vectors = [tuple(self._evaluator.drop(part, level) for part in arg) for arg in args]
        match node.op:
            case Sums() as op:
                made = self._sums(op, self._encoded[node.name], vectors)
            case Lookup() if node.name in self._tables:
                pairs = zip(self._tables[node.name], vectors[0], strict=True)
                made = tuple(evaluate_tables(self._evaluator, *pair) for pair in pairs)
            case Lookup() as op:
                made = tuple(self._looked_up(node, op, part) for part in vectors[0])
            case Product():
                made = tuple(self._product(*pair) for pair in zip(*vectors, strict=True))
            case _:
                raise ProtocolError(f"{node.name} is no word for a server")
        return tuple(self._evaluator.drop(part, self._plan.levels[node.name]) for part in made)

    def _looked_up(self, node: Node, op: Lookup, x: Ciphertext) -> Ciphertext:
        (way,) = circuits(op, self._plan.modulus)
        if node.args[0] not in self._prepared:
            x = self._evaluator.multiply_constant(x, way.factor) if way.factor > 1 else x
            x = self._evaluator.add_constant(x, way.shift)
        found = evaluate(self._evaluator, way.plan, [x])
        return self._evaluator.add_constant(found, way.constant) if way.constant else found

    def _product(self, first: Ciphertext, second: Ciphertext) -> Ciphertext:
        return self._evaluator.rescale(self._evaluator.multiply(first, second))

    def _sums(self, op: Sums, word: EncodedSums, args: list[Vector]) -> Vector:
        """Every target ciphertext: maps of sources, folds, rescaling, bias."""
        totals: list[dict[int, Ciphertext]] = [{} for _ in word.bias]
        for group in word.groups:
            sources = [args[argument][part] for argument, part in group.sources]
            for target, part in self._applied(group, sources):
                folded = self._evaluator.rotate_sum(part, group.folds)
                alike, factor = totals[target], folded.factor
                before = alike.get(factor)
                alike[factor] = folded if before is None else self._evaluator.add(before, folded)
        sums = self._matched(totals, spare=args[0][0])
        moved = sums if op.last else [self._evaluator.rescale(each) for each in sums]
        pairs = zip(moved, word.bias, strict=True)
        return tuple(self._evaluator.add_plain(each, bias) for each, bias in pairs)

    def _matched(
        self, totals: list[dict[int, Ciphertext]], *, spare: Ciphertext
    ) -> list[Ciphertext]:
        """The sum of every target's parts, given by their factors; all get one factor."""
        if len(totals) == 1 and len(totals[0]) == 2:
            # Two are brought to one factor by smaller integers than more are.
            return [functools.reduce(self._evaluator.add, totals[0].values())]
        wanted = next((factor for parts in totals for factor in parts), spare.factor)
        return [self._at_factor(parts, wanted, spare) for parts in totals]

    def _at_factor(
        self, parts: dict[int, Ciphertext], wanted: int, spare: Ciphertext
    ) -> Ciphertext:
        """The sum of parts with the factor that is wanted; of none, zero made from the spare."""
        if not parts:
            return self._evaluator.multiply_constant(spare, 0, factor=wanted)
        moved = (
            part if factor == wanted else self._evaluator.multiply_constant(part, 1, factor=wanted)
            for factor, part in parts.items()
        )
        return functools.reduce(self._evaluator.add, moved)

    def _applied(
        self, group: Group[LinearMap], sources: list[Ciphertext]
    ) -> Iterator[tuple[int, Ciphertext]]:
        """The targets' parts: those of sources that share a factor are made together."""
        factors = [source.factor for source in sources]
        for factor in dict.fromkeys(factors):
            alike = [number for number, each in enumerate(factors) if each == factor]
            rows = {
                target: [maps[number] for number in alike]
                for target, maps in group.rows.items()
                if any(maps[number] is not None for number in alike)
            }
            chosen = [sources[number] for number in alike]
            found = self._evaluator.linear_layer(chosen, list(rows.values()))
            yield from zip(rows, found, strict=True)

    def _encode(self, node: Node) -> EncodedSums:
        """The word's diagonals and bias, encoded for the level at which they are used."""
        op, turns = node.op, self._plan.turns
        assert isinstance(op, Sums), "only sums are encoded"
        level = at_level(self._plan, node)
        factor, shift = self._prepared.get(node.name, (1, 0))
        groups: dict[tuple[int, ...], dict[tuple[int, int], dict[int, LinearMap]]] = {}
        for argument, schedule in enumerate(schedules(op)):
            maps = groups.setdefault(schedule.folds, {})
            split = {
                offset * turns: (giant * turns, baby * turns)
                for offset, (giant, baby) in schedule.split.items()
            }
            for (target, source), diagonals in schedule.diagonals():
                encoded = self._context.linear_map(
                    SlotDiagonals(diagonals, self._plan, factor),
                    level=level,
                    split={offset * turns: split[offset * turns] for offset in diagonals},
                )
                maps.setdefault((argument, source), {})[target] = encoded
        found = [grouped(folds, maps, turns) for folds, maps in groups.items() if maps]
        return EncodedSums(found, self._bias(node, op, factor * op.bias + shift))

    def _each_table(self, node: Node, op: Lookup) -> list[Tables]:
        """For every ciphertext the polynomials of its slots; slots without an entry become zero."""
        made = coefficients(op, self._plan.modulus)
        each = np.concatenate([made[:, op.group], np.zeros((len(made), 1), dtype=np.int64)], axis=1)
        level = at_level(self._plan, node)
        return [
            encode_tables(self._context, self._in_rows(each[:, entry]), level=level)
            for entry in require_layout(op.layout).entry
        ]

    def _in_rows(self, slots: IndexArray) -> IndexArray:
        """Slots of one input for all inputs that share a ciphertext; a second row may stay zero."""
        row = np.repeat(slots, self._plan.turns, axis=-1)
        second = row if self._plan.batch > 1 else np.zeros_like(row)
        return np.concatenate([row, second], axis=-1)

    def _bias(self, node: Node, op: Sums, bias: FloatArray) -> list[Plaintext]:
        packed = require_layout(op.layout).pack(bias[None])[0].astype(np.int64)
        rows = self._in_rows(packed % self._plan.modulus)
        return [self._context.encode(row, level=self._plan.levels[node.name]) for row in rows]


def _layouts(graph: Graph) -> dict[str, Layout]:
    """Where every vector lies, those of the client as the words that take them say."""
    found: dict[str, Layout] = {}
    for node in graph:
        own = layout_of(node)
        if own is not None:
            found[node.name] = own
        if isinstance(node.op, Sums):
            found.update(zip(node.args, node.op.sources, strict=True))
        elif isinstance(node.op, Lookup | Product) and own is not None:
            found.update(dict.fromkeys(node.args, own))
    return found


def server(half: Half, keys: memoryview, *, progress: Progress | None = None) -> Server:
    """The server with the keys that a client wrote; raises ProtocolError where they are damaged."""
    known = plan_of(half)
    context = Context(known.parameters)
    with foreign("the set of keys"):
        found = context.load_evaluation_keys(keys)
    require_keys(found, known.rotations, known.relinearisation)
    return Server(half.graph, known, context, found, progress=progress)


def pair(client_half: Half, server_half: Half, *, progress: Progress | None = None) -> Engine:
    """Both parties in this process; ciphertexts still travel as bytes between them."""
    asking: Client = fresh_client(client_half)
    keys = asking.evaluation_keys(progress=progress)
    plan = plan_of(server_half)
    answering = Server(server_half.graph, plan, asking.context, keys, progress=progress)
    return Engine(asking, answering)
