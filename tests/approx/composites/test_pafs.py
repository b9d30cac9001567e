from __future__ import annotations

import numpy as np
import pytest

from tacit.approx import PAFS, flat_iterate, of_trainable, paf, steep_iterate
from tacit.errors import TypeMismatch

# SmartPAF (arXiv 2404.03216), its released code: alpha=7, innermost first.
PUBLISHED = (
    (7.30445164958251, -34.6825871108659, 59.8596518298826, -31.8755225906466),
    (2.40085652217597, -2.63125454261783, 1.54912674773593, -0.331172956504304),
)


@pytest.mark.parametrize(
    ("name", "depth", "times_input", "error"),
    # Depths as in the paper, untuned errors of ReLU on [-1, 1] as measured from its coefficients.
    # A last stage of degree 5 leaves room for x, one of degree 3 or 7 needs a level more.
    [
        ("alpha=7", 6, 7, 0.0076),
        ("f1²∘g1²", 8, 9, 0.0139),
        ("f2∘g3", 6, 6, 0.0164),
        ("f2∘g2", 6, 6, 0.0220),
        ("f1∘g2", 5, 6, 0.0370),
    ],
)
def test_published_pafs_have_their_depths_and_errors(
    name: str, depth: int, times_input: int, error: float
) -> None:
    found = paf(name)
    x = np.linspace(-1.0, 1.0, 20011)

    relu = found.composite("relu")

    assert (found.depth, relu.depth) == (depth, times_input)
    assert round(relu.error, 4) == error
    assert np.abs(relu(x) - np.maximum(x, 0.0)).max() <= relu.error


def test_the_published_coefficients_are_minimax_stages() -> None:
    found = paf("alpha7")

    # 15 digits are published; Remez levels the error to 1e-10 of itself.
    np.testing.assert_allclose(found.trainable, PUBLISHED, rtol=0.0, atol=2e-9)


def test_steep_polynomials_come_first() -> None:
    found = paf("f2∘g3")
    x = np.linspace(-1.0, 1.0, 101)

    values = found.stages[1](found.stages[0](x))

    assert found.degrees == (7, 5)
    np.testing.assert_allclose(values, flat_iterate(2)(steep_iterate(3)(x)), atol=1e-12)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("f1f1g1g1", "f1²∘g1²"),
        ("f1f1g1g1", "f1^2∘g1^2"),
        ("f2f2", "f2g2"),
        ("f1g2", "f1∘g2"),
        ("alpha7", "alpha=7"),
    ],
)
def test_a_paf_has_several_names(name: str, other: str) -> None:
    assert paf(name) == paf(other)


@pytest.mark.parametrize("name", list(PAFS))
@pytest.mark.parametrize("function", ["relu", "max", "sign"])
def test_trainable_coefficients_come_back(name: str, function: str) -> None:
    found = paf(name)

    again = of_trainable(name, found.trainable, function=function, on=(-5, 3))

    assert again == found.composite(function, (-5, 3))


@pytest.mark.parametrize("name", list(PAFS))
def test_every_stage_is_made_for_what_it_is_given(name: str) -> None:
    stages = paf(name).stages
    x = np.linspace(-1.0, 1.0, 5001)

    given = [x, *(stage(np.linspace(-stage.high, stage.high, 5001)) for stage in stages[:-1])]

    assert all(
        np.abs(values).max() <= stage.high for values, stage in zip(given, stages, strict=True)
    )


def test_tuned_coefficients_are_used() -> None:
    (a, b, c), (d, e) = paf("f1g2").trainable

    tuned = of_trainable("f1g2", ((1.1 * a, b, c), (d, e)))

    assert tuned.error != paf("f1g2").composite().error
    assert tuned.degrees == (5, 3)


def test_the_bound_scales_the_error() -> None:
    unit = paf("f2g2").composite("relu")

    wide = paf("f2g2").composite("relu", (-10, 10))

    assert wide.error == pytest.approx(10.0 * unit.error, rel=1e-9)
    assert wide.gap == pytest.approx(10.0 * unit.gap)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="no PAF is called 'f9'"):
        paf("f9")


def test_coefficients_of_another_shape_are_refused() -> None:
    with pytest.raises(TypeMismatch, match=r"stages of \[3, 2\] odd coefficients"):
        of_trainable("f1g2", ((1.0, 2.0), (1.0, 2.0)))
