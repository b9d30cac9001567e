"""From an exported program to a graph: one walk over its calls."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import fx
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, InputSpec, OutputKind, TensorArgument
from torch.utils import _pytree as pytree

from tacit.errors import ReadError
from tacit.ir.graph import Graph
from tacit.ir.rewrite import Builder
from tacit.read.shared import Held, Site, unsupported
from tacit.read.torch.call import Call, without_batch
from tacit.read.torch.grids import traceable
from tacit.read.torch.table import BY_NAME

# Calls that check something while tracing and give nothing.
_CHECKS = ("_assert", "sym_constrain_range", "_guards")
# Calls that make a constant with as many equal rows as the batch has; one row stands for all.
_ROWS = frozenset(
    {"expand", "full", "zeros", "ones", "new_zeros", "new_ones", "new_full", "repeat"}
)


@dataclass(frozen=True)
class _Reading:
    """The walk's state: the graph so far, and what each call's name stands for."""

    program: ExportedProgram
    builder: Builder = field(default_factory=Builder)
    values: dict[str, Any] = field(default_factory=dict)
    batches: set[str] = field(default_factory=set)


def graph_of(program: ExportedProgram) -> Graph:
    """The graph of an exported program."""
    # The empty table keeps layers whole; what it brings is that nothing is changed in place.
    with traceable():
        reading = _Reading(program.run_decompositions({}))
    specs = {spec.arg.name: spec for spec in reading.program.graph_signature.input_specs}
    outputs: tuple[str, ...] = ()
    for node in reading.program.graph.nodes:
        match node.op:
            case "placeholder":
                reading.values[node.name] = _input(reading, node, specs[node.name])
            case "get_attr":
                reading.values[node.name] = getattr(reading.program.graph_module, str(node.target))
            case "output":
                outputs = _outputs(reading, node)
            case _:
                reading.values[node.name] = _call(reading, node)
    return reading.builder.graph(*outputs)


def _input(reading: _Reading, node: fx.Node, spec: InputSpec) -> Any:
    """What a placeholder stands for: an input of the graph, or a constant of the model."""
    if spec.kind is not InputKind.USER_INPUT:
        name = spec.target or ""
        held = reading.program.state_dict
        return held[name] if name in held else reading.program.constants.get(name)
    if not isinstance(spec.arg, TensorArgument):
        return getattr(spec.arg, "value", None)
    site = Site(reading.builder, node.name, f"input {node.name}")
    sizes = node.meta["val"].shape
    if not sizes:
        raise site.refusal("it has no batch", hint="the first axis of every input is the batch")
    reading.batches.add(str(sizes[0]))
    shape = without_batch(site, sizes, frozenset(reading.batches))
    return Held(reading.builder.input(node.name, shape))


def _outputs(reading: _Reading, node: fx.Node) -> tuple[str, ...]:
    """The names of the program's results."""
    given = node.args[0]
    assert isinstance(given, tuple | list)
    names = []
    for spec, result in zip(reading.program.graph_signature.output_specs, given, strict=True):
        if spec.kind is OutputKind.USER_INPUT_MUTATION:
            continue
        if spec.kind is not OutputKind.USER_OUTPUT:
            raise ReadError(
                f"the model changes {spec.target} when it predicts",
                hint="keep state out of forward, or call eval() before exporting",
            )
        if result is None:
            continue
        value = reading.values[result.name] if isinstance(result, fx.Node) else result
        if not isinstance(value, Held):
            raise ReadError("a result of the model does not depend on its input")
        names.append(value.name)
    return tuple(names)


def _call(reading: _Reading, node: fx.Node) -> Any:
    """What a call gives: values of the graph, or a constant where nothing depends on the input."""
    args, kwargs = _filled(reading.values, (node.args, node.kwargs))
    site = Site(reading.builder, node.name, _kind(node), _origin(node))
    if any(site.kind.startswith(each) for each in _CHECKS):
        return None
    if node.target is operator.getitem:
        return _item(site, *args)
    leaves = pytree.tree_leaves((args, kwargs))
    if any(isinstance(each, Held) for each in leaves):
        return _layer(reading, node, site, (args, kwargs))
    result = node.meta.get("val")
    if isinstance(result, torch.SymInt | torch.SymBool | torch.SymFloat | int | float | bool):
        return result
    return _constant(reading, node, site, (args, kwargs))


def _filled(values: Mapping[str, Any], arguments: Any) -> Any:
    return fx.map_arg(arguments, lambda each: values[each.name])


def _item(site: Site, several: Any, index: int) -> Any:
    if index >= len(several):
        raise site.refusal(
            "the model uses positions or statistics beside a layer's result",
            hint="only the first result of a pooling or a norm is read",
        )
    return several[index]


def _layer(reading: _Reading, node: fx.Node, site: Site, given: tuple[Any, Any]) -> Any:
    """What the table's handler makes of the call."""
    target = node.target
    if isinstance(target, torch._ops.OpOverload):
        layer = BY_NAME.get(f"{site.kind}.{target._overloadname}") or BY_NAME.get(site.kind)
        if layer is not None:
            arguments = _by_name(target, *given)
            batches = frozenset(reading.batches)
            named = replace(site, name=_name(site.kind, layer.title))
            return layer.read(Call(named, arguments, node.meta.get("val"), batches))
    # An extent of a value, where it is not the batch's, was written as a number by the export.
    if site.kind == "sym_size":
        return node.meta["val"]
    raise unsupported(site)


def _by_name(target: torch._ops.OpOverload[..., Any], args: Any, kwargs: Any) -> dict[str, Any]:
    """All arguments by the schema's names, the missing ones with their defaults."""
    named = {}
    for position, argument in enumerate(target._schema.arguments):
        value = args[position] if position < len(args) else kwargs.get(argument.name)
        absent = position >= len(args) and argument.name not in kwargs
        named[argument.name] = argument.default_value if absent else value
    return named


def _constant(reading: _Reading, node: fx.Node, site: Site, given: tuple[Any, Any]) -> Any:
    """What a call on the model's own tensors gives, computed now by torch itself."""
    target = node.target
    if not isinstance(target, torch._ops.OpOverload):
        raise unsupported(site)
    if torch.Tag.nondeterministic_seeded in target.tags:
        raise unsupported(site)
    if any(isinstance(each, torch.SymInt) for each in pytree.tree_leaves(given)):
        if site.kind not in _ROWS or str(node.meta["val"].shape[0]) not in reading.batches:
            raise site.refusal("a constant of the model depends on the size of the batch")
        given = pytree.tree_map(partial(_one_row, batches=frozenset(reading.batches)), given)
    with torch.no_grad():
        return target(*given[0], **given[1])


def _one_row(value: Any, batches: frozenset[str]) -> Any:
    return 1 if isinstance(value, torch.SymInt) and str(value) in batches else value


def _kind(node: fx.Node) -> str:
    """What aten calls the op, without its overload; others' ops keep their library's name."""
    if isinstance(node.target, torch._ops.OpOverload):
        return node.target._schema.name.removeprefix("aten::")
    return str(getattr(node.target, "__name__", node.target))


def _name(kind: str, title: str) -> str:
    """A readable name for the layer's nodes: names that torch keeps to itself are not."""
    return title.replace(" ", "_") if kind.startswith("_") else kind


def _origin(node: fx.Node) -> str:
    """The path in the user's model of the module that made the call."""
    stack = node.meta.get("nn_module_stack") or {}
    paths = [path for key, (path, _) in stack.items() if not key.startswith("_empty")]
    # A module that is called again has "@1", "@2", … behind its path.
    return re.sub(r"@\d+$", "", paths[-1]) if paths else ""
