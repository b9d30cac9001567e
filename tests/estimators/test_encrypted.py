"""Under encryption, every estimator answers what it answers in the clear."""

from __future__ import annotations

import numpy as np
import pytest

from tacit.estimators import Encrypted
from tests.estimators.data import CLASSIFIERS, NETWORKS, REGRESSORS, fitted

# Solvers that have not converged tell so; what they have found is as good to encrypt.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("name", [*CLASSIFIERS, *REGRESSORS])
def test_encrypted_answers_are_those_in_the_clear(name: str) -> None:
    model, ask = fitted(name)

    encrypted = model.encrypted()

    assert isinstance(encrypted, Encrypted)
    np.testing.assert_array_equal(encrypted.predict(ask[:20]), model.predict(ask[:20]))


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_encrypted_answers_of_networks_are_those_in_the_clear(name: str) -> None:
    model, ask = fitted(name)

    encrypted = model.encrypted()

    np.testing.assert_array_equal(encrypted.predict(ask[:20]), model.predict(ask[:20]))


def test_an_encrypted_classifier_has_scores_probabilities_and_an_accuracy() -> None:
    model, ask = fitted("LogisticRegression")
    said = model.predict(ask)

    encrypted = model.encrypted()

    np.testing.assert_array_equal(encrypted.decision_function(ask), model.decision_function(ask))
    np.testing.assert_array_equal(encrypted.predict_proba(ask), model.predict_proba(ask))
    assert encrypted.score(ask, said) == 1.0


def test_integers_go_in_and_come_out_encrypted() -> None:
    model, ask = fitted("LogisticRegression")
    q = model.quantize_input(ask[:4])

    found = model.encrypted().run(q)

    np.testing.assert_array_equal(found, model.run(q))


def test_what_an_estimator_has_not_is_not_there_encrypted() -> None:
    model, ask = fitted("Ridge")

    with pytest.raises(AttributeError, match="predict_proba"):
        model.encrypted().predict_proba(ask)


def test_progress_of_keys_is_told() -> None:
    told: list[tuple[int, int]] = []
    model, _ = fitted("LogisticRegression")

    model.encrypted(progress=lambda done, total: told.append((done, total)))

    assert told[-1][0] == told[-1][1]
