"""A Chinese question in the words of English pages, by a list of terms: for pages that exist in English only."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources

from bot.errors import ConfigError

_LATIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.,'/-]*")


def translate(text: str) -> str:
    """The English words for the terms that are known, and the Latin words and numbers as they stand; "" for none.

    Not a sentence: enough to search with. Longer terms win.
    """
    terms = _terms()
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
        at += size or 1
    return " ".join(dict.fromkeys(found))


@cache
def _terms() -> dict[str, str]:
    file = resources.files("bot") / "lexicon" / "zh-en.toml"
    try:
        terms: dict[str, str] = tomllib.loads(file.read_text(encoding="utf-8"))["terms"]
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise ConfigError(f"the list of terms {file} is missing or damaged: {error}. Install frontdesk again") from None
    return terms
