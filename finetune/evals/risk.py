"""Answering by confidence: risk, coverage, thresholds and calibration. Pure functions.

A question is `answered` from a threshold on; `right` says whether what would be answered is right (a question that the
documents do not answer has no right answer). Risk is the share of wrong ones among the answered, coverage the share of
the answered among all (El-Yaniv and Wiener 2010, Geifman and El-Yaniv 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Point:
    """What a threshold comes to, coverage and risk from 0 to 1."""

    threshold: float
    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions of like confidence: how sure the bot was, and how many of them it had right, 0 to 1."""

    confidence: float
    accuracy: float
    n: int


def curve(confidence: Floats, right: Flags) -> list[Point]:
    """A point for every confidence there is, the surest first. Questions of the same confidence come together."""
    order = np.argsort(-confidence, kind="stable")
    sure, wrong = confidence[order], np.cumsum(~right[order])
    last = np.append(sure[1:] < sure[:-1], True)
    return [
        Point(float(sure[at]), float((at + 1) / len(sure)), float(wrong[at] / (at + 1))) for at in np.flatnonzero(last)
    ]


def threshold_for(confidence: Floats, right: Flags, risk: float) -> float:
    """The lowest threshold from which at most `risk` (0 to 1) of the answers are wrong; above 1 where there is none.

    So many questions must be answered that one wrong one would be allowed (20 at a risk of 0.05): fewer show nothing.
    It lies half-way to the next lower confidence, so that it does not hang on one question's last digit.
    """
    points = curve(confidence, right)
    least = 1 / risk / len(confidence) if risk else 0.0
    good = [at for at, point in enumerate(points) if point.risk <= risk and point.coverage >= least - 1e-9]
    if not good:
        return float(np.nextafter(1.0, 2.0))
    at = good[-1]
    below = points[at + 1].threshold if at + 1 < len(points) else 0.0
    return (points[at].threshold + below) / 2


def halves(n: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two random halves of `n` rows, always the same."""
    order = np.random.default_rng(seed).permutation(n)
    return np.sort(order[: n // 2]), np.sort(order[n // 2 :])


def area(points: Sequence[Point]) -> float:
    """The mean risk over all coverages, 0 to 1 (AURC): the lower, the better right answers are told from wrong ones."""
    at = [0.0, *(point.coverage for point in points)]
    return float(sum(p.risk * (p.coverage - before) for p, before in zip(points, at, strict=False)))


def reliability(confidence: Floats, right: Flags, bins: int = BINS) -> list[Bin]:
    """Bins of equal mass: each holds the same number of questions, so that no bin says much on little."""
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(order, min(bins, len(order))) if len(part)]
    return [Bin(float(confidence[part].mean()), float(right[part].mean()), len(part)) for part in parts]


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error, 0 to 1: the mean gap of confidence and accuracy, by the bins' sizes."""
    total = sum(each.n for each in bins)
    return sum(each.n * abs(each.confidence - each.accuracy) for each in bins) / total if total else 0.0
