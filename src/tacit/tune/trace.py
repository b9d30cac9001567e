"""A model as a graph of calls: by torch.fx, or by torch.export where fx cannot."""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn
from torch.export import Dim, ExportedProgram

from tacit.errors import ReadError

# Modules that are one call of a function, which is what is looked for.
OPENED = ("torch.nn.modules.activation", "torch.nn.modules.pooling")


class _Tracer(fx.Tracer):
    """Traces into modules down to torch's own, and remembers the last one that it entered."""

    def __init__(self) -> None:
        super().__init__()
        self.path = ""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module is one call: torch's own without modules inside."""
        self.path = module_qualified_name
        if isinstance(m, nn.MultiheadAttention):
            return True
        own = type(m).__module__
        return own.startswith("torch.nn") and own not in OPENED and not any(m.children())


def traced(model: nn.Module, inputs: tuple[Tensor, ...]) -> fx.GraphModule:
    """The graph of the model's calls, in which parameters keep their names.

    By torch.fx it holds the model's own layers, so that batch norms still train; an exported
    program, the second way, computes them for ever as when it predicts. ReadError if both fail.
    """
    tracer = _Tracer()
    try:
        return fx.GraphModule(model, tracer.trace(model))
    # Tracing runs the user's own code, which may raise anything.
    except Exception as wrong:
        first = f"in {tracer.path or 'forward'}, {_first_line(wrong)}"
    try:
        return _exported(model, inputs)
    except Exception as wrong:
        raise ReadError(
            f"the model cannot be traced: torch.fx says, {first}; "
            f"torch.export says, {_first_line(wrong)}",
            hint="its forward must not branch on values of tensors",
        ) from wrong


def _exported(model: nn.Module, inputs: tuple[Tensor, ...]) -> fx.GraphModule:
    # An extent of one would count as fixed.
    doubled = tuple(each[[0, 0]] if len(each) == 1 else each for each in inputs)
    shapes = tuple({0: Dim.AUTO} for _ in inputs)
    return module_of(torch.export.export(model, doubled, dynamic_shapes=shapes))


def module_of(program: ExportedProgram) -> fx.GraphModule:
    """An exported program as a module, with train and eval, and without the export's checks."""
    module = program.module()
    assert isinstance(module, fx.GraphModule)
    for node in tuple(module.graph.nodes):
        if node.op == "call_module" and not node.users:
            module.graph.erase_node(node)
    return fx.GraphModule(module, module.graph)


def _first_line(wrong: Exception) -> str:
    return (str(wrong).strip().splitlines() or [type(wrong).__name__])[0]
