"""When it is not known which of several like things is asked about: their names, to be asked back once.

"What does E02 mean?" has an answer in the manual of every kettle. Answers that stand in the same place of like pages,
about equally sure, are of different things; if the customer has named none of them, the likeliest is a guess.
"""

from __future__ import annotations

from bot.answering.evidence import Candidate
from bot.answering.find import Found
from bot.answering.follow import Query
from bot.answering.units import Unit
from retrieval.names import words

SHARE, LISTED = 0.6, 0.3
"""Of the best one's confidence, what another answer must have to be asked about, and to be offered then."""
MOST = 6
"""So many are offered, the likeliest; the name of another can be typed."""


def choices(found: Found, query: Query, names: frozenset[str]) -> tuple[str, ...]:
    """What the customer may mean, the likeliest first; nothing where that is known. `names` as `Snapshot.names`."""
    best = found.candidates[0]
    said = set(words(query.everything))
    if found.language == "zh" or said & names:
        return ()
    rivals = [each for each in found.candidates if _rival(best, each, names)]
    if not rivals or rivals[0].confidence < SHARE * best.confidence:
        return ()
    rivals = [each for each in rivals if each.confidence >= LISTED * best.confidence]
    titles = list(dict.fromkeys(each.unit.document.title for each in [best, *rivals]))
    apart = [set(words(title)) for title in titles]
    shared = set.intersection(*apart)
    if any(said & (each - shared) for each in apart):
        return ()
    return _labels(titles)[:MOST]


def _rival(best: Candidate, other: Candidate, names: frozenset[str]) -> bool:
    """Whether another page, like this one, says something else in the same place."""
    ours, theirs = best.unit, other.unit
    if ours.document is theirs.document or ours.text == theirs.text or ours.kind != theirs.kind:
        return False
    first, second = words(ours.document.title), words(theirs.document.title)
    if [word for word in first if word not in names] == [word for word in second if word not in names]:
        return True
    heads = [title.partition(": ")[0] for title in (ours.document.title, theirs.document.title)]
    return heads[0] == heads[1] and _place(ours) == _place(theirs)


def _place(unit: Unit) -> list[list[str]]:
    """The headings above it on its page, but for what the page is about: "Error codes of the kettle"."""
    own = set(words(unit.document.title))
    return [[word for word in words(heading) if word not in own] for heading in unit.path[1:]]


def _labels(titles: list[str]) -> tuple[str, ...]:
    """The titles without what all of them have before or after their colon."""
    parts = [title.partition(": ") for title in titles]
    if all(tail for _, _, tail in parts):
        if len({head for head, _, _ in parts}) == 1:
            return tuple(tail for _, _, tail in parts)
        if len({tail for _, _, tail in parts}) == 1:
            return tuple(head for head, _, _ in parts)
    return tuple(titles)
