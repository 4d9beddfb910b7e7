"""Curated answers: a question that somebody has written an answer to gets that answer, word for word, cited.

It wins only where it is surely the same question: a wrong answer given with authority is worse than the search, which
knows these answers too. Of 13 pairs of questions that mean the same and 13 that only look so, cosines were 0.66 to 0.98
and 0.35 to 0.92; what tells them apart are the words that one has and the other has not (gold and silver, E04 and E05,
"on Sunday"), so that such pairs need more, and a figure or a "not" that differs is never the same question.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from bot.answering.evidence import SMALL_TALK
from bot.answering.units import cite
from bot.engines import claims
from bot.types import Citation
from retrieval.curated import normal
from retrieval.types import Document, Filters
from retrieval.words import terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from retrieval.snapshot import Snapshot

NAME = "curated"
"""Its threshold's name in bot.toml."""
THRESHOLD = 0.8
"""The least cosine of two questions with the same content words."""
STRICT = 0.92
"""The least where one has words that the other has not."""
CLOSE = 0.03
"""Two answers whose questions are as near as this: neither wins."""
_ASKING = frozenset(["much", "many", "long", "often", "far", "old", "when", "where", "who", "why"])
_NOTHING = SMALL_TALK - _ASKING


@dataclass(frozen=True, slots=True)
class Match:
    """The answer of a list to one of its questions; `score` is the questions' likeness, 0 to 1."""

    document: Document
    question: str
    score: float

    @property
    def citation(self) -> Citation:
        """The whole answer."""
        return cite(self.document, 0, len(self.document.text))


def candidates(snapshot: Snapshot, filters: Filters, today: date) -> list[tuple[Document, str]]:
    """The questions that may win: of answers that may be seen and whose review is not overdue."""
    return [
        (document, question)
        for document, question in snapshot.curated
        if not document.past_review(today) and filters.lets(document)
    ]


def best(
    snapshot: Snapshot,
    asked: str,
    vector: NDArray[np.float32],
    found: list[tuple[Document, str]],
    threshold: float = THRESHOLD,
) -> Match | None:
    """The answer that the list has to what is asked; None when it has none for sure.

    `vector` is the question's, of length 1; all zeros where questions go by words (Chinese).
    """
    same = normal(asked)
    exact = next((each for each in found if normal(each[1]) == same), None) if same else None
    if exact is not None:
        return Match(*exact, 1.0)
    if vector.any():
        vectors, unknown = snapshot.pieces.find([question for _, question in found])
        scores = (vectors @ vector).tolist()
        scores = [0.0 if at in set(unknown) else score for at, score in enumerate(scores)]
    else:
        scores = [_shared(asked, question) for _, question in found]
    ranked = sorted(
        (
            (score, number)
            for number, (score, (_, question)) in enumerate(zip(scores, found, strict=True))
            if score >= threshold and _same(asked, question, score, threshold)
        ),
        reverse=True,
    )
    if not ranked:
        return None
    score, first = ranked[0]
    document, question = found[first]
    for other, number in ranked[1:]:
        if found[number][0] is not document and other > score - CLOSE:
            return None
    return Match(document, question, min(score, 1.0))


def _same(asked: str, question: str, score: float, threshold: float) -> bool:
    ours, theirs = claims.read(asked), claims.read(question)
    if _figures(ours) != _figures(theirs) or ours.negations % 2 != theirs.negations % 2:
        return False
    return _content(asked) == _content(question) or score >= max(STRICT, threshold)


def _figures(said: claims.Claims) -> frozenset[str]:
    return frozenset(fact for fact in said.facts if any(map(str.isdecimal, fact)))


def _content(text: str) -> frozenset[str]:
    words = text.replace("’", "'").split()
    return frozenset(terms(" ".join(word for word in words if word.lower().strip(".,!?;:\"'()") not in _NOTHING)))


def _shared(asked: str, question: str) -> float:
    """How many of their words two questions share, 0 to 1 (Dice)."""
    ours, theirs = set(terms(asked, _NOTHING)), set(terms(question, _NOTHING))
    return 2 * len(ours & theirs) / (len(ours) + len(theirs)) if ours or theirs else 0.0
