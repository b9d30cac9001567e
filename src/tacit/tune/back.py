"""Back from layers to the workbench: what trained coefficients are, with their errors measured."""

from __future__ import annotations

import numpy as np
from numpy.polynomial import chebyshev
from torch import nn

from tacit.approx import Composite, Fit, Polynomial, of_stages
from tacit.approx.composites.pafs import MARGIN, settled_gap
from tacit.approx.measure import largest_error
from tacit.ir.functions import FloatArray
from tacit.tune.paf import PAF, pafs

# Points on which a stage's reach is looked for: hundreds for each of its oscillations.
LOOKS = 4001


def approximations(model: nn.Module) -> dict[str, Composite | Fit]:
    """What each PAF of the model computes under its static scale, by path, in inference order.

    A maximum's levels stand for "max": |x| / 2 at the difference x of two rivals. NotCalibrated
    where a layer has no static scale: a dynamic one is no function.
    """
    return {name: approximation(layer) for name, layer in pafs(model).items()}


def approximation(layer: PAF) -> Composite | Fit:
    """What one PAF computes under its static scale."""
    scale = layer.scale.frozen
    pairs = zip(layer.chain.stages, layer.coefficients, strict=True)
    stages = [
        _polynomial(each.detach().double().cpu().numpy(), stage.width, is_odd=stage.is_odd)
        for stage, each in pairs
    ]
    if layer.chain.form.name == "value":
        return _fit(layer, stages[0], scale)
    fitting = _fitting(stages)
    first, *others = fitting
    return of_stages(
        (first.moved(-scale, scale), *others),
        settled_gap(fitting) * scale,
        function=layer.function,
        on=(-scale, scale),
    )


def _fit(layer: PAF, polynomial: Polynomial, scale: float) -> Fit:
    centre = float(layer.centre)
    low, high = centre - scale, centre + scale
    moved = polynomial.moved(low, high).scaled(scale if layer.is_scaled else 1.0)
    error = largest_error(layer.function, moved, ((low, high),), degree=moved.degree)
    return Fit(moved, layer.function, ((low, high),), "tuned", error)


def _polynomial(coefficients: FloatArray, width: float, *, is_odd: bool) -> Polynomial:
    if is_odd:
        together = np.zeros(2 * len(coefficients))
        together[1::2] = coefficients
        coefficients = together
    return Polynomial(tuple(coefficients.tolist()), -width, width)


def _fitting(stages: list[Polynomial]) -> list[Polynomial]:
    """The stages, each on an interval that holds what training made the stage before it give."""
    found: list[Polynomial] = []
    width = 1.0
    for stage in stages:
        found.append(stage if width <= stage.high else _wider(stage, width))
        x = np.linspace(0.0, found[-1].high if found[1:] else 1.0, LOOKS)
        width = float(np.abs(found[-1](x)).max()) + MARGIN
    return found


def _wider(stage: Polynomial, width: float) -> Polynomial:
    """The same odd polynomial by the Chebyshev coefficients of a wider interval."""
    # The values at the Chebyshev points determine it; they are within rounding of the true ones.
    t = chebyshev.chebpts1(stage.degree + 1)
    again = chebyshev.chebfit(t, stage(t * width), stage.degree)
    again[0::2] = 0.0
    return Polynomial(tuple(again.tolist()), -width, width)
