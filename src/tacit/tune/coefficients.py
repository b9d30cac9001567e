"""Coefficient tuning: each layer's coefficients for the distribution of that layer's inputs.

SmartPAF (arXiv 2404.03216), section 4.1, by Levenberg and Marquardt's method on a histogram in
double precision: tens of coefficients and thousands of points need no stochastic steps.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tacit.errors import NotCalibrated
from tacit.tune.paf import PAF, REACH
from tacit.tune.pooling import Maximum

# Points on which what was not seen is spread: more than a composite of degree 49 has extrema.
EVEN = 512
# For coefficients of all stages in one vector: the values of what is tuned, and below them their
# derivatives by each coefficient, of shape (1 + coefficients, points).
Model = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Tuning:
    """How coefficients are tuned.

    `spread` is the share of inputs that are taken to lie anywhere within `reach` times the scale,
    so that the polynomial does not explode where no input was seen, nor a little outside, where
    other data and the tuned layers before it lead. `damping` is the first one, relative to the
    curvature; a step that fails raises it tenfold.
    """

    steps: int = 50
    spread: float = 1e-2
    reach: float = REACH
    damping: float = 1e-3
    # Relative gains below it are not worth another step.
    gain: float = 1e-4

    @property
    def most_damping(self) -> float:
        """Steps with more damping than that move nothing."""
        return 1e12


@dataclass(frozen=True)
class Tuned:
    """The mean squared error of a layer on its inputs, before and after."""

    name: str
    before: float
    after: float


@dataclass(frozen=True)
class _Task:
    """Least squares: `shares` weigh the squared differences of model and `wanted`.

    Of the points the first `seen` were really seen; the others are the spread.
    """

    model: Model
    start: Tensor
    wanted: Tensor
    shares: Tensor
    seen: int

    def errors(self, at: Tensor) -> tuple[float, float]:
        """The sum that is minimised, and that of what was seen, with shares that sum to 1."""
        squares = self.shares * (self.model(at)[0] - self.wanted) ** 2
        seen = float(squares[: self.seen].sum() / self.shares[: self.seen].sum())
        return float(squares.sum()), seen


def tune_coefficients(model: nn.Module, tuning: Tuning | None = None) -> tuple[Tuned, ...]:
    """Tune, in place, the coefficients of every PAF for the inputs that it has observed.

    Scales are the static ones, or the running maxima where none are frozen. No layer ends with a
    larger error on what it observed than it began with. NotCalibrated without observations.
    """
    chosen = tuning or Tuning()
    found: list[tuple[int, Tuned]] = []
    inside: set[int] = set()
    for name, layer in model.named_modules():
        match layer:
            case Maximum() if any(isinstance(each, PAF) for each in layer.levels):
                inside.update(map(id, layer.levels))
                found.append((layer.scales[0].place, _tuned_maximum(name, layer, chosen)))
            case PAF() if id(layer) not in inside:
                found.append((layer.scale.place, _tuned(name, layer, chosen)))
            case _:
                pass
    return tuple(each for _, each in sorted(found, key=lambda pair: pair[0]))


def _scale(layer: PAF) -> float:
    known = float(layer.scale.value) or float(layer.scale.largest)
    if not known > 0.0:
        raise NotCalibrated(
            f"{layer.scale.name} has seen no input", hint="call observe(model, batches)"
        )
    return known


def _tuned(name: str, layer: PAF, tuning: Tuning) -> Tuned:
    """One PAF, on the middles of its histogram's bins."""
    histogram, scale = layer.scale.histogram, _scale(layer)
    edges = torch.tensor(histogram.edges, dtype=torch.float64)
    counts = torch.tensor(histogram.counts, dtype=torch.float64)
    occupied = counts > 0
    x = ((edges[1:] + edges[:-1]) / 2.0)[occupied]
    even = _even(tuning.reach * scale)
    points = torch.cat([x, even])
    shares = _shares(counts[occupied] / counts.sum(), len(even), tuning.spread)
    wanted = torch.from_numpy(layer.function.exact((points + float(layer.centre)).numpy()))
    start = _vector([layer])
    given = _constant(points, len(start))

    def evaluated(at: Tensor) -> Tensor:
        return _linearised(layer, scale, at)(given)

    task = _Task(evaluated, start, wanted, shares, len(x))
    return _solved(name, [layer], task, tuning)


