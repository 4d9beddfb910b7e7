"""Figures and their intervals."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.evals import measures


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    # Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, method 3.
    [(81, 263, 25.53, 36.62), (15, 148, 6.24, 16.05), (0, 20, 0.0, 16.11), (1, 29, 0.61, 17.18)],
)
def test_a_share_has_the_interval_of_the_literature(hits: int, n: int, low: float, high: float) -> None:
    measure = measures.of(hits, n)
    assert measure.value == pytest.approx(100 * hits / n)
    assert (measure.low, measure.high) == (pytest.approx(low, abs=0.01), pytest.approx(high, abs=0.01))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_an_interval_holds_its_value_and_is_the_same_every_time(values: list[float]) -> None:
    measure = measures.average(values)
    assert measure == measures.average(values)
    assert -1e-9 <= measure.low <= measure.value + 1e-6
    assert measure.value - 1e-6 <= measure.high <= 100 + 1e-9


def test_a_mean_of_many_is_surer_than_one_of_few() -> None:
    few, many = (measures.average([0.2, 0.5, 0.9] * n) for n in (3, 300))
    assert few.value == pytest.approx(many.value)
    assert many.high - many.low < (few.high - few.low) / 5


def test_all_rows_alike_are_no_reason_to_be_certain() -> None:
    measure = measures.quotient([2.0, 3.0], [2.0, 3.0])
    assert (measure.value, measure.high) == (100.0, 100.0)
    assert measure.low < 50


def test_a_difference_goes_both_ways() -> None:
    same = measures.difference([0.0] * 12)
    assert (same.value, same.low) == (0.0, -same.high)
    assert same.high > 10
    better = measures.difference([1.0] * 20 + [-1.0] * 5 + [0.0] * 25)
    assert 0 < better.low < better.value == pytest.approx(30.0)


def test_a_quotient_counts_large_rows_more() -> None:
    assert measures.quotient([1.0, 0.0], [1.0, 9.0]).value == pytest.approx(10.0)


def test_nothing_measured_is_told_as_nothing() -> None:
    assert math.isnan(measures.share([]).value)
    assert measures.printed({"recall": measures.share([])}) == {"recall": None, "intervals": {"recall": None}}
