"""What of a message is small talk, and what is left of it to ask."""

from __future__ import annotations

import re

from bot.lexicon import asks, find, lexicons

BETWEEN = re.compile(r"[\s.,!?;:~…·、。！？，；：～\"'()\-–—*_^]+")


def upset(words: str) -> bool:
    """Whether the `plain` text is anger and no question: there is nothing to look up, only somebody to calm."""
    match = find("anger", words)
    if match is None:
        return False
    rest = f"{words[: match.start()]} {words[match.end() :]}"
    return not asks(rest.replace("?", " ").replace("？", " ").strip())


def small_talk(words: str) -> tuple[list[str], str]:
    """The kinds of small talk that make up a `plain` text, in the order of the lexicon, and what is left to ask.

    What is left is all of it but the greeting before it; nothing, when there is only small talk.
    """
    found: dict[str, None] = {}
    position = asked = 0
    while position < len(words):
        if gap := BETWEEN.match(words, position):
            position = gap.end()
            continue
        kind, end = _longest(words, position)
        if end == position:
            break
        if kind == "greeting" and asked == _after_gap(words, asked, position):
            asked = end
        if kind is not None:
            found[kind] = None
        position = end
    ranks = {kind: rank for entry in lexicons() for rank, kind in enumerate(entry.small_talk)}
    rest = words[asked:].lstrip(" \n.,!:;~，。！：；") if position < len(words) else ""
    return sorted(found, key=lambda kind: ranks[kind]), rest if found or rest else words


def _after_gap(words: str, start: int, end: int) -> int:
    """`start`, if there is nothing but punctuation between the two places; else -1."""
    return start if not words[start:end] or BETWEEN.fullmatch(words, start, end) else -1


def _longest(words: str, position: int) -> tuple[str | None, int]:
    """The longest small talk or filler at a position: (its kind, None for a filler; where it ends)."""
    best: tuple[str | None, int] = (None, position)
    for entry in lexicons():
        for kind, pattern in entry.small_talk.items():
            if (match := pattern.match(words, position)) and match.end() > best[1]:
                best = (kind, match.end())
        if (match := entry.words["fillers"].match(words, position)) and match.end() > best[1]:
            best = (None, match.end())
    return best
