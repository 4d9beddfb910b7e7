"""Words and patterns that every customer-service bot should know, in one TOML file a language.

`small_talk`: whole messages (greetings, thanks ...). `words`: what is said around them. `signals`: what counts wherever
it stands (a wish for a person, a threat, words of self-harm, abuse, an attack). The files are read once; every message
is held against all languages, since people mix them.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "zh")

QUOTES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "“": '"', "”": '"', "，": ",", "！": "!"})
INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]")


def plain(text: str) -> str:
    """The text as patterns see it: compatibility forms folded, lower case, straight quotes, single blanks."""
    folded = unicodedata.normalize("NFKC", INVISIBLE.sub("", text)).casefold().translate(QUOTES)
    return re.sub(r"[^\S\n]+", " ", folded).strip()


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language's patterns, compiled. `small_talk` keeps the file's order: the first kind of a message wins."""

    language: str
    small_talk: dict[str, re.Pattern[str]]
    words: dict[str, re.Pattern[str]]
    signals: dict[str, re.Pattern[str]]


@cache
def lexicons() -> tuple[Lexicon, ...]:
    """All languages' lexicons."""
    return tuple(_read(FOLDER / f"{language}.toml") for language in LANGUAGES)


def find(signal: str, text: str) -> re.Match[str] | None:
    """The first match of a signal in `plain` text, in any language."""
    for lexicon in lexicons():
        pattern = lexicon.signals.get(signal)
        if pattern is not None and (match := pattern.search(text)):
            return match
    return None


def distinct(signal: str, text: str) -> int:
    """How many different matches of a signal there are in `plain` text, over all languages."""
    return len({match[0] for lexicon in lexicons() for match in lexicon.signals[signal].finditer(text)})


def says(word: str, text: str) -> bool:
    """Whether the whole of the `plain` text, punctuation aside, is one of these words (`yes`, `no`)."""
    bare = text.strip(" .,!?。！？，~～\n")
    return any(bool(lexicon.words[word].fullmatch(bare)) for lexicon in lexicons())


def asks(text: str) -> bool:
    """Whether the `plain` text asks or wants something."""
    return any(bool(lexicon.words["question"].search(text)) for lexicon in lexicons())


def _read(path: Path) -> Lexicon:
    content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    boundary = bool(content["boundary"])

    def patterns(section: str) -> dict[str, re.Pattern[str]]:
        return {name: _compile(entries, boundary) for name, entries in content[section].items()}

    return Lexicon(content["language"], patterns("small_talk"), patterns("words"), patterns("signals"))


WRITTEN = re.compile(r"\\.|\[[^\]]*\]|\((?!\?)| (?P<many>[?*])?|'")


def _compile(entries: list[str], boundary: bool) -> re.Pattern[str]:
    """One pattern of all entries. A blank is white space (also a line's end), ' may be missing, groups only group.

    With `boundary` an entry that begins or ends with a letter does so at the edge of a word; a symbol needs no edge.
    The edges stand once around all entries, so that the many places where no word begins cost next to nothing.
    """

    def spell(match: re.Match[str]) -> str:
        if match[0] == "'":
            return "'?"
        if match[0] == "(":
            return "(?:"
        if match[0].startswith(" "):
            return rf"\s{match['many'] or '+'}"
        return match[0]

    written = "|".join(f"(?:{WRITTEN.sub(spell, entry)})" for entry in entries)
    return re.compile(rf"(?:(?<!\w)|(?=\W))(?:{written})(?:(?!\w)|(?<=\W))" if boundary else written)
