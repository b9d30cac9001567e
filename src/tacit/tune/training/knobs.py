"""The knobs of a tuning, and what they make of it: phases, each with its steps."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tacit.errors import TypeMismatch
from tacit.tune.scaling import Scaling


class Technique(enum.Enum):
    """What may be done after a replacement; SmartPAF (arXiv 2404.03216), section 4.

    Without alternate training all parameters move together; `TOGETHER` asks for that alone, the
    paper's baseline.
    """

    COEFFICIENTS = "ct"
    PROGRESSIVE = "pa"
    ALTERNATE = "at"
    TOGETHER = "ft"


def techniques(text: str) -> tuple[Technique, ...]:
    """The techniques in a text such as "ct,pa,at"; none in "" or "none".

    >>> [each.name for each in techniques("ct,at")]
    ['COEFFICIENTS', 'ALTERNATE']
    """
    words = [] if text.strip().lower() in {"", "none"} else text.lower().split(",")
    known = {each.value: each for each in Technique}
    for word in words:
        if word.strip() not in known:
            raise TypeMismatch(
                f"no technique is called {word.strip()!r}",
                hint=f"known are {', '.join(known)}, with commas between them, or none",
            )
    return tuple(dict.fromkeys(known[word.strip()] for word in words))


class Precision(enum.Enum):
    """The numbers that layers work with, as Fabric calls them; polynomials stay in 32 bits."""

    FULL = "32-true"
    MIXED = "bf16-mixed"


@dataclass(frozen=True)
class SmartPAF:
    """How a network is tuned.

    `techniques`: ct, pa, at, ft. `scaling`: the one that is trained under, static (the scale seen
    at the start, for ever) or dynamic (each batch's, frozen at the end). `share`: of inputs that a
    static scale covers. `margin`: how much wider it is than that. `observed`: images that are
    looked at for scales and histograms. `batch`: images a step. `layer_steps`: steps after each
    replacement. `layer_rate`: what rates are multiplied by in these. `steps`: steps with all layers
    replaced, in turns. `turn`: steps before coefficients and weights change places. `joint`: steps
    at the end, all moving together.
    `weight_rate`: AdamW's rate of weights. `weight_decay`: AdamW's of weights.
    `coefficient_rate`: AdamW's rate of coefficients. `coefficient_decay`: AdamW's of coefficients.
    `clip`: the norm that gradients are cut to. `distillation`: the share of the original network's
    answers in what is learnt, the rest being the labels'. `temperature`: by which answers are
    softened. `penalty`: on inputs beyond a static scale. `average`: whether the mean of the weights
    over the last half phase may win. `check`: steps between looks at the held-out images, of which
    the best are kept. `patience`: looks without a gain before a phase ends. `seed`: of all
    randomness. `precision`: 32-true, or bf16-mixed where hardware multiplies such numbers faster.
    """

    techniques: tuple[Technique, ...] = (
        Technique.COEFFICIENTS,
        Technique.PROGRESSIVE,
        Technique.ALTERNATE,
    )
    scaling: Scaling = Scaling.STATIC
    share: float = 1.0
    margin: float = 1.1
    observed: int = 2000
    batch: int = 100
    layer_steps: int = 3
    layer_rate: float = 0.3
    steps: int = 40
    turn: int = 10
    joint: int = 140
    weight_rate: float = 1e-3
    weight_decay: float = 0.01
    coefficient_rate: float = 1e-3
    coefficient_decay: float = 0.0
    clip: float = 5.0
    distillation: float = 0.9
    temperature: float = 4.0
    penalty: float = 10.0
    average: bool = True
    check: int = 50
    patience: int = 3
    seed: int = 0
    precision: Precision = Precision.FULL

    def __post_init__(self) -> None:
        """Refuse knobs that mean nothing."""
        both = {Technique.ALTERNATE, Technique.TOGETHER} <= set(self.techniques)
        rates = (self.weight_rate, self.coefficient_rate, self.layer_rate)
        sizes = (self.weight_decay, self.coefficient_decay, self.penalty)
        counts = {
            "observed": self.observed,
            "batch": self.batch,
            "turn": self.turn,
            "check": self.check,
            "patience": self.patience,
        }
        problems = {
            "techniques at and ft exclude each other": both,
            f"a share of {self.share:g} is not in (0, 1]": not 0.0 < self.share <= 1.0,
            f"a margin of {self.margin:g} is below 1": not 1.0 <= self.margin < math.inf,
            f"rates {rates} are not above 0": not all(0.0 < each < math.inf for each in rates),
            f"decays and penalty {sizes} are negative": not all(
                0.0 <= each < math.inf for each in sizes
            ),
            f"a clip of {self.clip:g} is not above 0": not self.clip > 0.0,
            f"a distillation of {self.distillation:g} is no share": not (
                0.0 <= self.distillation <= 1.0
            ),
            f"a temperature of {self.temperature:g} is not above 0": not self.temperature > 0.0,
            "a number of steps is negative": min(self.layer_steps, self.steps, self.joint) < 0,
            **{f"{name} is {count}": count < 1 for name, count in counts.items()},
        }
        for message, wrong in problems.items():
            if wrong:
                raise TypeMismatch(message, hint="see tacit.tune.SmartPAF for what knobs mean")

    @property
    def trains(self) -> bool:
        """Whether any step is taken: tuning coefficients alone takes none."""
        return bool(set(self.techniques) - {Technique.COEFFICIENTS})


@dataclass(frozen=True)
class Devices:
    """What a training runs on: Fabric's accelerator (cpu, cuda, mps, auto) and how many of it."""

    accelerator: str = "auto"
    count: int = 1


class Kind(enum.Enum):
    """What moves in a step."""

    COEFFICIENTS = "coefficients"
    WEIGHTS = "weights"
    ALL = "all"


@dataclass(frozen=True)
class Phase:
    """Steps with the first `replaced` layers being polynomials, in `turns` or all together.

    Of a `whole` phase, which comes after the progressive ones, all weights move, otherwise those
    before the last polynomial; `before` and `after` it are so many steps of its kind.
    """

    name: str
    replaced: int
    steps: int
    turn: int | None
    whole: bool = False
    before: int = 0
    after: int = 0

    def kind(self, step: int) -> Kind:
        """What moves in a step of it: turns begin with coefficients, and each has half or less."""
        if self.turn is None:
            return Kind.ALL
        turn = min(self.turn, -(-self.steps // 2))
        return Kind.WEIGHTS if step // turn % 2 else Kind.COEFFICIENTS

    def progress(self, step: int) -> float:
        """How much of all whole phases is done before a step, from 0 to 1."""
        return (self.before + step) / (self.before + self.steps + self.after)


def phases(knobs: SmartPAF, layers: Sequence[str]) -> tuple[Phase, ...]:
    """All phases of a training in which layers of these names are replaced, in inference order."""
    if not knobs.trains or not layers:
        return ()
    every, alternates = len(layers), Technique.ALTERNATE in knobs.techniques
    turn = knobs.turn if alternates else None
    found: list[Phase] = []
    if Technique.PROGRESSIVE in knobs.techniques:
        found += [Phase(name, k + 1, knobs.layer_steps, turn) for k, name in enumerate(layers)]
    first, last = (knobs.steps, knobs.joint) if alternates else (0, knobs.steps + knobs.joint)
    found.append(Phase("in turns", every, first, turn, whole=True, after=last))
    found.append(Phase("together", every, last, None, whole=True, before=first))
    return tuple(each for each in found if each.steps)


def total_steps(chosen: Iterable[Phase]) -> int:
    """The steps of all phases."""
    return sum(each.steps for each in chosen)
