"""How well a check finds false replies of each kind when it may block so many real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from finetune.check_data import Example, Reply
from finetune.evals import measures

ALARMS = 5.0
"""Real replies that may be blocked, in 100."""
REPORTED = (5.0, 10.0, 20.0)
"""What is found is reported at all of these."""
REAL = "false alarms"


@dataclass(frozen=True, slots=True)
class Scores:
    """Recall by kind, 0 to 100, where at most `ALARMS` in 100 real replies are blocked: those below the threshold.

    `counts`: how many replies each figure is of, the false alarms' under their name.
    """

    recall: dict[str, float]
    false_alarms: float
    threshold: float
    replies: int
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        """The kinds' mean, each counting as much as another."""
        return sum(self.recall.values()) / max(len(self.recall), 1)

    def __str__(self) -> str:
        kinds = ", ".join(f"{kind} {share:.1f}" for kind, share in self.recall.items())
        return f"found {kinds} at {self.false_alarms:.1f} false alarms (n = {self.replies})"

    def as_dict(self) -> dict[str, object]:
        """Plain data, rounded, with 95 % intervals (Wilson's)."""
        figures = {**self.recall, REAL: self.false_alarms}
        intervals = {
            name: measures.of(round(figures[name] * n / 100), n).interval for name, n in self.counts.items() if n
        }
        return {
            "recall": {kind: round(share, 1) for kind, share in self.recall.items()},
            "false_alarms": round(self.false_alarms, 1),
            "threshold": self.threshold,
            "replies": self.replies,
            "counts": self.counts,
            "intervals": intervals,
        }


def threshold_for(real: NDArray[np.float64], alarms: float = ALARMS) -> float:
    """The highest margin below which at most `alarms` in 100 of these lie."""
    ordered = np.sort(real)
    return float(ordered[int(alarms / 100 * len(ordered))]) if len(ordered) else 0.0


def least(count: int, made: Sequence[Example], scored: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each reply's score, that of its worst example."""
    found = np.full(count, np.inf)
    for each, value in zip(made, scored, strict=True):
        found[each.group] = min(found[each.group], value)
    return found


def scores(replies: Sequence[Reply], margins: NDArray[np.float64], threshold: float | None = None) -> Scores:
    """`threshold` None: chosen on these replies, so that the false alarms are what is allowed."""
    grounded = np.array([each.grounded for each in replies])
    cut = threshold_for(margins[grounded]) if threshold is None else threshold
    blocked = margins < cut
    kinds = list(dict.fromkeys(each.kind for each in replies if not each.grounded))
    at = {kind: np.array([each.kind == kind for each in replies]) for kind in kinds}
    recall = {kind: 100 * float(blocked[at[kind]].mean()) for kind in kinds}
    alarms = 100 * float(blocked[grounded].mean()) if grounded.any() else 0.0
    counts = {**{kind: int(at[kind].sum()) for kind in kinds}, REAL: int(grounded.sum())}
    return Scores(recall, alarms, cut, len(replies), counts)
