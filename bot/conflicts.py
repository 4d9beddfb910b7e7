"""Two sentences that answer the same question differently, found when documents are ingested.

Sentences of different documents are compared where their vectors (in their place: with title and headings) are close.
They conflict when they speak of the same thing with other figures, or one says "not" where the other does not. What
names other things (a code, a product, a heading that the other side has no word of) is not the same thing: that the
Gold card costs more than the Silver card is no conflict.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Literal

from bot.answering import units
from bot.answering.units import Unit
from bot.engines import claims
from retrieval.types import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from retrieval.snapshot import Key, Snapshot

NEIGHBOURS = 8
"""So many passages nearest to one are looked at beside it."""
CLOSE = 0.7
"""The least cosine of two sentences in their place."""
SHARED = 0.5
"""The least share of their content words that two sentences have in common (Dice), where figures differ."""
SHARED_NOT = 0.7
"""And where only a "not" does."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sentence stands: `document.text[start:end]` is the quote."""

    collection: str
    document: str
    title: str
    start: int
    end: int
    quote: str
    updated: date | None
    past_review: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """`kind` says in what the two differ, `what` with which words: ("30 day", "14 day"). `cosine` is their likeness."""

    kind: Literal["figures", "negation"]
    what: tuple[str, str]
    one: Place
    other: Place
    cosine: float


def find(
    snapshot: Snapshot,
    among: Collection[Key] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Conflict]:
    """The conflicts of the documents in `among` (all when not told) with any other, the closest first.

    Internal documents are compared too: this is for the people who keep the documents, never for customers.
    `progress(done, total)` counts passages.
    """
    rows = [row for row, each in enumerate(snapshot.passages) if among is None or _key(each) in among]
    found: dict[frozenset[tuple[Key, int, int]], Conflict] = {}
    compare = _Compare(snapshot)
    for done, row in enumerate(rows, start=1):
        for other in compare.near(row):
            for conflict in compare.passages(row, other):
                sides = (conflict.one, conflict.other)
                ends = frozenset(((side.collection, side.document), side.start, side.end) for side in sides)
                found.setdefault(ends, conflict)
        if progress is not None and (done % 50 == 0 or done == len(rows)):
            progress(done, len(rows))
    return sorted(found.values(), key=lambda each: (-each.cosine, each.one.document, each.one.start))


class _Compare:
    """One index, with the vectors of its sentences at hand."""

    def __init__(self, snapshot: Snapshot) -> None:
        import numpy as np

        self._snapshot = snapshot
        self._everything = np.ones(len(snapshot.passages), np.bool_)
        self._languages = {
            language: np.array([passage.language == language for passage in snapshot.passages], np.bool_)
            for language in snapshot.languages
        }
        self._of = cache(self._units)

    def near(self, row: int) -> list[int]:
        """The passages of other documents, in the same language, that are nearest to one."""
        passage = self._snapshot.passages[row]
        allowed = self._languages[passage.language]
        if passage.language == "zh":
            text = " ".join([*passage.path, passage.text])
            found, _ = self._snapshot.sparse.search(text, NEIGHBOURS + 1, allowed)
        else:
            vector = self._snapshot.dense.row(row)
            found, _ = self._snapshot.dense.search(vector, NEIGHBOURS + 1, allowed)
        return [other for other in found.tolist() if _key(self._snapshot.passages[other]) != _key(passage)]

    def passages(self, row: int, other: int) -> Iterator[Conflict]:
        """The conflicts of the sentences of two passages."""
        ours, our_vectors = self._of(row)
        theirs, their_vectors = self._of(other)
        if not ours or not theirs:
            return
        cosines = our_vectors @ their_vectors.T
        chinese = self._snapshot.passages[row].language == "zh"
        for at, one in enumerate(ours):
            for to, two in enumerate(theirs):
                likeness = float(cosines[at, to])
                if chinese or likeness >= CLOSE:
                    differs = _differs(one, two)
                    if differs is not None:
                        kind, what, shared = differs
                        yield Conflict(kind, what, _place(one), _place(two), round(shared if chinese else likeness, 4))

    def _units(self, row: int) -> tuple[list[Unit], NDArray[np.float32]]:
        passage = self._snapshot.passages[row]
        inside = units.units(self._snapshot.documents[_key(passage)], passage)
        vectors, _ = self._snapshot.pieces.find([unit.placed for unit in inside])
        return inside, vectors