def _tuned_maximum(name: str, layer: Maximum, tuning: Tuning) -> Tuned:
    """All levels of a maximum together, on the windows that it kept.

    The spread is over the differences that each level may meet.
    """
    windows = layer.windows.double().cpu()
    if not windows.shape[1]:
        raise NotCalibrated(f"{name} has seen no window", hint="call observe(model, batches)")
    levels = [each for each in layer.levels if isinstance(each, PAF)]
    found = [_scale(each) for each in levels]
    start = _vector(levels)
    even = [_even(tuning.reach * each) for each in found]
    ranges = [_constant(each, len(start)) for each in even]
    present = windows > -torch.inf
    rivals = [_constant(each, len(start)) for each in windows.where(present, 0.0)]
    there = None if bool(present.all()) else list(present[:, None])

    def played(at: Tensor) -> Tensor:
        sizes = [sum(len(c) for c in each.coefficients) for each in levels]
        starts = [end - size for size, end in zip(sizes, itertools.accumulate(sizes), strict=True)]
        triples = zip(levels, found, _cut(at, sizes), starts, strict=True)
        layers = [_linearised(*each) for each in triples]
        won = layer.winner(layers, rivals, there)
        alone = [each(x) for each, x in zip(layers, ranges, strict=True)]
        return torch.cat([won, *alone], dim=1)

    count = windows.shape[1]
    seen = torch.full((count,), 1.0 / count, dtype=torch.float64)
    shares = _shares(seen, EVEN * len(levels), tuning.spread)
    wanted = torch.cat([windows.amax(0), *(each.abs() / 2.0 for each in even)])
    task = _Task(played, start, wanted, shares, count)
    return _solved(name, levels, task, tuning)


def _even(bound: float) -> Tensor:
    return torch.linspace(-bound, bound, EVEN, dtype=torch.float64)


def _constant(values: Tensor, count: int) -> Tensor:
    """Values that depend on no coefficient, with their derivatives."""
    return torch.cat([values[None], values.new_zeros(count, len(values))])


def _linearised(layer: PAF, scale: float, at: Tensor, first: int = 0) -> Callable[..., Tensor]:
    """The layer on values and their derivatives, of shape (…, 1 + all coefficients, points).

    Its own coefficients are `at`, which among all of them begin at `first`.
    """
    sizes = [len(each) for each in layer.coefficients]
    inverse = torch.tensor(1.0 / scale, dtype=torch.float64)
    factor = scale if layer.is_scaled else 1.0
    own = slice(1 + first, 1 + first + len(at))

    def applied(given: Tensor, _: Tensor | None = None) -> Tensor:
        x = given[..., 0, :]
        flat = layer.chain.linearised(x.reshape(-1), inverse, _cut(at, sizes))
        value, rise, rows = (factor * each for each in flat)
        made = given * rise.reshape(x.shape)[..., None, :]
        made[..., 0, :] = value.reshape(x.shape)
        made[..., own, :] += rows.reshape(-1, *x.shape).movedim(0, -2)
        return made

    return applied


def _vector(layers: list[PAF]) -> Tensor:
    parts = [each.detach().double().cpu() for layer in layers for each in layer.coefficients]
    return torch.cat(parts)


def _cut(vector: Tensor, sizes: list[int]) -> list[Tensor]:
    ends = itertools.accumulate(sizes)
    return [vector[end - size : end] for size, end in zip(sizes, ends, strict=True)]


def _shares(seen: Tensor, count: int, spread: float) -> Tensor:
    even = torch.full((count,), spread / count, dtype=torch.float64)
    return torch.cat([(1.0 - spread) * seen, even])


def _solved(name: str, layers: list[PAF], task: _Task, tuning: Tuning) -> Tuned:
    """The layers with the best coefficients of all steps, or as they were if none is better."""
    before = task.errors(task.start)[1]
    best = _least(task, tuning)
    # What the layers hold is rounded: it is that which must not be worse.
    held = best.to(layers[0].coefficients[0].dtype).double()
    after = task.errors(held)[1]
    if not after <= before:
        return Tuned(name, before, before)
    sizes = [len(each) for layer in layers for each in layer.coefficients]
    places = (each for layer in layers for each in layer.coefficients)
    with torch.no_grad():
        for place, each in zip(places, _cut(held, sizes), strict=True):
            place.copy_(each)
    return Tuned(name, before, after)


def _least(task: _Task, tuning: Tuning) -> Tensor:
    """Damped Gauss–Newton steps (Marquardt 1963), each of which makes the sum less."""
    at, damping = task.start, tuning.damping
    best, (least, limit) = at, task.errors(at)
    roots = task.shares.sqrt()
    for _ in range(tuning.steps):
        value, *_ = found = task.model(at)
        rows = (roots * found[1:]).T
        rest = roots * (task.wanted - value)
        sizes = rows.norm(dim=0).clamp_min(torch.finfo(torch.float64).tiny)
        before = least
        while damping < tuning.most_damping:
            trial = at + _step(rows / sizes, rest, damping) / sizes
            total, seen = task.errors(trial)
            if total < least:
                at, least, damping = trial, total, 0.2 * damping
                # On the way to it, what was seen may get worse for a while.
                best = trial if seen <= limit else best
                break
            damping *= 10.0
        if least > (1.0 - tuning.gain) * before:
            break
    return best


def _step(rows: Tensor, rest: Tensor, damping: float) -> Tensor:
    """The least squares solution that damping keeps short; columns have length 1."""
    count = rows.shape[1]
    lower = damping**0.5 * torch.eye(count, dtype=torch.float64)
    padded = torch.cat([rest, torch.zeros(count, dtype=torch.float64)])
    # Orthogonal factors: the normal equations would square the condition.
    factor, upper = torch.linalg.qr(torch.cat([rows, lower]))
    found: Tensor = torch.linalg.solve_triangular(upper, (factor.T @ padded)[:, None], upper=True)
    return found[:, 0]
