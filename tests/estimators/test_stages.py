"""The three steps, and models that need none."""

from __future__ import annotations

import numpy as np
import pytest

from tests.estimators.data import CLASSIFIERS, REGRESSORS, fitted, made, split

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("name", [*CLASSIFIERS, *REGRESSORS])
def test_three_steps_make_what_the_program_does(name: str) -> None:
    model, ask = fitted(name)

    q = model.quantize_input(ask)
    found = model.dequantize_output(model.run(q))

    assert q.dtype == np.int64
    assert model.run(q).dtype == np.int64
    np.testing.assert_allclose(found, model.program_(ask), rtol=1e-12)


@pytest.mark.parametrize("name", ["DecisionTreeClassifier", "RandomForestClassifier"])
def test_a_tree_takes_the_leaves_of_the_tree_that_was_grown(name: str) -> None:
    model, ask = fitted(name)
    on_grids = model._grids.reals(model._grids.integers(ask))

    expected = type(model).namesake.predict_proba(model._plain(), on_grids)

    np.testing.assert_allclose(model.predict_proba(ask), expected, atol=0.01)


def test_values_outside_go_to_the_border_of_the_grid() -> None:
    learn, ask, targets, _ = split("diabetes")
    model = made("Ridge").fit(learn, targets)
    most = model.quantize_input(learn.max(axis=0)[None])

    found = model.quantize_input(ask + 1e6)

    np.testing.assert_array_equal(found, np.broadcast_to(most, found.shape))


def test_a_model_that_is_a_constant_needs_no_program() -> None:
    rows, same = np.arange(12.0).reshape(6, 2), np.full(6, 3.5)

    model = made("Lasso", alpha=1e6).fit(rows, same)

    assert not hasattr(model, "program_")
    np.testing.assert_array_equal(model.predict(rows), same)
    np.testing.assert_array_equal(model.encrypted().predict(rows), same)


@pytest.mark.parametrize("levels", [2, 17, 64])
def test_evenly_spaced_values_keep_their_distance(levels: int) -> None:
    values = 0.3 + 0.7 * np.arange(levels, dtype=np.float64)[:, None]

    model = made("DecisionTreeRegressor").fit(values, values.ravel())

    np.testing.assert_array_equal(model.quantize_input(values).ravel(), np.arange(levels))
