"""A model of real numbers becomes one of small integers: grids are put in, layers replaced."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn

from tacit.errors import ReadError, TypeMismatch
from tacit.tune.qat.activations import QuantIdentity, fitted
from tacit.tune.qat.folding import fold_norms
from tacit.tune.qat.layers import QuantConv2d, QuantLinear, Sums
from tacit.tune.qat.roles import Role, read_by, role_of
from tacit.tune.qat.settings import Quantisation
from tacit.tune.sites import plain_name
from tacit.tune.trace import traced

# Functions with weights of their own, which only layers have on grids.
_WEIGHTED = frozenset({"linear", "conv1d", "conv2d", "conv3d", "addmm", "convolution"})
_OTHERS = frozenset({nn.Conv1d, nn.Conv3d, nn.ConvTranspose2d, nn.MultiheadAttention, nn.Bilinear})


class _Watch(fx.Interpreter):
    """Runs a traced model and keeps every value."""

    def __init__(self, model: fx.GraphModule) -> None:
        super().__init__(model)
        self.values: dict[fx.Node, object] = {}

    def run_node(self, n: fx.Node) -> Any:
        """The node's value."""
        self.values[n] = super().run_node(n)
        return self.values[n]


@dataclass
class _Plan:
    """A traced model on its way: what it computed, and which calls are known to give a grid."""

    model: fx.GraphModule
    settings: Quantisation
    values: dict[fx.Node, object]
    grids: dict[fx.Node, QuantIdentity] = field(default_factory=dict)

    def role(self, node: fx.Node) -> Role:
        return role_of(node, self.model, self.values)

    def read(self, node: fx.Node) -> list[fx.Node]:
        return read_by(node, self.values)

    def source(self, node: fx.Node) -> fx.Node:
        """The call that made the values which the node only moves."""
        while node not in self.grids and self.role(node) is Role.MOVES and self.read(node):
            node = self.read(node)[0]
        return node


def quantise(
    model: nn.Module,
    example: Tensor | tuple[Tensor, ...],
    settings: Quantisation | None = None,
) -> fx.GraphModule:
    """A copy of the model in which every layer multiplies small integers, ready to be trained.

    The example is a batch of typical inputs, which grids are fitted to. Batch norms are folded into
    the layers before them. A grid stands wherever a layer, a pooling or a sum reads something that
    is on none; values that are added share one. Integers fit the accumulators from the start.

    Raises ReadError where the model cannot be traced, WidthExceeded where a layer's sums cannot
    fit, TypeMismatch where an exception is for a layer that there is not.
    """
    inputs = example if isinstance(example, tuple) else (example,)
    source = copy.deepcopy(model).cpu().eval()
    with torch.no_grad():
        made = traced(source, inputs)
        made.eval()
        fold_norms(made)
        _refuse_functions(made)
        watch = _Watch(made)
        watch.run(*inputs)
    plan = _Plan(made, settings or Quantisation(), watch.values)
    _refuse_unknown(plan)
    _place_grids(plan)
    _replace_layers(plan)
    made.graph.lint()
    made.recompile()
    return made.eval()


def _refuse_functions(model: fx.GraphModule) -> None:
    for node in model.graph.nodes:
        if node.op != "call_module" and plain_name(node) in _WEIGHTED:
            raise ReadError(
                f"{node.name} multiplies by weights, but is a function",
                hint="write it as nn.Linear or nn.Conv2d, in a model that torch.fx can trace",
            )
        if node.op == "call_module" and type(layer := model.get_submodule(node.target)) in _OTHERS:
            raise ReadError(
                f"{node.target} is a {type(layer).__name__}",
                hint="nn.Linear and nn.Conv2d are quantised",
            )


def _refuse_unknown(plan: _Plan) -> None:
    calls = (node for node in plan.model.graph.nodes if node.op == "call_module")
    known = {str(node.target) for node in calls if plan.role(node) is Role.WEIGHS}
    for name in plan.settings.layers:
        if name not in known:
            raise TypeMismatch(
                f"no layer is called {name!r}", hint=f"layers are {', '.join(sorted(known))}"
            )


def _place_grids(plan: _Plan) -> None:
    """Grids wherever something is read that has to lie on one."""
    for node in tuple(plan.model.graph.nodes):
        match plan.role(node):
            case Role.WEIGHS | Role.SUMS:
                for each in plan.read(node):
                    _require_grid(plan, plan.source(each))
            case Role.MEETS:
                _share_grid(plan, node)
            case Role.JOINS:
                plan.grids[node] = _share_grid(plan, node)
            case _:
                pass


