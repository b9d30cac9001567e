"""Which weights come before a layer, in the order in which a traced network computes."""

from __future__ import annotations

from collections.abc import Mapping

from torch import fx, nn

from tacit.tune.sites import LEVELS


def places(model: nn.Module) -> Mapping[str, int]:
    """For every parameter by its path the place of the first call that uses it.

    Places are counted as those of scales, whose layers stand in the same graph.
    """
    assert isinstance(model, fx.GraphModule), "only traced models have layers that are replaced"
    first: dict[str, int] = {}
    for number, node in enumerate(model.graph.nodes):
        if node.op in {"call_module", "get_attr"}:
            first.setdefault(str(node.target), number * LEVELS)
    names = [name for name, _ in model.named_parameters()]
    return {name: _first(name, first) for name in names}


def _first(name: str, first: Mapping[str, int]) -> int:
    """The place of the parameter itself, or of the module that holds it; 0 where nobody calls."""
    parts = name.split(".")
    outer = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((first[each] for each in outer if each in first), 0)
