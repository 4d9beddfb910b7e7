"""Risk, coverage, thresholds and calibration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.evals import refusal, risk

SURE = np.array([0.9, 0.8, 0.8, 0.6, 0.3])
RIGHT = np.array([True, True, False, True, False])


def test_a_curve_goes_from_the_surest_to_all_and_takes_ties_together() -> None:
    points = [(p.threshold, p.coverage, round(p.risk, 3)) for p in risk.curve(SURE, RIGHT)]
    assert points == [(0.9, 0.2, 0.0), (0.8, 0.6, 0.333), (0.6, 0.8, 0.25), (0.3, 1.0, 0.4)]


def test_the_threshold_answers_as_much_as_the_risk_allows() -> None:
    assert risk.threshold_for(SURE, RIGHT, 0.25) == pytest.approx(0.45)
    assert risk.threshold_for(SURE, RIGHT, 0.0) == pytest.approx(0.85)
    assert risk.threshold_for(SURE, RIGHT, 1.0) == pytest.approx(0.15)


def test_where_nothing_is_safe_enough_nothing_is_answered() -> None:
    assert risk.threshold_for(np.array([1.0, 0.9]), np.array([False, True]), 0.1) > 1
    found = refusal.figures(SURE, ~RIGHT, RIGHT, 0.05)
    assert (found["coverage"], found["error"], found["threshold"]) == (0.0, None, None)


def test_a_few_right_answers_do_not_show_a_small_risk() -> None:
    sure, right = np.linspace(1, 0.9, 30), np.ones(30, bool)
    assert risk.threshold_for(sure[:15], right[:15], 0.05) > 1
    assert risk.threshold_for(sure, right, 0.05) < 0.9


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60), st.floats(0, 0.9))
def test_a_threshold_keeps_its_risk_where_it_was_chosen(pairs: list[tuple[float, bool]], stated: float) -> None:
    sure, right = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    given_ = sure >= risk.threshold_for(sure, right, stated)
    assert not given_.any() or float((~right[given_]).mean()) <= stated + 1e-9


def test_bins_hold_like_numbers_and_an_honest_confidence_has_no_error() -> None:
    chance = np.random.default_rng(1)
    sure = chance.random(3000)
    honest, boastful = chance.random(3000) < sure, chance.random(3000) < sure / 2
    bins = risk.reliability(sure, honest)
    assert {each.n for each in bins} == {200}
    assert risk.calibration_error(bins) < 0.03
    assert risk.calibration_error(risk.reliability(sure, boastful)) == pytest.approx(0.25, abs=0.03)


def test_figures_are_of_questions_that_had_no_part_in_choosing() -> None:
    chance = np.random.default_rng(2)
    wanted = chance.random(400) < 0.75
    sure = np.clip(chance.random(400) * np.where(wanted, 1.2, 0.6), 0, 1)
    right = wanted & (chance.random(400) < sure + 0.3)
    found = refusal.figures(sure, right, wanted, 0.1)
    low, high = found["intervals"]["error"]
    assert low <= 10 <= high
    assert found["coverage"] < found["coverage_answerable"]
    low, high = found["intervals"]["calibration_error"]
    assert low <= found["calibration_error"] <= high
    assert found["curve"][-1]["coverage"] == 100
    assert sum(each["n"] for each in found["reliability"]) == 400
    assert found == refusal.figures(sure, right, wanted, 0.1)
