"""A Chinese question in the words of English pages, by a list of terms: for pages that exist in English only."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources

from bot.errors import ConfigError
from bot.lexicon import trade

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_PARTICLES = frozenset("的了吗呢吧啊呀是在我你您他她它们和与及或都也不没有这那个把被请")
_LATIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.,'/-]*")


def translate(text: str) -> str:
    """The English words for the terms that are known, and the Latin words and numbers as they stand; "" for too few.

    Not a sentence: enough to search with. Longer terms win. Where most of what the question says is not known, the rest
    would find a page on something else.
    """
    terms, silent = _terms(), _silent(text)
    known = unknown = 0
    longest = max(map(len, terms))
    found: list[str] = []
    at = 0
    while at < len(text):
        if latin := _LATIN.match(text, at):
            found.append(latin.group())
            at = latin.end()
            continue
        size = next((size for size in range(longest, 0, -1) if text[at : at + size] in terms), 0)
        if size:
            found.append(terms[text[at : at + size]])
            known += size
        elif _CHINESE.match(text, at) and at not in silent:
            unknown += 1
        at += size or 1
    return " ".join(dict.fromkeys(found)) if known >= unknown else ""


def _silent(text: str) -> frozenset[int]:
    """Where words stand that say nothing of what a question is about ("怎么办")."""
    return frozenset(
        at
        for start, end in trade.concepts().spans(text)
        if not trade.concepts().means[text[start:end]]
        for at in range(start, end)
    ) | frozenset(at for at, character in enumerate(text) if character in _PARTICLES)


@cache
def _terms() -> dict[str, str]:
    file = resources.files("bot") / "lexicon" / "zh-en.toml"
    try:
        terms: dict[str, str] = tomllib.loads(file.read_text(encoding="utf-8"))["terms"]
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise ConfigError(f"the list of terms {file} is missing or damaged: {error}. Install frontdesk again") from None
    return terms
