"""How sure a sentence is to answer: one probability from what the reader, the search and the words say.

Two logistic regressions, one for English and one for Chinese (which the default reader and encoder cannot read, so that
words are all there is). How the coefficients were obtained is said beside them; `finetune/confidence.py` fits them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from bot.answering.evidence import Candidate

ENGLISH: Mapping[str, float] = {
    "bias": -4.0,
    "read": 3.0,
    "best_read": 1.0,
    "near": 2.0,
    "found": 1.5,
    "covered": 1.5,
    "around": 1.0,
    "ahead": 1.0,
    "strange": -0.5,
    "typed": 0.2,
    "behind": -2.0,
}
CHINESE: Mapping[str, float] = {
    "bias": -6.023,
    "covered": 11.453,
    "around": -3.364,
    "ahead": 4.273,
    "strange": 1.408,
    "typed": 0.68,
}
"""Fitted on 491 CMRC questions over 256 pages, each asked with and without its page. On the 509 others at 0.3: 87 of
100 answered, 83 of those with the right sentence (78 of 100 best sentences are right); 6.5 answered without the page.
"""


def judged(candidate: Candidate, coefficients: Mapping[str, float]) -> Candidate:
    """The candidate with its confidence, 0 to 1."""
    total = coefficients["bias"] + sum(
        weight * float(getattr(candidate, name)) for name, weight in coefficients.items() if name != "bias"
    )
    return replace(candidate, confidence=1 / (1 + math.exp(-max(-30.0, min(30.0, total)))))
