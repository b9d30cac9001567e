"""From an ONNX model to a graph: one walk over its nodes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from tacit.errors import ReadError
from tacit.ir.graph import Graph
from tacit.ir.rewrite import Builder
from tacit.read.onnx.call import PROBE, Call
from tacit.read.onnx.grids import CONSTANT_TOO, QONNX
from tacit.read.onnx.table import BY_NAME
from tacit.read.shared import Array, Held, Operand, Site, unsupported

# Where torch's exporter writes the module path: a list, from the model down to the call.
_SCOPES = "pkg.torch.onnx.name_scopes"
_STANDARD = ("", "ai.onnx")


@dataclass(frozen=True)
class _Reading:
    """The walk's state: the graph so far, and what each name of the model stands for."""

    opset: int
    batch: int
    builder: Builder = field(default_factory=Builder)
    values: dict[str, Operand] = field(default_factory=dict)


def graph_of(model: onnx.ModelProto) -> Graph:
    """The graph of a checked model without functions of its own."""
    initial = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in initial]
    opset = next(each.version for each in model.opset_import if each.domain in _STANDARD)
    reading = _Reading(opset, _batch(inputs))
    reading.values.update(initial)
    for each in inputs:
        reading.values[each.name] = _input(reading, each)
    _walk(reading, model.graph.node)
    return reading.builder.graph(*(_result(reading, each.name) for each in model.graph.output))


def _batch(inputs: Iterable[onnx.ValueInfoProto]) -> int:
    """What the model's own arithmetic on shapes sees as the batch: its extent or the probe."""
    first = [dims[0] for dims in map(_dimensions, inputs) if dims]
    fixed = {each.dim_value for each in first if each.dim_value > 0}
    free = [each for each in first if each.dim_value <= 0]
    if len(fixed) > 1 or (fixed and free):
        raise ReadError(
            f"the inputs disagree on the batch: {sorted(fixed)}{' and free' if free else ''}",
            hint="the first axis of every input is the batch",
        )
    return fixed.pop() if fixed else PROBE


def _dimensions(given: onnx.ValueInfoProto) -> list[onnx.TensorShapeProto.Dimension]:
    return list(given.type.tensor_type.shape.dim)


def _input(reading: _Reading, given: onnx.ValueInfoProto) -> Held:
    site = Site(reading.builder, given.name, f"input {given.name}")
    dimensions = _dimensions(given)
    if not dimensions:
        raise site.refusal("it has no batch", hint="the first axis of every input is the batch")
    shape = tuple(each.dim_value for each in dimensions[1:])
    if any(n <= 0 for n in shape):
        names = ", ".join(each.dim_param or str(each.dim_value) for each in dimensions)
        raise site.refusal(
            f"an axis of its shape ({names}) has no fixed extent",
            hint="only the batch may vary; export with the other axes fixed",
        )
    return Held(reading.builder.input(given.name, shape))


def _result(reading: _Reading, name: str) -> str:
    value = reading.values[name]
    if not isinstance(value, Held):
        raise ReadError(f"the result {name} does not depend on the input")
    return value.name


def _walk(reading: _Reading, nodes: Iterable[onnx.NodeProto]) -> None:
    """Read node after node."""
    for node in nodes:
        if node.op_type == "If":
            _branch(reading, node)
            continue
        results = _node(reading, node)
        reading.values.update(
            {name: value for name, value in zip(node.output, results, strict=False) if name}
        )


def _branch(reading: _Reading, node: onnx.NodeProto) -> None:
    """Read the branch of an If whose condition is known."""
    condition = reading.values[node.input[0]]
    if isinstance(condition, Held):
        raise unsupported(_site(reading, node))
    wanted = "then_branch" if np.all(condition) else "else_branch"
    body = next(each.g for each in node.attribute if each.name == wanted)
    reading.values.update({each.name: numpy_helper.to_array(each) for each in body.initializer})
    _walk(reading, body.node)
    for outside, inside in zip(node.output, body.output, strict=True):
        reading.values[outside] = reading.values[inside.name]


def _node(reading: _Reading, node: onnx.NodeProto) -> tuple[Operand, ...]:
    """What a node gives: values of the graph, or constants where nothing depends on the input."""
    site = _site(reading, node)
    missing = [name for name in node.input if name and name not in reading.values]
    if missing:
        raise site.refusal(f"the model uses {missing[0]}, one of several results that is not read")
    inputs = tuple(reading.values[name] if name else None for name in node.input)
    is_constant = not any(isinstance(each, Held) for each in inputs)
    if is_constant and node.op_type not in CONSTANT_TOO:
        return _folded(reading, node, site)
    domains = QONNX if node.op_type == "Quant" else _STANDARD
    layer = BY_NAME.get(node.op_type) if node.domain in domains else None
    if layer is None:
        raise unsupported(site)
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    call = Call(site, inputs, attributes, reading.opset, reading.batch, len(node.output))
    result: Any = layer.read(call)
    return result if isinstance(result, tuple) else (result,)


def _folded(reading: _Reading, node: onnx.NodeProto, site: Site) -> tuple[Array, ...]:
    """What a node on the model's own arrays gives, computed now as the standard says."""
    if node.op_type.startswith("Random") or node.op_type in ("Bernoulli", "Multinomial"):
        raise unsupported(site)
    anything = onnx.TypeProto()
    inputs = [helper.make_value_info(name, anything) for name in node.input if name]
    outputs = [helper.make_value_info(name, anything) for name in node.output if name]
    graph = helper.make_graph([node], "one", inputs, outputs)
    opsets = [helper.make_opsetid("", reading.opset)]
    feed = {name: reading.values[name] for name in node.input if name}
    try:
        model = helper.make_model(graph, opset_imports=opsets)
        given = ReferenceEvaluator(model).run(None, feed)
    # The reference runs any of some two hundred ops, each with exceptions of its own.
    except Exception as wrong:
        raise site.refusal(f"it cannot be computed on constants: {wrong}") from wrong
    found = iter(np.asarray(each) for each in given)
    return tuple(next(found) if name else np.zeros(0) for name in node.output)


def _site(reading: _Reading, node: onnx.NodeProto) -> Site:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", node.op_type).lower()
    return Site(reading.builder, words, node.op_type, _origin(node))


def _origin(node: onnx.NodeProto) -> str:
    """The module path, where the exporter wrote it down, else the node's name."""
    for each in node.metadata_props:
        if each.key == _SCOPES and each.value.startswith("["):
            scopes = ast.literal_eval(each.value)
            if len(scopes) > 1 and scopes[-2]:
                return str(scopes[-2])
    return str(node.name)
