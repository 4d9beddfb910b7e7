"""Which of several choices is meant: by its words, a synonym, its number in the list, or nearly its spelling."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot import lexicon
from bot.understanding.values.found import Found, longest

SLIPS = ((8, 2), (4, 1))
"""(letters, slips of the pen): a choice of so many letters may be misspelt so far; a shorter one must be right."""
NTH = re.compile(
    r"\b(?:the )?(?P<word>first|second|third|fourth|fifth|last|1st|2nd|3rd|4th|5th)(?: (?:one|option|choice))?\b|"
    r"\b(?:option|number|choice|no\.?) (?P<number>[1-9])\b|^(?P<alone>[1-9])[.)]?$|"
    r"第(?P<han>[一二三四五1-5])(?:个|项|种|条)?|(?P<end>最后一?个)"
)
ORDER = {
    **{word: at for at, word in enumerate(("first", "second", "third", "fourth", "fifth"))},
    **{word: at for at, word in enumerate(("1st", "2nd", "3rd", "4th", "5th"))},
    **{word: at for at, word in enumerate("一二三四五")},
    "last": -1,
}


def choices(
    text: str, among: Sequence[str], synonyms: Mapping[str, str] | None = None, *, asked: bool = False
) -> list[Found[str]]:
    """The choices that are named, in the text's order. `synonyms` maps words in lower case to a choice.

    `asked`: the choices were offered, so that "the second one" counts, and a spelling that is only near.
    """
    words = lexicon.plain(text)
    named = {lexicon.plain(choice).replace("_", " "): choice for choice in among}
    known = {lexicon.plain(choice): choice for choice in among}
    for said, choice in (synonyms or {}).items():
        if target := known.get(lexicon.plain(choice)):
            named.setdefault(lexicon.plain(said), target)
    found = [
        Found(choice, match.start(), match.end())
        for spelling, choice in named.items()
        for match in _spelt(spelling).finditer(words)
    ]
    if found or not asked:
        return longest(found)
    if match := NTH.search(words):
        at = _position(match)
        if -len(among) <= at < len(among):
            return [Found(among[at], match.start(), match.end())]
    return _near(words, named)


def _spelt(spelling: str) -> re.Pattern[str]:
    """A word begins and ends at an edge where it is written in letters that have such; a plural's s is let through."""
    escaped = re.escape(spelling).replace(r"\ ", r"[ _-]")
    return re.compile(rf"(?<!\w){escaped}(?:e?s)?(?!\w)" if spelling.isascii() else escaped)


def _position(match: re.Match[str]) -> int:
    if match["end"]:
        return -1
    said = match["word"] or match["han"] or ""
    if said in ORDER:
        return ORDER[said]
    return int(match["number"] or match["alone"] or said) - 1


def _near(words: str, named: Mapping[str, str]) -> list[Found[str]]:
    """The choice whose spelling is nearest to some run of words; two neighbours swapped are one slip."""
    from rapidfuzz.distance import OSA

    pieces = [(match.start(), match.end()) for match in re.finditer(r"[^\s,.!?;]+", words)]
    best: tuple[float, Found[str]] | None = None
    for spelling, choice in named.items():
        most = next((slips for letters, slips in SLIPS if len(spelling) >= letters), 0)
        size = len(spelling.split())
        for at in range(len(pieces) - size + 1 if most else 0):
            start, end = pieces[at][0], pieces[at + size - 1][1]
            slips = OSA.distance(words[start:end], spelling)
            if slips <= most and (best is None or slips < best[0]):
                best = (slips, Found(choice, start, end))
    return [best[1]] if best else []
