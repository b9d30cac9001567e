"""Batch norms are merged into the layers before them, so that what is rounded is what will run."""

from __future__ import annotations

from collections import Counter

from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval


def fold_norms(model: fx.GraphModule) -> None:
    """The traced model without the batch norms that follow a layer which nothing else reads."""
    calls = Counter(node.target for node in model.graph.nodes if node.op == "call_module")
    for node in tuple(model.graph.nodes):
        if node.op != "call_module" or not isinstance(node.args[0], fx.Node):
            continue
        before = node.args[0]
        if before.op != "call_module" or len(before.users) > 1 or calls[before.target] > 1:
            continue
        layer = model.get_submodule(str(before.target))
        made = _joined(layer, model.get_submodule(str(node.target)))
        if made is None:
            continue
        model.set_submodule(str(before.target), made)
        node.replace_all_uses_with(before)
        model.graph.erase_node(node)
    model.delete_all_unused_submodules()
    model.recompile()


def _joined(layer: nn.Module, norm: nn.Module) -> nn.Module | None:
    """The layer that does both, if there is one."""
    match layer, norm:
        case nn.Conv2d(), nn.BatchNorm2d(track_running_stats=True):
            return fuse_conv_bn_eval(layer, norm)
        case nn.Linear(), nn.BatchNorm1d(track_running_stats=True):
            return fuse_linear_bn_eval(layer, norm)
        case _:
            return None
