"""Where a model computes what polynomials can only approximate: found by tracing it.

Every call is a place of its own, so that a module which is called twice is replaced twice.
"""

from __future__ import annotations

import copy
import itertools
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from torch.utils import _pytree as pytree

from tacit.errors import ReadError
from tacit.ir.functions import FUNCTIONS, Function
from tacit.tune.paf import Exact
from tacit.tune.pooling import Along, Entrants, Maximum, Pair, Window
from tacit.tune.scaling import Scale, observe
from tacit.tune.trace import OPENED, traced

# No tournament has more levels than a count has bits.
LEVELS = 64
# What two ways to run one model may differ by, relative to its largest result, in float32.
SAME = 1e-4
# A polynomial already, and parts of norms and softmax, which are approximated as a whole.
KEPT = frozenset({"square", "exp", "log", "sqrt", "rsqrt", "inverse"})


@dataclass(frozen=True)
class Call:
    """A call in a traced model: its function's plain name, and its arguments."""

    node: fx.Node
    name: str

    def get(self, place: int, name: str, default: Any) -> Any:
        """The argument of that place or name, the default where it is missing or None."""
        args, kwargs = self.node.args, self.node.kwargs
        value = args[place] if place < len(args) else kwargs.get(name)
        return default if value is None else value

    @property
    def inputs(self) -> tuple[fx.Node, ...]:
        """The tensors that it reads."""
        named = (self.node.kwargs.get(each) for each in ("input", "self", "other"))
        given = (*self.node.args, *named)
        return tuple(each for each in given if isinstance(each, fx.Node))

    @property
    def is_in_place(self) -> bool:
        """Whether it changes its input."""
        named = str(getattr(self.node.target, "__name__", self.node.target)).split(".")[0]
        return named.endswith("_") or self.node.kwargs.get("inplace") is True

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of its first input in the example."""
        return tuple(self.inputs[0].meta["tensor_meta"].shape)


# What makes a layer of a call, given its name and place; None where the call is none to replace.
Maker = Callable[[Call, str, int], nn.Module | None]


def prepared(model: nn.Module, example: Tensor | tuple[Tensor, ...]) -> fx.GraphModule:
    """A copy of the model in which every activation and maximum is a layer of its own.

    Layers are called as the module that made the call, or, for functions, as that module and the
    function; a second call in the same place has _1 behind its name. Nothing is approximated yet.
    The copy is traced as when it predicts, so dropout that is a function is left out.

    Raises ReadError where the model can be traced in no way, or computes something else then.
    """
    inputs = example if isinstance(example, tuple) else (example,)
    flags = {name: each.training for name, each in model.named_modules()}
    source = copy.deepcopy(model).eval()
    with torch.no_grad():
        wanted = source(*inputs)
        made = traced(source, inputs)
        _place(made, inputs)
        made.eval()
        _refuse_other(wanted, made(*inputs))
    observe(made, [inputs])
    for name, each in made.named_modules():
        each.training = flags.get(name, model.training)
    return made


def _place(model: fx.GraphModule, inputs: tuple[Tensor, ...]) -> None:
    """Put a layer in the place of every call that the table knows."""
    shapes: Callable[..., object] = ShapeProp
    operator.methodcaller("propagate", *inputs)(shapes(model))
    held = (model.named_modules(), model.named_parameters(), model.named_buffers())
    taken = {name for each in held for name, _ in each}
    for place, node in enumerate(tuple(model.graph.nodes)):
        call = Call(node, plain_name(node))
        maker = MAKERS.get(call.name)
        if maker is None or not call.inputs:
            continue
        name = _unused(_title(call), taken)
        layer = maker(call, name, place * LEVELS)
        if layer is None:
            continue
        taken.add(name)
        model.add_submodule(name, layer)
        _redirect(model.graph, call, name)
    model.graph.lint()
    model.recompile()


def _redirect(graph: fx.Graph, call: Call, name: str) -> None:
    """The graph with the layer of that name called instead."""
    node = call.node
    with graph.inserting_after(node):
        made = graph.call_module(name, call.inputs)
    # It is the layer's own call now, not one in the module that the user's code stood in.
    made.meta = {key: each for key, each in node.meta.items() if key != "nn_module_stack"}
    node.replace_all_uses_with(made)
    if call.is_in_place:
        # Whatever reads the input after that, reads what it was changed into.
        later = set(itertools.dropwhile(lambda each: each is not made, graph.nodes)) - {made}
        call.inputs[0].replace_all_uses_with(made, delete_user_cb=lambda user: user in later)
    graph.erase_node(node)


def plain_name(node: fx.Node) -> str:
    """What torch calls the function, without the mark of changing its input; or nothing."""
    match node.op, node.target:
        case "call_function", torch._ops.OpOverload() as target:
            name = target._schema.name.partition("::")[2]
        case "call_function", target:
            name = str(getattr(target, "__name__", ""))
        case "call_method", str() as target:
            name = target
        case _:
            return ""
    return name.removesuffix("_")


def _title(call: Call) -> str:
    """The path of the module that is the call, or of the one that made it and the function."""
    stack = list((call.node.meta.get("nn_module_stack") or {}).values())
    path, kind = stack[-1] if stack else ("", "")
    own = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
    # A module that is called again has "@1", "@2", … behind its path in an exported program.
    path = re.sub(r"@\d+$", "", path)
    if own.startswith(OPENED):
        return path
    return f"{path}.{call.name}" if path else call.name


def _unused(title: str, taken: set[str]) -> str:
    others = (f"{title}_{k}" for k in itertools.count(1))
    return next(each for each in itertools.chain((title,), others) if each not in taken)


def _refuse_other(wanted: object, found: object) -> None:
    """Raise where tracing has lost something that the model does."""
    pairs = zip(pytree.tree_leaves(wanted), pytree.tree_leaves(found), strict=True)
    for ours, theirs in ((a.double(), b.double()) for a, b in pairs if isinstance(a, Tensor)):
        gap = float((ours - theirs).abs().max() / ours.abs().max().clamp_min(1.0))
        if not gap <= SAME:
            raise ReadError(
                f"the traced model's result differs from the model's by {gap:.2g} of its size",
                hint="keep random numbers and state out of forward",
            )


def _called(
    target: Any, rest: tuple[Any, ...], options: Mapping[str, Any], *inputs: Tensor
) -> Tensor:
    """What the call gives; methods are called by name."""
    call = operator.methodcaller(target, *rest, **options) if isinstance(target, str) else None
    result: Tensor = call(*inputs) if call else target(*inputs, *rest, **options)
    return result


def _original(call: Call) -> Callable[..., Tensor]:
    """The call itself as a function of its inputs, which it leaves as they are."""
    node = call.node
    rest = tuple(each for each in node.args if not isinstance(each, fx.Node))
    options = {k: v for k, v in node.kwargs.items() if not isinstance(v, fx.Node)}
    if "inplace" in options:
        options["inplace"] = False
    own = partial(_called, node.target, rest, options)
    return (lambda *inputs: own(inputs[0].clone(), *inputs[1:])) if call.is_in_place else own


def _pointwise(name: str, parameters: tuple[tuple[str, float], ...] = ()) -> Maker:
    """A scalar function, whose parameters come behind its input, named as torch names them."""

    def made(call: Call, title: str, place: int) -> nn.Module | None:
        values = tuple(call.get(1 + k, *each) for k, each in enumerate(parameters))
        if not all(isinstance(each, int | float) for each in values):
            return None
        return Exact(Function(name, values), Scale(title, place), _original(call))

    return made


def _gelu(call: Call, title: str, place: int) -> nn.Module | None:
    tanh = call.node.kwargs.get("approximate", "none") == "tanh"
    return Exact(Function("gelu_tanh" if tanh else "gelu"), Scale(title, place), _original(call))


def _clamp(call: Call, title: str, place: int) -> nn.Module | None:
    low, high = call.get(1, "min", -math.inf), call.get(2, "max", math.inf)
    match low, high:
        case (0 | 0.0, math.inf):
            function = Function("relu")
        case (int() | float(), int() | float()) if math.isfinite(low) and math.isfinite(high):
            function = Function("hardtanh", (low, high))
        case _:
            return None
    return Exact(function, Scale(title, place), _original(call))


def _threshold(call: Call, title: str, place: int) -> nn.Module | None:
    if (call.get(1, "threshold", None), call.get(2, "value", None)) != (0, 0):
        return None
    return Exact(Function("relu"), Scale(title, place), _original(call))


def _maximum(call: Call, title: str, place: int) -> nn.Module | None:
    # With an axis, max gives positions too.
    if len(call.inputs) != 2:
        return None
    return Maximum(title, place, Pair(), _original(call))


def _amax(call: Call, title: str, place: int) -> nn.Module | None:
    given = call.get(1, "dim", ())
    rank = len(call.shape)
    axes = (given,) if isinstance(given, int) else tuple(given) or tuple(range(rank))
    count = math.prod(call.shape[each] for each in axes)
    entrants = Along(axes, count, bool(call.get(2, "keepdim", False)))
    return _contest(call, title, place, entrants)


def _positions(call: Call, title: str, _: int) -> nn.Module | None:
    raise ReadError(
        f"{title} gives the positions of its maxima, by {call.name}",
        hint="leave return_indices out; write adaptive pooling as a pooling",
    )


def _pool(rank: int) -> Maker:
    def made(call: Call, title: str, place: int) -> nn.Module | None:
        if call.get(6, "return_indices", False):
            return _positions(call, title, place)
        kernel = _each(call.get(1, "kernel_size", 1), rank)
        stride = _each(call.get(2, "stride", ()) or kernel, rank)
        padding = _each(call.get(3, "padding", 0), rank)
        dilation = _each(call.get(4, "dilation", 1), rank)
        ceil = bool(call.get(5, "ceil_mode", False))
        return _contest(call, title, place, Window(kernel, stride, padding, dilation, ceil))

    return made


def _adaptive(rank: int) -> Maker:
    def made(call: Call, title: str, place: int) -> nn.Module | None:
        # In an exported program it gives positions whether they were asked for or not.
        is_exported = isinstance(call.node.target, torch._ops.OpOverload)
        if is_exported or call.get(2, "return_indices", False):
            return _positions(call, title, place)
        size, wanted = call.shape[-rank:], call.get(1, "output_size", 1)
        target = _each(wanted, rank)
        if any(n % m for n, m in zip(size, target, strict=True)):
            raise ReadError(
                f"{title} pools {size} to {target}, by windows of different extents",
                hint="pool to extents that divide those of the input",
            )
        kernel = tuple(n // m for n, m in zip(size, target, strict=True))
        return _contest(call, title, place, Window(kernel, kernel, (0,) * rank, (1,) * rank))

    return made


def _each(value: Any, rank: int) -> tuple[int, ...]:
    numbers = (value,) if isinstance(value, int) else tuple(value)
    return numbers * rank if len(numbers) == 1 else numbers


def _contest(call: Call, title: str, place: int, entrants: Entrants) -> nn.Module | None:
    # A maximum of one is no maximum.
    return Maximum(title, place, entrants, _original(call)) if entrants.count > 1 else None


_WITH_PARAMETERS = {
    "leaky_relu": _pointwise("leaky_relu", (("negative_slope", 0.01),)),
    "hardtanh": _pointwise("hardtanh", (("min_val", -1.0), ("max_val", 1.0))),
    "elu": _pointwise("elu", (("alpha", 1.0),)),
    "softplus": _pointwise("softplus", (("beta", 1.0), ("threshold", 20.0))),
    "gelu": _gelu,
    "clamp": _clamp,
    "clamp_min": _clamp,
    "threshold": _threshold,
    "max": _maximum,
    "maximum": _maximum,
    "amax": _amax,
}
_POOLS = {f"max_pool{rank}d": _pool(rank) for rank in (1, 2, 3)}
_ADAPTIVE = {f"adaptive_max_pool{rank}d": _adaptive(rank) for rank in (1, 2, 3)}
_WITH_POSITIONS = {f"{name}_with_indices": _positions for name in (*_POOLS, *_ADAPTIVE)}
_POINTWISE = {
    name: _pointwise(family.name)
    for family in FUNCTIONS.values()
    if family.name not in KEPT
    for name in (family.name, *family.torch)
    if not name.endswith("_")
}
MAKERS: Mapping[str, Maker] = MappingProxyType(
    _POINTWISE | _WITH_PARAMETERS | _POOLS | _ADAPTIVE | _WITH_POSITIONS
)
