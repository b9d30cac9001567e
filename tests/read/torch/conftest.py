from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from tacit.ir.graph import Graph, evaluate
from tacit.read import read

Gap = Callable[..., float]


def of_graph(graph: Graph, inputs: list[torch.Tensor]) -> list[Any]:
    named = {node.name: x.numpy() for node, x in zip(graph.inputs, inputs, strict=True)}
    found = evaluate(graph, named)
    return [found[name] for name in graph.outputs]


def of_model(model: torch.nn.Module, inputs: list[torch.Tensor]) -> list[Any]:
    with torch.no_grad():
        found = model(*inputs)
    return [each.double().numpy() for each in (found if isinstance(found, tuple) else (found,))]


def distance(ours: Any, theirs: Any) -> float:
    assert ours.shape == theirs.shape
    # Relative to the largest entry, as float32 errors of sums are.
    return float(np.abs(ours - theirs).max() / max(1.0, np.abs(theirs).max()))


def largest_gap(model: torch.nn.Module, *shapes: tuple[int, ...], spread: float = 2.0) -> float:
    draw = torch.Generator().manual_seed(2)
    model.eval()
    graph = read(model, tuple(torch.zeros(1, *shape) for shape in shapes))
    gaps = []
    for batch in (1, 2, 5):
        inputs = [spread * torch.randn(batch, *shape, generator=draw) for shape in shapes]
        pairs = zip(of_graph(graph, inputs), of_model(model, inputs), strict=True)
        gaps += [distance(ours, theirs) for ours, theirs in pairs]
    return max(gaps)


@pytest.fixture
def gap() -> Gap:
    """The largest relative difference between the graph and the model, over batches of 1, 2, 5."""
    torch.manual_seed(2)
    return largest_gap
