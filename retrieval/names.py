"""The words that tell like documents apart.

A bank has a Silver Saver, a Silver Plus Saver and a Gold Saver, each with the same pages in nearly the same words. What
tells them apart stands in their titles, and the titles show it: a word in whose place others stand, or none.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

ALIKE = 3
"""So many titles that differ in one word alone make names of these words."""
TWICE = 2
"""A word that so many titles have, each of them like another one without it, is a name too: "Plus"."""
_WORD = re.compile(r"[a-z0-9]+")


def names(titles: Iterable[str]) -> frozenset[str]:
    """The words that tell like titles apart, in small letters. English: Chinese titles have no words to compare."""
    known = {words(title) for title in titles}
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], set[str]] = defaultdict(set)
    more: dict[str, int] = defaultdict(int)
    for said in known:
        # What a title ends in is what the page says of the thing, not its name.
        for at in range(len(said) - 1 if len(said) >= ALIKE else 0):
            alike[said[:at], said[at + 1 :]].add(said[at])
            more[said[at]] += said[:at] + said[at + 1 :] in known
    several = (each for each in alike.values() if len(each) >= ALIKE)
    return frozenset().union(*several, (word for word, times in more.items() if times >= TWICE))


def words(text: str) -> tuple[str, ...]:
    """Of a title or a question, in small letters."""
    return tuple(_WORD.findall(text.lower()))
