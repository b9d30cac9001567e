from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx import paf
from tacit.arithmetics.ckks import CKKS
from tacit.arithmetics.ckks.activations import Recipe
from tacit.arithmetics.ckks.ops import Evaluate
from tacit.arithmetics.ckks.tuned import recipe_of_tuned
from tacit.errors import LoweringError
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Graph, Range
from tacit.ir.ops import Approximated
from tacit.ir.rewrite import Builder
from tacit.passes import calibrate
from tacit.program import lower
from tests.arithmetics.ckks import graphs


def trained(name: str, scale: float, *, seed: int = 0, by: float = 0.0) -> Approximated:
    """A ReLU by a named composite, its coefficients moved as training might."""
    random = np.random.default_rng(seed)
    stages: list[tuple[float, ...]] = []
    intervals: list[tuple[float, float]] = []
    for stage in paf(name).stages:
        moved = np.array(stage.coefficients)
        moved[1::2] += by * random.normal(size=moved[1::2].shape)
        stages.append(tuple(moved.tolist()))
        width = scale if not intervals else stage.high
        intervals.append((-width, width))
    return Approximated(Function("relu"), tuple(stages), tuple(intervals), slope=0.5, bend=0.5)


def single(function: str, coefficients: tuple[float, ...], low: float, high: float) -> Approximated:
    return Approximated(Function(function), (coefficients,), ((low, high),), step=1.0)


def value(made: Recipe, x: FloatArray) -> FloatArray:
    """What a server computes for x."""
    return made.factor * made.approximation.plan((x - made.centre) / made.radius)


def grid(made: Recipe) -> FloatArray:
    return np.linspace(made.centre - made.radius, made.centre + made.radius, 4001)


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(["f1f1g1g1", "alpha7", "f2g3", "f1g2"]),
    st.integers(0, 1000),
    st.sampled_from([0.0, 0.01, 0.1]),
    st.floats(0.1, 1.02),
)
def test_a_trained_composite_is_computed_as_it_is(
    name: str, seed: int, by: float, reach: float
) -> None:
    op = trained(name, 4.0, seed=seed, by=by)

    made = recipe_of_tuned(op, Range(-0.5, 4.0 * reach))

    x = grid(made)
    # Rounding of dozens of steps, magnified by slopes that are below a hundred in all.
    assert np.abs(value(made, x) - op.run(x)).max() <= 1e-11
    assert np.abs(op.run(x) - np.maximum(x, 0.0)).max() <= made.error * (1.0 + 1e-9)
    assert np.abs(value(made, x)).max() <= made.factor * (1.0 + 1e-4)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(["f1f1g1g1", "alpha7", "f2g2"]), st.integers(0, 1000))
def test_every_stage_leaves_to_the_next_what_it_may_be_given(name: str, seed: int) -> None:
    made = recipe_of_tuned(trained(name, 2.0, seed=seed, by=0.1), Range(-2.0, 2.0))

    t, largest = np.linspace(-1.0, 1.0, 5001), []
    for stage in made.approximation.stages[:-1]:
        t = stage(t)
        largest.append(float(np.abs(t).max()))

    assert all(each <= 1.0 for each in largest)


def test_the_scale_is_the_interval_as_long_as_it_holds_what_was_seen() -> None:
    made = recipe_of_tuned(trained("f1f1g1g1", 4.0), Range(-3.0, 3.9))

    assert (made.centre, made.radius) == (0.0, 4.0)
    assert made.stands_for == "relu"


def test_what_was_seen_beyond_the_scale_widens_the_interval() -> None:
    op = trained("f1f1g1g1", 4.0)

    made = recipe_of_tuned(op, Range(-1.0, 4.5))

    assert (made.centre, made.radius) == (0.0, 4.5)
    assert np.abs(value(made, grid(made)) - op.run(grid(made))).max() <= 1e-11


def test_one_polynomial_keeps_an_interval_of_its_own() -> None:
    op = single("silu", (0.8, 1.5, 0.4, 0.1), -1.0, 3.0)

    inside, beyond = recipe_of_tuned(op, Range(0.0, 2.0)), recipe_of_tuned(op, Range(0.0, 4.0))

    assert (inside.centre, inside.radius) == (1.0, 2.0)
    assert (beyond.centre, beyond.radius) == (1.5, 2.5)
    assert np.abs(value(beyond, grid(beyond)) - op.run(grid(beyond))).max() <= 1e-13


def test_what_is_made_of_one_polynomial_is_in_its_coefficients() -> None:
    op = Approximated(
        Function("relu"), ((0.2, 0.0, 0.3),), ((-1.0, 3.0),), constant=0.5, step=2.0, slope=0.25
    )

    made = recipe_of_tuned(op, Range(0.0, 1.0))

    assert made.approximation.form is None
    assert np.abs(value(made, grid(made)) - op.run(grid(made))).max() <= 1e-14


