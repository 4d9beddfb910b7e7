"""Documents past their review date: what they say may have changed, so that what others say as well comes first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bot.answering.evidence import Candidate

MARGIN = 0.1
"""So much surer a sentence past its review must be than another to be told instead of it."""


def settled(candidates: Sequence[Candidate], today: date) -> list[Candidate]:
    """The candidates, the best first, where what is past its review loses to what answers as well."""
    return sorted(
        candidates,
        key=lambda each: -(each.confidence - (MARGIN if each.unit.document.past_review(today) else 0.0)),
    )
