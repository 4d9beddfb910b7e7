from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from finetune import evaluate
from finetune.data import Example, Gold
from finetune.evaluate import Prediction


def asked(*answers: str) -> Example:
    return Example("q", "a", "?", "context", tuple(Gold(answer, 0) for answer in answers))


@pytest.mark.parametrize(
    ("prediction", "golds", "exact", "f1"),
    [
        ("The Rhine.", ["rhine"], 1.0, 1.0),
        ("river Rhine", ["the Rhine"], 0.0, 2 / 3),
        ("Rhine", ["Main", "Rhine"], 1.0, 1.0),
        ("", [], 1.0, 1.0),
        ("Rhine", [], 0.0, 0.0),
        ("", ["Rhine"], 0.0, 0.0),
        ("  A   tall, an old\tHOUSE! ", ["tall old house"], 1.0, 1.0),
        ("the the cat", ["cat"], 1.0, 1.0),
    ],
)
def test_the_metric_is_squads(prediction: str, golds: list[str], exact: float, f1: float) -> None:
    assert evaluate.exact(prediction, golds) == exact
    assert evaluate.f1(prediction, golds) == pytest.approx(f1)


def test_words_that_occur_twice_count_twice() -> None:
    assert evaluate.f1("new new york", ["new york"]) == pytest.approx(4 / 5)


def test_below_the_threshold_a_prediction_is_no_answer() -> None:
    examples = [asked("Rhine"), asked()]
    predictions = [Prediction("Rhine", 2.0), Prediction("Main", -1.0)]
    assert evaluate.score(examples, predictions, 0.0).f1 == 100.0
    assert evaluate.score(examples, predictions, -2.0).f1 == 50.0
    scores = evaluate.score(examples, predictions, 3.0)
    assert (scores.exact, scores.answerable_f1, scores.refused) == (50.0, 0.0, 100.0)


@given(some.lists(some.tuples(some.booleans(), some.booleans(), some.floats(-9, 9)), min_size=1, max_size=30))
def test_no_other_threshold_is_better_than_the_best(cases: list[tuple[bool, bool, float]]) -> None:
    examples = [asked("x") if answerable else asked() for answerable, _, _ in cases]
    predictions = [Prediction("x" if hit else "y", margin) for _, hit, margin in cases]
    chosen = evaluate.score(examples, predictions, evaluate.best_threshold(examples, predictions)).f1
    for other in [-10.0, 10.0, *(margin for _, _, margin in cases)]:
        assert evaluate.score(examples, predictions, other).f1 <= chosen + 1e-9


def test_calibration_finds_the_sigmoid_that_made_the_labels() -> None:
    chance = np.random.default_rng(0)
    margins = chance.normal(0, 4, 20_000)
    labels = chance.random(20_000) < 1 / (1 + np.exp(-(margins - 1.5) / 2.0))
    temperature, bias = evaluate.calibrate(margins, labels)
    assert temperature == pytest.approx(2.0, rel=0.1)
    assert bias == pytest.approx(1.5, abs=0.15)
    sure = 1 / (1 + np.exp(-(margins - bias) / temperature))
    assert evaluate.calibration_error(sure, labels) < 0.02


def test_calibration_survives_a_perfect_separation_and_one_sided_labels() -> None:
    for labels in ([False, False, True, True], [True] * 4, [False] * 4):
        temperature, bias = evaluate.calibrate(np.array([-2.0, -1.0, 1.0, 2.0]), np.array(labels))
        assert np.isfinite([temperature, bias]).all()
        assert temperature > 0