@pytest.mark.parametrize(("constant", "step", "slope"), [(0.0, 1.0, 0.0), (0.5, 0.5, 0.25)])
def test_a_sign_and_what_is_added_to_it_is_computed(
    constant: float, step: float, slope: float
) -> None:
    relu = trained("f2g3", 3.0)
    op = Approximated(Function("sign"), relu.stages, relu.intervals, constant, step, slope)

    made = recipe_of_tuned(op, Range(-1.0, 1.0))

    assert np.abs(value(made, grid(made)) - op.run(grid(made))).max() <= 1e-11


def test_a_signs_error_leaves_out_where_it_jumps() -> None:
    relu = trained("f2g3", 3.0)

    made = recipe_of_tuned(
        Approximated(Function("sign"), relu.stages, relu.intervals, step=1.0), Range(-1.0, 1.0)
    )

    assert made.error < 0.1


@pytest.mark.parametrize(
    ("op", "seen"),
    [
        (trained("alpha7", 2.0), Range(-1.0, 2.4)),
        (trained("f2g3", 2.0), Range(-5.0, 0.0)),
        (trained("f1f1g1g1", 2.0), Range(-1.0, 20.0)),
        (trained("f1g2", 2.0), Range(-2.0, 1e9)),
        (single("relu", (0.3, 0.5, 0.2, 0.0, -0.05, 0.0, 0.02), -2.0, 2.0), Range(0.0, 4.0)),
    ],
)
def test_inputs_on_which_the_polynomials_explode_are_refused(op: Approximated, seen: Range) -> None:
    with pytest.raises(LoweringError, match=r"explode.*margin=1\.1"):
        recipe_of_tuned(op, seen)


def test_stages_that_training_made_explode_are_refused() -> None:
    relu = trained("f1g2", 2.0)
    first = tuple(100.0 * each for each in relu.stages[0])
    op = Approximated(
        Function("relu"), (first, *relu.stages[1:]), relu.intervals, slope=0.5, bend=0.5
    )

    with pytest.raises(LoweringError, match="stage 2 is given values up to"):
        recipe_of_tuned(op, Range(-1.0, 1.0))


@pytest.mark.parametrize(("step", "bend"), [(1.0, 1.0), (0.0, 0.0)])
def test_a_form_that_no_plan_computes_is_refused(step: float, bend: float) -> None:
    relu = trained("f1g2", 2.0)
    op = Approximated(Function("relu"), relu.stages, relu.intervals, step=step, bend=bend)

    with pytest.raises(LoweringError, match="last stage's value is used"):
        recipe_of_tuned(op, Range(-1.0, 1.0))


def network(op: Approximated, *, wild: float = 1.0) -> Graph:
    """A linear layer, the approximation, and a linear layer, with ranges."""
    builder = Builder()
    name = graphs.dense(builder, builder.input("x", (8,)), 16, 1)
    name = builder.put("act", op, name, origin="body.act")
    graph = builder.graph(graphs.dense(builder, name, 4, 2))
    return calibrate(graph, wild * graphs.inputs(graph, rows=64))


@pytest.mark.parametrize(
    "op",
    [
        trained("f1f1g1g1", 4.0, seed=1, by=0.05),
        trained("alpha7", 4.0, seed=2, by=0.01),
        single("silu", (0.8, 1.0, 0.4, 0.0, -0.05), -4.0, 4.0),
    ],
)
def test_a_lowered_network_simulates_what_the_graph_computes(op: Approximated) -> None:
    graph = network(op)
    x = graphs.inputs(graph, rows=64)

    program = lower(graph, CKKS())

    (word,) = (node.op for node in program.graph if isinstance(node.op, Evaluate))
    assert np.abs(program(x) - graph(x)).max() <= 1e-9
    assert (word.stands_for, word.low, word.high) == (repr(op.function), -4.0, 4.0)
    assert word.approximation.degrees == tuple(len(each) - 1 for each in op.stages)


def test_a_line_takes_no_level() -> None:
    graph = network(single("relu", (1.0, 2.0), -4.0, 4.0))

    program = lower(graph, CKKS())

    assert not any(isinstance(node.op, Evaluate) for node in program.graph)
    x = graphs.inputs(graph)
    assert np.abs(program(x) - graph(x)).max() <= 1e-9


def test_what_explodes_is_named() -> None:
    with pytest.raises(LoweringError, match=r"act \(body\.act\): its inputs go from"):
        lower(network(trained("f2g3", 4.0), wild=9.0), CKKS())
