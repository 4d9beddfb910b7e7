"""Confidence as a probability: in order, between 0 and 1, and what was measured."""

from __future__ import annotations

import pytest

from bot.answering.confidence import calibrated


def test_calibration_keeps_the_order_and_the_ends() -> None:
    raw = [0.0, 0.01, 0.15, 0.28, 0.5, 0.8, 0.99, 1.0]
    sure = [calibrated(each, "en") for each in raw]
    assert sure == sorted(sure)
    assert (sure[0], sure[-1]) == (0.0, 1.0)


def test_what_was_fitted_for_english_leaves_chinese_alone() -> None:
    assert calibrated(0.28, "en") == pytest.approx(0.473, abs=0.001)
    assert calibrated(0.28, "de") == calibrated(0.28, "en")
    assert calibrated(0.28, "zh") == 0.28
