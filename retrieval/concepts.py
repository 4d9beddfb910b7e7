"""Words that mean the same: what lets "快递多少钱" find "运费". Nothing here knows a trade; a bot brings the words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from retrieval import words

MARK = "="
"""Before a concept among the terms of BM25; no word begins with it."""


@dataclass(frozen=True, eq=False)
class Concepts:
    """`means` has the concepts of a word, as "运费": ("send", "cost"); () for one that says nothing, as "怎么办".

    A text means what its words mean, the longest at each place. A single character counts where it is a word.
    """

    means: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def spans(self, text: str) -> tuple[tuple[int, int], ...]:
        """Where the known words stand, as offsets, in order; none overlap."""
        return _spans(self, text) if self.means else ()

    def words(self, text: str) -> list[str]:
        """The known words of a text that say something, in order."""
        return [text[start:end] for start, end in self.spans(text) if self.means[text[start:end]]]

    def terms(self, text: str) -> list[str]:
        """The concepts of a text as terms, in order, repeated as they are."""
        return [MARK + concept for word in self.words(text) for concept in self.means[word]]

    def rest(self, text: str) -> str:
        """The text with a blank for every known word."""
        kept, at = [], 0
        for start, end in self.spans(text):
            kept.append(text[at:start])
            at = end
        return " ".join([*kept, text[at:]])


NONE = Concepts()
"""No word means another."""


@lru_cache(maxsize=16_384)
def _spans(concepts: Concepts, text: str) -> tuple[tuple[int, int], ...]:
    alone, at, found = None, 0, []
    sizes = _sizes(concepts)
    while at < len(text):
        size = next((size for size in sizes.get(text[at], ()) if text[at : at + size] in concepts.means), 0)
        if size == 1:
            alone = words.alone(text) if alone is None else alone
            size = 1 if at in alone else 0
        if size:
            found.append((at, at + size))
        at += size or 1
    return tuple(found)


@lru_cache(maxsize=16)
def _sizes(concepts: Concepts) -> Mapping[str, tuple[int, ...]]:
    """The lengths of the words that begin with a character, the longest first."""
    found: dict[str, set[int]] = {}
    for word in concepts.means:
        found.setdefault(word[0], set()).add(len(word))
    return {first: tuple(sorted(sizes, reverse=True)) for first, sizes in found.items()}
