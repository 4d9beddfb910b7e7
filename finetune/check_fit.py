"""The rules and the model together: how much each sign of the rules counts, and where the threshold lies.

Fitted on the replies to choose on. What the rules block outright is blocked whatever the model says; of the rest a
logistic regression weighs the model's log odds and the rules' signs, so that "a name that the evidence does not have"
counts for as much as it has shown to mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.engines import check_signs
from bot.engines.check_signs import Signs
from finetune.check_data import Example, Reply
from finetune.check_report import least, threshold_for
from finetune.evaluate import calibrate

RIDGE = 1.0
"""How hard the signs' weights are pulled to 0: signs are rare, and a weight needs examples."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What `check.json` says of how to judge."""

    threshold: float
    lean: dict[str, float]
    temperature: float
    bias: float


def signs(made: Sequence[Example]) -> list[Signs]:
    """Of each example."""
    return [check_signs.read(each.sentence, each.evidence) for each in made]


def fit(replies: Sequence[Reply], made: Sequence[Example], shown: Sequence[Signs], margins: NDArray[np.float64]) -> Fit:
    """`made` are the replies' examples, `shown` their signs. As many real ones are blocked as may be."""
    grounded = np.array([each.grounded for each in made])
    left = np.array([not each.blocked and not each.verbatim for each in shown])
    names = sorted({name for each in shown for name in each.figures})
    table = np.array([[each.figures.get(name, 0.0) for name in names] for each in shown])
    slope, weights = _logistic(margins[left], table[left], grounded[left])
    lean = {name: round(float(weight / slope), 4) for name, weight in zip(names, weights, strict=True)}
    scored = score(shown, margins, lean)
    worst = least(len(replies), made, scored)
    real = np.array([each.grounded for each in replies])
    temperature, bias = calibrate(scored[left], grounded[left])
    return Fit(threshold_for(worst[real]), lean, temperature, bias)


def score(shown: Sequence[Signs], margins: NDArray[np.float64], lean: dict[str, float]) -> NDArray[np.float64]:
    """Each example's log odds with what the rules' signs add; infinite where the rules decide."""
    found = margins.astype(np.float64)
    for at, each in enumerate(shown):
        if each.blocked or each.verbatim:
            found[at] = -np.inf if each.blocked else np.inf
        else:
            found[at] += sum(lean.get(name, 0.0) * value for name, value in each.figures.items())
    return found


def _logistic(
    margins: NDArray[np.float64], table: NDArray[np.float64], wanted: NDArray[np.bool_]
) -> tuple[float, NDArray[np.float64]]:
    """The slope of the margins and the weights of the signs, by Newton's method; the intercept is not asked for."""
    columns = np.column_stack([margins, table, np.ones(len(margins))])
    held = np.full(columns.shape[1], RIDGE)
    held[0] = held[-1] = 1e-6
    weights = np.zeros(columns.shape[1])
    for _ in range(50):
        guess = 1 / (1 + np.exp(-np.clip(columns @ weights, -30, 30)))
        gradient = columns.T @ (guess - wanted) + held * weights
        hessian = (columns * (guess * (1 - guess) + 1e-9)[:, None]).T @ columns + np.diag(held)
        step = np.linalg.solve(hessian, gradient)
        weights -= step * min(1.0, 2.0 / (np.abs(step).max() + 1e-12))
        if np.abs(step).max() < 1e-8:
            break
    return max(float(weights[0]), 1e-3), weights[1:-1]
