from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn

from tacit.approx import composite, fit, paf
from tacit.data import Images, Normalisation
from tacit.errors import ProtocolError, TypeMismatch
from tacit.tune.measure import Score, score
from tacit.tune.paf import Approximant, pafs
from tacit.tune.search import Front, Point, Search, Settings, build, search
from tacit.tune.search import bench as bench_module
from tacit.tune.search.assembly import entry_of, score_of
from tacit.tune.search.bench import bench
from tacit.tune.search.candidates import name_of
from tacit.tune.search.front import sorted_out
from tests.tune.digits import network, samples

WANTED = Search(forms=("f1g2", 2), points=3, settings=Settings(observed=100))


@cache
def run() -> tuple[Front, tuple[tuple[int, int], ...]]:
    """A search, and what it told of its progress."""
    told: list[tuple[int, int]] = []
    front = search(network(), samples(), WANTED, progress=lambda *each: told.append(each))
    return front, tuple(told)


def found() -> Front:
    return run()[0]


def built(front: Front) -> tuple[Point, ...]:
    return (*front.points, *front.beaten)


class Stopped(Exception):
    """What a user's interrupt is."""


def test_along_the_front_accuracy_rises_with_the_price() -> None:
    prices = [each.price for each in found().points]
    accuracies = [each.accuracy for each in found().points]
    assert prices == sorted(set(prices))
    assert accuracies == sorted(set(accuracies))
    assert found().best.accuracy >= found().exact.accuracy - 0.01


def test_what_is_beaten_is_dearer_or_less_accurate() -> None:
    def point(price: float, accuracy: float, loss: float = 1.0) -> Point:
        return Point({}, price, accuracy, loss, loss)

    a, b, c, d = point(3, 0.5), point(3, 0.5, 0.9), point(4, 0.5), point(5, 0.6)
    assert sorted_out([d, c, b, a]) == ((b, d), (a, c))


def test_every_form_by_itself_is_among_what_was_built() -> None:
    alone = {each.uniform for each in built(found())} - {None}
    assert alone == {"f1g2", "degree 2"}


def test_levels_are_counted_through_the_network() -> None:
    # f1g2 takes a linear map and six levels, in four places; what ends the network takes one.
    (point,) = (each for each in built(found()) if each.uniform == "f1g2")
    assert point.price == 4 * 7 + 1


def test_predictions_add_up_what_layers_do_alone() -> None:
    point = found().best
    rises = (found().rises[layer][name] for layer, name in point.names.items())
    assert point.predicted == pytest.approx(found().exact.loss + sum(rises))


def test_a_budget_leaves_out_what_is_dearer() -> None:
    wanted = Search(forms=WANTED.forms, budget=20.0, points=4, settings=WANTED.settings)
    front = search(network(), samples(), wanted)
    assert front.budget == 20.0
    assert max(each.price for each in built(front)) <= 20.0


def test_a_budget_that_nothing_fits_says_what_would() -> None:
    wanted = Search(forms=WANTED.forms, budget=5.0, settings=WANTED.settings)
    with pytest.raises(TypeMismatch, match="5 levels or less; the cheapest takes 13"):
        search(network(), samples(), wanted)


def test_a_search_leaves_the_model_as_it_was() -> None:
    before = {name: each.clone() for name, each in network().state_dict().items()}
    search(network(), samples(), Search(forms=(2,), points=1, settings=WANTED.settings))
    assert all(torch.equal(each, before[k]) for k, each in network().state_dict().items())


def test_a_stopped_search_goes_on_to_the_same_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = tmp_path / "ledger"
    scored: list[nn.Module] = []

    def counted(
        model: nn.Module, images: Images, *, normalisation: Normalisation | None = None
    ) -> Score:
        scored.append(model)
        return score(model, images, normalisation=normalisation)

    def stop(done: int, _: int) -> None:
        if done == 9:
            raise Stopped

    monkeypatch.setattr(bench_module, "score", counted)
    with pytest.raises(Stopped):
        search(network(), samples(), WANTED, ledger=ledger, progress=stop)
    assert len(scored) == 9
    again = search(network(), samples(), WANTED, ledger=ledger)
    assert again.record() == found().record()
    assert len(scored) == 1 + 6 + len(built(again))


def test_progress_ends_where_it_said() -> None:
    _, told = run()
    assert [done for done, _ in told] == list(range(1, len(told) + 1))
    assert told[-1] == (len(told), len(told))


def test_a_ledger_of_another_model_or_other_settings_is_refused(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    search(
        network(), samples(), Search(forms=(2,), points=1, settings=WANTED.settings), ledger=ledger
    )
    other = Search(forms=(2,), points=1, settings=Settings(observed=100, margin=1.2))
    with pytest.raises(ProtocolError, match="another model"):
        search(network(), samples(), other, ledger=ledger)


def test_a_ledger_serves_searches_for_other_forms_and_budgets(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    search(
        network(), samples(), Search(forms=(2,), points=1, settings=WANTED.settings), ledger=ledger
    )
    lines = ledger.read_bytes()
    wanted = Search(forms=(2, 3), budget=13.0, points=1, settings=WANTED.settings)
    search(network(), samples(), wanted, ledger=ledger)
    assert ledger.read_bytes().startswith(lines)


def test_a_point_can_be_built_again() -> None:
    point = found().best
    model = build(network(), samples(), point.forms, WANTED.settings)
    assert score(model, samples().held_out).loss == pytest.approx(point.loss, rel=1e-6)


def test_functions_that_are_no_sign_get_polynomials_only() -> None:
    torch.manual_seed(4)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2), nn.SiLU(), nn.Flatten(), nn.Linear(36, 10), nn.ReLU()
    )
    wanted = Search(forms=("f1g2", 4), points=2, settings=Settings(observed=100))
    front = search(model.eval(), samples(), wanted)
    assert {name: set(each) for name, each in front.rises.items()} == {
        "1": {"degree 4"},
        "4": {"f1g2", "degree 4"},
    }


def test_a_function_that_no_form_stands_for_is_named() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.SiLU())
    with pytest.raises(TypeMismatch, match="2 computes silu; none of f1g2 stands for it"):
        search(model.eval(), samples(), Search(forms=("f1g2",)))


def test_a_network_of_nothing_to_replace_is_refused() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    with pytest.raises(TypeMismatch, match="no activation and no maximum"):
        search(model.eval(), samples())


def test_forms_are_called_by_what_they_are() -> None:
    known: list[Approximant] = [
        paf("alpha7"),
        composite("relu", (7, 7), (-1.0, 1.0)),
        fit("relu", (-1, 1), degree=4),
    ]
    assert name_of("f1²∘g1²") == "f1f1g1g1"
    assert [name_of(each)[:-7] for each in known] == ["alpha7", "composite 7-7", "minimax 4"]
    assert name_of(fit("relu", (-1, 1), degree=4)) == name_of(known[2])
    assert name_of(fit("relu", (-1, 2), degree=4)) != name_of(known[2])


def test_an_infinite_loss_is_none_in_a_ledger() -> None:
    lost = Score(0.1, math.inf, 400)
    assert entry_of(lost) == {"accuracy": 0.1, "loss": None, "images": 400}
    assert score_of(entry_of(lost)) == lost


def test_layers_are_settled_in_the_partially_replaced_network() -> None:
    known = bench(network(), samples(), Settings(observed=100))
    first, *_, last = (each.name for each in known.layers)
    together = known.together({first: 2, last: 2})
    alone = known.alone(last, 2)
    first_frozen, second_frozen = (pafs(model)[last].scale.frozen for model in (together, alone))
    assert first_frozen != second_frozen
