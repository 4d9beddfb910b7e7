"""What words show of a sentence beside a piece of evidence, as figures that a model's judgement is leaned by.

The rules of "evidence" pass a sentence or say one thing against it; here is everything that they look at, beside the
sentence of the evidence that has most of its words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.engines import check, claims, wording
from bot.engines.claims import Claims

BLOCKED: frozenset[check.Kind] = frozenset({"form", "fact"})
"""What the rules decide alone, whatever the model thinks: what is no statement, and a figure that is not there."""


@dataclass(frozen=True, slots=True)
class Signs:
    """`verbatim`: the evidence has the sentence as it stands; `blocked`: why the rules block it alone, or "".

    `figures` are shares and counts (at most 2), by name; those that are 0 are left out.
    """

    verbatim: bool
    blocked: str
    figures: Mapping[str, float]


def read(sentence: str, text: str) -> Signs:
    """The signs of a sentence beside one piece of evidence, which may begin with a line "# Title > Section"."""
    places = check.places([text])
    finding = check.supporting(sentence, places)
    ours, whole = claims.read(sentence), claims.read(text)
    lacking = claims.lacking(ours, whole)
    exact = [fact for fact in lacking if not claims.is_name(fact)]
    blocked = finding.reason if finding.kind in BLOCKED else ""
    if exact:
        blocked = f"not in the evidence: {exact[0]}"
    verbatim = any(check.same(place.text, sentence) for place in places)
    theirs = max((claims.read(place.text) for place in places), key=lambda each: _covered(ours, each), default=whole)
    figures = {f"rule {finding.kind}" if finding.kind else "passed": 1.0, **_figures(ours, theirs, whole)}
    figures["name missing"] = float(len(lacking) - len(exact))
    return Signs(verbatim, blocked, {name: min(value, 2.0) for name, value in figures.items() if value})


def _figures(ours: Claims, theirs: Claims, whole: Claims) -> dict[str, float]:
    """`theirs` is the nearest sentence of the evidence, `whole` all of it."""
    apart = claims.lacking(ours, theirs)
    everywhere = set(claims.lacking(ours, whole))
    found = {
        "covered": _covered(ours, whole),
        "covered by one": _covered(ours, theirs),
        "figure elsewhere": sum(1.0 for fact in apart if fact not in everywhere and not claims.is_name(fact)),
        "name elsewhere": sum(1.0 for fact in apart if fact not in everywhere and claims.is_name(fact)),
        "opposite": float(bool(claims.opposite(ours.words, theirs.words))),
        "negation more": float(max(0, ours.negations - theirs.negations)),
        "negation less": float(max(0, theirs.negations - ours.negations)),
    }
    for name in ("limits", "conditions", "modals"):
        mine, other, all_of = (getattr(each, name) for each in (ours, theirs, whole))
        found[f"{name} more"] = float(len(mine - other))
        found[f"{name} less"] = float(len(other - mine))
        found[f"{name} nowhere"] = float(len(mine - all_of))
    return found


def _covered(ours: Claims, theirs: Claims) -> float:
    words = ours.words - wording.EMPTY
    return len(words & theirs.words) / len(words) if words else 1.0
