"""A second sentence where one is seldom the whole answer: from the same passage, when it answers nearly as well."""

from __future__ import annotations

from dataclasses import replace

from bot.answering.find import Found
from bot.answering.units import Unit

SHARE = 0.6
"""Of the best one's confidence, what a second sentence must have.

Of 143 questions that a bank's documents answer, the best sentence alone has what was asked for 55 in 100 times, with
the second 63 times; three in four answers get one, of 13 words. At 0.4 it would be 65, and nearly every answer. On
whole turns 44.1 in 100 were answered right instead of 39.2, and none wrong that was right. In Chinese, where confidence
goes by words, it was not measured and none is told.
"""
KINDS = ("paragraph", "item")
CHARACTERS = 300
"""A longer one is not told beside another."""


def beside(found: Found, best: Unit) -> Unit | None:
    """The runner-up of the passage that the best candidate, shown as `best`, stands in; None where there is none."""
    first = found.candidates[0]
    passage = first.hit.passage
    if best.kind not in KINDS or found.language == "zh":
        return None  # a row or a whole list stands for itself
    for each in found.candidates[1:]:
        unit = each.unit
        if each.confidence < SHARE * first.confidence:
            return None
        apart = unit.end <= best.start or best.end <= unit.start
        inside = unit.document is best.document and passage.start <= unit.start and unit.end <= passage.end
        if inside and apart and unit.kind in KINDS and len(unit.text) <= CHARACTERS:
            return replace(unit, lead=None) if unit.lead == best.lead else unit  # a list is introduced once
    return None
