"""What an answer rests on, for the audit trail: places in documents, spans and figures; what was said, by reference."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.answering import confidence
from bot.answering.evidence import Candidate
from bot.answering.find import Found
from bot.answering.follow import Query
from bot.answering.phrase import Wording
from bot.engines.base import Span
from bot.events import Dropped, Grounds, derived
from retrieval.types import Hit

KEPT = 3
"""So many of the candidates are kept, the best first."""
_DETAIL = re.compile(r"\s*(?::.*|'[^']*')\s*$", re.S)


def grounds_of(query: Query, found: Found, scores: Mapping[str, Any], wording: Wording | None = None) -> Grounds:
    """Everything that is needed to tell later why. Of a candidate and a passage the offsets are the document's."""
    wording = wording or Wording(ended="off")
    kept = {
        **scores,
        "passages": [_passage(hit, span) for hit, span in found.read],
        "candidates": [_candidate(each) for each in found.candidates[:KEPT]],
        "support": [round(support, 4) for support in wording.support],
    }
    return Grounds(
        asked=derived(query.text),
        context=derived(query.context),
        dropped=tuple(
            Dropped(text=derived(text), rule=rule_of(reason), reason=derived(reason))
            for text, reason in wording.dropped
        ),
        scores=kept,
    )


def rule_of(reason: str) -> str:
    """What a check says, without the words that it names: "not in the evidence: 30 days" is "not in the evidence"."""
    return _DETAIL.sub("", reason)


def _passage(hit: Hit, span: Span | None) -> dict[str, Any]:
    """`span` are offsets into the passage; none where the reader did not look, or saw no answer."""
    passage = hit.passage
    told: dict[str, Any] = {
        "collection": passage.collection,
        "document": passage.document,
        "version": passage.version,
        "start": passage.start,
        "end": passage.end,
        "score": round(hit.score, 4),
        "dense": None if hit.dense is None else round(hit.dense, 4),
        "sparse": None if hit.sparse is None else round(hit.sparse, 4),
    }
    if span is not None:
        told |= {"span": [span.start, span.end], "probability": round(span.score, 4)}
    return told


def _candidate(each: Candidate) -> dict[str, Any]:
    unit = each.unit
    place = {"collection": unit.document.collection, "document": unit.document.name, "version": unit.document.version}
    return {
        **place,
        "start": unit.start,
        "end": unit.end,
        "path": list(unit.path[-2:]),
        "figures": confidence.figures(each),
    }
