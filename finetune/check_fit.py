"""The rules and the model together: where the threshold lies, fitted on the replies to choose on.

What the rules block outright is blocked whatever the model says, and what stands in the evidence as it is passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.engines import check_signs
from bot.engines.check_signs import Signs
from finetune.check_data import Example, Reply
from finetune.check_report import ALARMS, least, threshold_for
from finetune.evaluate import calibrate


@dataclass(frozen=True, slots=True)
class Fit:
    """What `check.json` says of how to judge."""

    threshold: float
    temperature: float
    bias: float


def signs(made: Sequence[Example]) -> list[Signs]:
    """Of each example."""
    return [check_signs.read(each.sentence, each.evidence) for each in made]


def fit(
    replies: Sequence[Reply],
    made: Sequence[Example],
    shown: Sequence[Signs],
    margins: NDArray[np.float64],
    alarms: float = ALARMS,
) -> Fit:
    """`made` are the replies' examples, `shown` their signs. As many real replies are blocked as may be."""
    grounded = np.array([each.grounded for each in made])
    scored = score(shown, margins)
    left = np.isfinite(scored)
    worst = least(len(replies), made, scored)
    real = np.array([each.grounded for each in replies])
    temperature, bias = calibrate(scored[left], grounded[left])
    return Fit(threshold_for(worst[real], alarms), temperature, bias)


def score(shown: Sequence[Signs], margins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each example's log odds, infinite where the rules decide."""
    found = margins.astype(np.float64)
    found[[each.verbatim for each in shown]] = np.inf
    found[[bool(each.blocked) for each in shown]] = -np.inf
    return found
