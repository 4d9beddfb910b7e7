"""From a QA head's logits to a span: the same arithmetic in training's evaluation and in serving.

A reader gives every token a start and an end logit; token 0 ([CLS]) stands for "no answer here". After Devlin et al.,
BERT (2019), section 4.3: the margin of a span is its start plus end logit, less those of token 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Found:
    """The best span of one window or passage. `start`, `end` are character offsets into the passage.

    `score` is the sum of its two logits, `null` that of "no answer"; `margin` is their difference.
    """

    start: int
    end: int
    score: float
    null: float

    @property
    def margin(self) -> float:
        return self.score - self.null


def best_span(
    start_logits: NDArray[np.float32],
    end_logits: NDArray[np.float32],
    offsets: Sequence[tuple[int, int]],
    *,
    first: int,
    last: int,
    max_tokens: int,
) -> Found:
    """The best span of one window whose passage tokens are `first` to `last` (not included).

    Logits are [tokens]; `offsets` are the tokens' character offsets in the passage, [tokens]. A window without passage
    tokens gives an empty span whose score is -inf.
    """
    null = float(start_logits[0] + end_logits[0])
    count = last - first
    if count <= 0:
        return Found(0, 0, float("-inf"), null)
    sums = start_logits[first:last, None] + end_logits[None, first:last]
    allowed = np.triu(np.ones((count, count), dtype=bool)) & ~np.triu(np.ones((count, count), dtype=bool), max_tokens)
    sums = np.where(allowed, sums, -np.inf)
    i, j = divmod(int(np.argmax(sums)), count)
    return Found(offsets[first + i][0], offsets[first + j][1], float(sums[i, j]), null)


def over_windows(found: Sequence[Found]) -> Found:
    """The best span of a passage read in windows: the highest score, against the least certain "no answer"."""
    best = max(found, key=lambda each: each.score)
    return Found(best.start, best.end, best.score, min(each.null for each in found))


def probability(margin: float, temperature: float, bias: float) -> float:
    """How likely the span answers, 0 to 1: Platt's sigmoid, with what was fitted on questions held out of training."""
    return float(1.0 / (1.0 + np.exp(-np.clip((margin - bias) / temperature, -60.0, 60.0))))