def _require_grid(plan: _Plan, source: fx.Node) -> None:
    """A grid behind the source, for all who read it."""
    if source in plan.grids:
        return
    is_input = source.op == "placeholder"
    bits = _bits(plan, source)
    grid = fitted(_tensor(plan, source), bits, whole=is_input)
    name = _add(plan.model, grid, f"{_title(source)}_grid")
    with plan.model.graph.inserting_after(source):
        made = plan.model.graph.call_module(name, (source,))
    source.replace_all_uses_with(made, delete_user_cb=lambda user: user is not made)
    _know(plan, made, grid, source)


def _share_grid(plan: _Plan, node: fx.Node) -> QuantIdentity:
    """One grid for all that a call reads."""
    given = list(dict.fromkeys(plan.read(node)))
    known = {plan.grids.get(plan.source(each)) for each in given}
    if len(known) == 1 and None not in known:
        (same,) = (each for each in known if each is not None)
        return same
    together = torch.cat([_tensor(plan, each).flatten() for each in given])
    grid = fitted(together, plan.settings.activations)
    name = _add(plan.model, grid, f"{_title(node)}_grid")
    for each in given:
        with plan.model.graph.inserting_before(node):
            made = plan.model.graph.call_module(name, (each,))
        node.replace_input_with(each, made)
        _know(plan, made, grid, each)
    return grid


def _know(plan: _Plan, made: fx.Node, grid: QuantIdentity, source: fx.Node) -> None:
    plan.grids[made] = grid
    plan.values[made] = plan.values[source]


def _bits(plan: _Plan, source: fx.Node) -> int:
    """The most bits that any of the layers asks for which read the source."""
    settings = plan.settings
    usual = settings.activations
    if source.op == "placeholder":
        usual = settings.inputs or usual
    asked = [
        own.activations
        for node in plan.model.graph.nodes
        if (own := settings.layers.get(str(node.target))) and own.activations
        if plan.source(plan.read(node)[0]) is source
    ]
    return max(asked, default=usual)


def _replace_layers(plan: _Plan) -> None:
    """Every layer with weights becomes a quantised one, every call of it one of its own."""
    settings, seen = plan.settings, set()
    calls = [node for node in plan.model.graph.nodes if plan.role(node) is Role.WEIGHS]
    originals = {node.target: plan.model.get_submodule(str(node.target)) for node in calls}
    for node in calls:
        name = str(node.target)
        layer, grid = originals[name], plan.grids[plan.source(plan.read(node)[0])]
        widths = settings.of(name, is_last=_is_last(plan, node))
        assert widths.weights
        assert widths.accumulator
        knobs = Sums(
            *(widths.weights, widths.accumulator, settings.enforcement, settings.per_channel),
            name,
        )
        match layer:
            case nn.Linear():
                made: nn.Module = QuantLinear(layer, grid, knobs)
            case nn.Conv2d():
                made = QuantConv2d(layer, grid, knobs)
            case _:
                raise AssertionError(f"{name} has no weights")
        if name in seen:
            node.target = _add(plan.model, made, name)
        else:
            plan.model.set_submodule(name, made)
        seen.add(name)


def _is_last(plan: _Plan, node: fx.Node) -> bool:
    """Whether what the layer gives is only moved until it is a result."""
    return all(
        user.op == "output" or (plan.role(user) is Role.MOVES and _is_last(plan, user))
        for user in node.users
    )


def _tensor(plan: _Plan, node: fx.Node) -> Tensor:
    value = plan.values[node]
    if not isinstance(value, Tensor):
        raise ReadError(f"{node.name} gives no tensor that a grid could be fitted to")
    return value


def _title(node: fx.Node) -> str:
    """A name for what comes behind a call: its module's path, or its own name."""
    if node.op in {"call_module", "placeholder"}:
        return str(node.target)
    stack: Mapping[str, tuple[str, Any]] = node.meta.get("nn_module_stack") or {}
    path = [path for path, _ in stack.values()][-1] if stack else ""
    return path or node.name


def _add(model: fx.GraphModule, module: nn.Module, title: str) -> str:
    """The free name, made of the title, under which the model holds the module."""
    name = next(each for each in _names(title) if not _is_taken(model, each))
    model.add_submodule(name, module)
    return name


def _names(title: str) -> Iterable[str]:
    yield title
    count = 1
    while True:
        yield f"{title}_{count}"
        count += 1


def _is_taken(model: nn.Module, name: str) -> bool:
    held = (model.named_modules(), model.named_parameters(), model.named_buffers())
    return any(name == other for each in held for other, _ in each)
