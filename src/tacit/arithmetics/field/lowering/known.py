"""What is known of the nodes that were lowered, in the form in which the next one needs it."""

from __future__ import annotations

from tacit.arithmetics.field.lowering.values import Fixed, Sum, Value, Whole, axis_in, on_grid
from tacit.arithmetics.field.lowering.words import Words
from tacit.errors import LoweringError
from tacit.grids import Grid
from tacit.ir.graph import Node


class Known:
    """The value of every node so far.

    One that was put on its grid stays there, so that all who use it share the word.
    """

    def __init__(self, words: Words) -> None:
        self.words = words
        self._values: dict[str, Value] = {}

    def __getitem__(self, node: Node) -> Value:
        return self._values[node.name]

    def note(self, node: Node, value: Value) -> None:
        """Keep a node's value."""
        self._values[node.name] = value

    def whole(self, node: Node) -> Whole:
        """The node's value as integers on the grid of its range."""
        value = self[node]
        if isinstance(value, Whole):
            return value
        found = self.on(self.words.grid_of(node), node)
        self.note(node, found)
        return found

    def on(self, grid: Grid, node: Node) -> Whole:
        """The node's value as integers on this grid."""
        value = self[node]
        if isinstance(value, Whole) and on_grid(value.grid, grid):
            return value
        found = value.as_sum() if isinstance(value, Whole) else self.varying(node)
        return self.words.rescaled(found, grid, node)

    def affine(self, node: Node) -> Sum:
        """The node's value as an affine function of integers; what is clipped needs a grid."""
        value = self[node]
        if isinstance(value, Sum) and not value.is_clipped:
            return value
        self.varying(node)
        return self.whole(node).as_sum()

    def on_axis(self, node: Node, axis: int) -> Sum:
        """The node's value as an affine function whose channels are on this axis."""
        found = self.affine(node)
        axis = axis_in(found.shape, axis)
        if found.axis == axis:
            return found
        return found.along(found.shape, axis) if found.is_uniform else self.whole(node).as_sum(axis)

    def is_fixed(self, node: Node) -> bool:
        """Whether the node's value is a constant of the model."""
        return isinstance(self[node], Fixed)

    def varying(self, node: Node) -> Sum:
        """The node's value as a sum; refuses constants, and numbers without an axis."""
        value = self[node]
        if isinstance(value, Fixed):
            raise LoweringError(
                f"{node.where} does not depend on the input",
                hint="a constant needs no worker; take it out of the model",
            )
        if not value.shape:
            raise LoweringError(
                f"{node.where} is a number without an axis", hint="keep an axis of 1 entry"
            )
        return value.as_sum() if isinstance(value, Whole) else value
