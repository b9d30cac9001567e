"""What is told of a tuned network: its layers, and how well it does under both scalings."""

from __future__ import annotations

from torch import nn

from tacit.data import Images, Normalisation
from tacit.program import Json
from tacit.tune.measure import Score, score
from tacit.tune.replace import sites
from tacit.tune.samples import Samples
from tacit.tune.scaling import Scaling, out_of_range, recount, use
from tacit.tune.training import Outcome


def report(found: Outcome, exact: Score, samples: Samples) -> dict[str, Json]:
    """What was made, and how well it does on held-out images under both scalings."""
    own, first = found.model, found.checks[0]
    layers: list[Json] = [
        {
            "layer": each.name,
            "function": each.function,
            "degrees": [list(level) for level in each.degrees],
        }
        for each in sites(own)
    ]
    static, outside = deployed(own, samples.held_out, samples.normalisation)
    return {
        "layers": layers,
        "steps": found.steps,
        "held_out_images": static.images,
        "held_out": {
            "float_accuracy": exact.accuracy,
            "start_accuracy": first.accuracy,
            "accuracy": static.accuracy,
            "dynamic_accuracy": dynamic_accuracy(own, samples.held_out, samples.normalisation),
        },
        "out_of_range": outside,
    }


def tested(network: nn.Module, own: nn.Module, images: Images, samples: Samples) -> dict[str, Json]:
    """How well both networks do on the test part."""
    exact = score(network, images, normalisation=samples.normalisation)
    static, _ = deployed(own, images, samples.normalisation)
    return {
        "test_images": exact.images,
        "test": {
            "float_accuracy": exact.accuracy,
            "accuracy": static.accuracy,
            "dynamic_accuracy": dynamic_accuracy(own, images, samples.normalisation),
        },
    }


def deployed(
    model: nn.Module, images: Images, normalisation: Normalisation | None
) -> tuple[Score, dict[str, Json]]:
    """The score as it is deployed, and the share of each layer's inputs beyond its scale."""
    recount(model)
    found = score(model, images, normalisation=normalisation)
    return found, dict(out_of_range(model))


def dynamic_accuracy(
    model: nn.Module, images: Images, normalisation: Normalisation | None
) -> float:
    """The share of images that it is right about if each batch has a scale of its own."""
    use(model, Scaling.DYNAMIC)
    found = score(model, images, normalisation=normalisation)
    use(model, Scaling.STATIC)
    return found.accuracy
