"""What a call in a traced model does to values on a grid."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from torch import Tensor, fx, nn

from tacit.tune.sites import plain_name


class Role(enum.Enum):
    """What a call needs of its inputs, and what it leaves of their grid.

    `MOVES` leaves values as they are. `WEIGHS` multiplies by weights, and `SUMS` adds up entries of
    one value or multiplies values: inputs must lie on grids. `MEETS` adds values, whose grids must
    be one. `JOINS` puts values of one grid together, which stay on it. `BENDS` is any function.
    """

    MOVES = "moves"
    WEIGHS = "weighs"
    SUMS = "sums"
    MEETS = "meets"
    JOINS = "joins"
    BENDS = "bends"


_NAMES: Mapping[Role, frozenset[str]] = {
    Role.MOVES: frozenset(
        {
            *("flatten", "reshape", "view", "permute", "transpose", "squeeze", "unsqueeze"),
            *("contiguous", "clone", "detach", "getitem", "dropout", "identity", "t"),
            *("max_pool1d", "max_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d"),
            *("boolean_dispatch", "amax", "chunk", "split", "select", "narrow", "feature_dropout"),
        }
    ),
    Role.SUMS: frozenset(
        {
            *("avg_pool1d", "avg_pool2d", "adaptive_avg_pool1d", "adaptive_avg_pool2d"),
            *("mean", "sum", "mul", "imul", "matmul", "mm", "bmm"),
        }
    ),
    Role.MEETS: frozenset({"add", "iadd", "sub", "isub"}),
    Role.JOINS: frozenset({"cat", "concat", "stack", "maximum", "minimum", "max", "min"}),
}
_ROLES = {name: role for role, names in _NAMES.items() for name in names}
_MOVING = (nn.Flatten, nn.Unflatten, nn.Identity, nn.Dropout, nn.Dropout2d, nn.AlphaDropout)
# Of two values these are what their names say; of one value and a number they are functions.
_OF_TWO = frozenset({"mul", "imul", "maximum", "minimum", "max", "min", *_NAMES[Role.MEETS]})


def role_of(node: fx.Node, model: nn.Module, values: Mapping[fx.Node, object]) -> Role:
    """The role of a call, given the values that the model computes."""
    if node.op == "call_module":
        match model.get_submodule(str(node.target)):
            case nn.Linear() | nn.Conv2d():
                return Role.WEIGHS
            case module:
                return Role.MOVES if isinstance(module, _MOVING) else Role.BENDS
    name = plain_name(node)
    if name in _OF_TWO and len(read_by(node, values)) < 2:
        return Role.BENDS
    if name == "pad":
        return Role.BENDS if _filling(node) else Role.MOVES
    return _ROLES.get(name, Role.BENDS)


def read_by(node: fx.Node, values: Mapping[fx.Node, object]) -> list[fx.Node]:
    """The calls whose tensors a call reads; twice where it reads one twice."""
    given: list[fx.Node] = []
    fx.map_arg((node.args, node.kwargs), given.append)
    return [each for each in given if isinstance(values[each], Tensor | tuple)]


def _filling(node: fx.Node) -> bool:
    """Whether a border is of something that is not zero."""
    mode = node.args[2] if len(node.args) > 2 else node.kwargs.get("mode", "constant")
    value = node.args[3] if len(node.args) > 3 else node.kwargs.get("value")
    return bool(mode != "constant") or value not in {None, 0}