def _differs(one: Unit, two: Unit) -> tuple[Literal["figures", "negation"], tuple[str, str], float] | None:
    """In what two sentences about the same thing differ; None where they do not, or speak of different things."""
    ours, theirs = claims.read(one.evidence), claims.read(two.evidence)
    shared = _dice(ours.words, theirs.words)
    if shared < SHARED or _apart(one, two) or _apart(two, one):
        return None
    our_figures, their_figures = _figures(ours.facts), _figures(theirs.facts)
    for unit in sorted(our_figures.keys() & their_figures.keys()):
        if not our_figures[unit] & their_figures[unit]:
            return "figures", (_told(our_figures[unit], unit), _told(their_figures[unit], unit)), shared
    same = our_figures == their_figures
    if same and shared >= SHARED_NOT and ours.negations % 2 != theirs.negations % 2:
        return "negation", ("not" if ours.negations % 2 else "", "not" if theirs.negations % 2 else ""), shared
    return None


def _apart(one: Unit, two: Unit) -> bool:
    """Whether the first names what the second has no word of, and the second something else."""
    ours, theirs = _names(one), _names(two)
    return bool(ours - _words(two)) and bool(theirs - _words(one))


def _names(unit: Unit) -> frozenset[str]:
    """The words that say what a sentence is about: its title and headings, its codes, and of a row its first cell."""
    codes = {fact for fact in claims.read(unit.evidence).facts if not fact[0].isdigit()}
    first = unit.quote.split(" | ")[0] if unit.kind == "row" else ""
    return claims.read(" ".join([*unit.path, first]).lower()).words | codes


def _words(unit: Unit) -> frozenset[str]:
    said = claims.read(" ".join([*unit.path, unit.asked, unit.evidence]).lower())
    return said.words | said.facts


def _figures(facts: frozenset[str]) -> dict[str, frozenset[str]]:
    """The numbers by their unit, "" for bare ones: {"day": {"30"}}. Codes and names are no figures."""
    found: dict[str, set[str]] = {}
    for fact in facts:
        number, _, unit = fact.partition(" ")
        if number.replace(".", "").replace(":", "").isdigit():
            found.setdefault(unit or (":" if ":" in number else ""), set()).add(number)
    return {unit: frozenset(numbers) for unit, numbers in found.items()}


def _told(numbers: frozenset[str], unit: str) -> str:
    return ", ".join(f"{number} {'' if unit == ':' else unit}".strip() for number in sorted(numbers))


def _dice(ours: frozenset[str], theirs: frozenset[str]) -> float:
    return 2 * len(ours & theirs) / (len(ours) + len(theirs)) if ours and theirs else 0.0


def _key(passage: Passage) -> Key:
    return passage.collection, passage.document


def _place(unit: Unit) -> Place:
    document = unit.document
    late = document.past_review(date.today())
    return Place(
        document.collection, document.name, document.title, unit.start, unit.end, unit.quote, document.updated, late
    )


def words(conflict: Conflict) -> Sequence[str]:
    """A conflict as lines for a person."""
    first, second = conflict.what
    told = f"{first} / {second}" if conflict.kind == "figures" else "one says not, the other does not"
    lines = [f"conflict ({conflict.kind}: {told})"]
    for side in (conflict.one, conflict.other):
        notes = [f"updated {side.updated}"] if side.updated else []
        notes += ["past its review date"] if side.past_review else []
        note = f" ({', '.join(notes)})" if notes else ""
        quote = " ".join(side.quote.split())
        lines.append(f"  {side.collection}/{side.document}, {side.start}-{side.end}{note}: {quote[:160]}")
    return lines
