"""Back from layers to the workbench: what trained coefficients are, with their errors measured."""

from __future__ import annotations

import numpy as np
from torch import nn

from tacit.approx import Composite, Fit, Polynomial, of_stages
from tacit.approx.composites.pafs import settled_gap
from tacit.approx.composites.stages import fitting
from tacit.approx.measure import largest_error
from tacit.ir.functions import FloatArray
from tacit.tune.paf import PAF, pafs


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
    first, *others = found = fitting(stages)
    return of_stages(
        (first.moved(-scale, scale), *others),
        settled_gap(found) * scale,
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
