"""What the exact rules decide of a sentence beside a piece of evidence, before a model is asked."""

from __future__ import annotations

from dataclasses import dataclass

from bot.engines import check, claims

BLOCKED: frozenset[check.Kind] = frozenset({"form", "fact"})
"""What the rules decide alone, whatever the model thinks: what is no statement, and a figure that is not there."""


@dataclass(frozen=True, slots=True)
class Signs:
    """`verbatim`: the evidence has the sentence as it stands; `passed`: all rules of "evidence" let it through;
    `blocked`: why the rules block it alone, or "".
    """

    verbatim: bool
    passed: bool
    blocked: str


def read(sentence: str, text: str) -> Signs:
    """The signs of a sentence beside one piece of evidence, which may begin with a line "# Title > Section"."""
    places = check.places([text])
    finding = check.supporting(sentence, places)
    lacking = claims.lacking(claims.read(sentence), claims.read(text))
    exact = [fact for fact in lacking if not claims.is_name(fact)]
    blocked = finding.reason if finding.kind in BLOCKED else ""
    if exact:
        blocked = f"not in the evidence: {exact[0]}"
    return Signs(any(check.same(place.text, sentence) for place in places), not finding.kind, blocked)
