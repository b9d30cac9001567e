"""The trusted party: it computes all but the products, and believes none of these unchecked.

One look at every entry of a worker's answer checks it, applies what follows and prepares the check
of the next product. What is found is told at the end, whole: a worker learns of no layer.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.field.layouts import (
    Array,
    bordered,
    image_of,
    stored,
    unstored,
    value_of,
)
from tacit.arithmetics.field.ops import (
    Convolution,
    Decode,
    Dense,
    Product,
    Rescale,
    Table,
    Totals,
)
from tacit.arithmetics.field.plan import Local, Pass, Plan, Round, Strength, product_of
from tacit.arithmetics.field.verify.challenge import Challenge
from tacit.arithmetics.field.verify.local import convolve, depthwise, maximum, totals
from tacit.arithmetics.field.verify.stage import Source, setting
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Node
from tacit.ir.ops import Concat, Pad, Permute, Pool, PoolKind, Reshape, Slice

Flags = NDArray[np.bool_]


class Challenges:
    """A fresh secret challenge for every product, for one batch."""

    def __init__(self, plan: Plan, strength: Strength) -> None:
        self._held: Mapping[str, Challenge] = {
            node.name: Challenge.fresh(
                product_of(node),
                plan.nodes[node.args[0]].type.shape,
                strength.prime,
                strength.repetitions,
            )
            for node in plan.products
        }

    def __getitem__(self, name: str) -> Challenge:
        return self._held[name]

    def destroy(self) -> None:
        """Overwrite all secrets; what was answered is judged by now."""
        for each in self._held.values():
            each.destroy()


@dataclass(frozen=True, eq=False)
class Judged:
    """The results of a batch, and for each row whether every product of it passed its check."""

    results: FloatArray
    passed: Flags


# Asks for the products of a round, of the image given; is sent the worker's int32 images.
Questions = Generator[tuple[Round, Array], Sequence[Array], Judged]


@dataclass(eq=False)
class _Course:
    """What is known while a batch is computed."""

    plan: Plan
    challenges: Challenges
    rows: int
    values: dict[str, Array] = field(default_factory=dict)
    rights: dict[str, NDArray[np.uint64]] = field(default_factory=dict)
    passed: Flags = field(default_factory=lambda: np.ones((), dtype=np.bool_))

    def operand(self, name: str, node: Node) -> Array:
        """The image that a node takes of a value."""
        return image_of(self.values[name], self.plan.taken_axes[node.name])

    def judge(self, name: str, left: NDArray[np.uint64]) -> None:
        """Note which rows of a product are what the challenge says that they are."""
        self.passed = self.passed & (left == self.rights.pop(name)).all(axis=1)

    def keep(self, node: Node, value: Array, known: Mapping[str, NDArray[np.uint64]]) -> None:
        """A value, and what the challenges of its products say of it."""
        self.values[node.name] = value
        for product in self.plan.consumers.get(node.name, ()):
            self.rights[product.name] = (
                known[product.name]
                if product.name in known
                else self.challenges[product.name].right(self.operand(node.name, product))
            )


def questions(plan: Plan, challenges: Challenges, x: Array) -> Questions:
    """The course of a batch of encoded inputs, stored: all questions to a worker, and the end."""
    course = _Course(plan, challenges, len(x))
    course.keep(plan.encode, x, {})
    for step, done in zip(plan.steps, plan.releases, strict=True):
        match step:
            case Round():
                image = course.operand(step.value, step.products[0])
                answers = yield step, image
                for node, answer in zip(step.products, answers, strict=True):
                    _take(course, node, answer)
            case Pass():
                _pass(course, step)
            case Local():
                course.keep(step.node, _local(course, step.node), {})
        for name in done:
            course.values.pop(name, None)
    (name,) = plan.graph.outputs
    return Judged(unstored(course.values[name]), np.broadcast_to(course.passed, course.rows))


def _take(course: _Course, node: Node, answer: Array) -> None:
    """A worker's product: checked at once, unless a pass will look at it anyway."""
    challenge = course.challenges[node.name]
    course.passed = course.passed & challenge.is_canonical(answer)
    if node.name not in course.plan.checked_in_passing:
        course.judge(node.name, challenge.left(answer))
    course.values[node.name] = value_of(answer, node.type.shape, course.plan.axes[node.name])


def _pass(course: _Course, step: Pass) -> None:
    rescale = step.rescale.op
    assert isinstance(rescale, Rescale), "a pass begins with a rescaling"
    axis = course.plan.axes[step.rescale.name]
    checked = course.plan.checked_in_passing
    sources = [
        Source(
            image_of(course.values[name], axis),
            course.challenges[name] if name in checked else None,
        )
        for name in step.rescale.args
    ]
    pool = step.pool.op if step.pool else None
    assert pool is None or isinstance(pool, Pool), "a pass ends with a pooling"
    shape = step.node.type.shape
    along = course.plan.along[step.node.name]
    name = step.node.name
    if name not in course.plan.settings:
        course.plan.settings[name] = setting(sources, rescale, pool)
    done = course.plan.settings[name](sources, [course.challenges[each.name] for each in along])
    for name, left in zip(step.rescale.args, done.lefts, strict=True):
        if left is not None:
            course.judge(name, left)
    rights = {each.name: right for each, right in zip(along, done.rights, strict=True)}
    course.keep(step.node, value_of(done.values, shape, axis), rights)


def _local(course: _Course, node: Node) -> Array:
    """What the verifier computes by itself, of stored values and stored."""
    values = [course.values[name] for name in node.args]
    op, shape = node.op, node.type.shape
    match op:
        case Convolution() | Dense():
            found = _multiplied(course.operand(node.args[0], node), op)
            return value_of(found, shape, course.plan.axes[node.name])
        case Pool(kind=PoolKind.MAXIMUM) if len(shape) == 3:
            return maximum(values[0], op)
        case Totals() if len(shape) == 3:
            return totals(values[0], op)
        case Table():
            return op.table[values[0].astype(np.int64) - op.low].astype(_kind(op.table))
        case Pad() if len(shape) == 3:
            return bordered(values[0], op)
        case Reshape() | Permute() | Slice() | Concat() | Pad() | Pool():
            moved = op.run(*(unstored(value) for value in values))
            return stored(moved.astype(values[0].dtype))
        case Decode():
            return stored(op.run(*(unstored(value).astype(np.float64) for value in values)))
        case _:
            return _exactly(node, values)


def _multiplied(image: Array, op: Product) -> Array:
    if isinstance(op, Convolution) and op.is_depthwise and image.dtype == np.uint8:
        return depthwise(image, op)
    return convolve(image, op)


def _exactly(node: Node, values: Sequence[Array]) -> Array:
    """Any other op by its definition: sums and products of integers, or reals at the end."""
    found = node.op.run(*(unstored(value).astype(np.float64) for value in values))
    if all(value.dtype == np.float64 for value in values):
        return stored(found)
    whole = found.astype(np.int32)
    assert np.array_equal(whole, found), "the lowering has proven that 32 bits are enough"
    return stored(whole)


def _kind(table: Array) -> type[np.uint8] | type[np.int32]:
    return np.uint8 if table.min() >= 0 and table.max() <= np.iinfo(np.uint8).max else np.int32
