"""Words: how long a text is, which language it is in, and the terms that BM25 counts."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_PIECE = re.compile(rf"[{CJK}]|[^\W_{CJK}]+|[^\w\s]|_")
_CJK_CHARACTER = re.compile(rf"[{CJK}]")
_LETTER = re.compile(rf"[^\W\d_{CJK}]")
_RUN = re.compile(rf"[{CJK}]+|[^\W_{CJK}]+(?:[.,\-‐/][^\W_{CJK}]+)*")
_INNER = re.compile(r"[.,\-‐/]")
# English words that say nothing about a page. Prepositions that tell two questions apart ("off", "over") stay.
_STOP_WORDS = """
a about after again all am an and any are aren as at be because been before being between both but by can could couldn
did didn do does doesn doing don during each for from further had hadn has hasn have haven having he her here hers
herself him himself his how i if in into is isn it its itself just ll m me my myself no nor not now of on only or other
our ours ourselves re s she should shouldn so some such t than that the their theirs them themselves then there these
they this those through to too until ve very was wasn we were weren what when where which while who whom why will with
won would wouldn y you your yours yourself yourselves
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
NOTHING: frozenset[str] = frozenset()
LONGEST = 64
"""A longer "word" is no word (an encoded picture, a key): nobody searches for it."""
_DIGIT_GROUP = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def alone(text: str) -> frozenset[int]:
    """Where in a text a Chinese character is a word by itself."""
    found, at = set(), 0
    for word in _jieba().cut(text, False):
        if len(word) == 1:
            found.add(at)
        at += len(word)
    return frozenset(found)


def is_character(term: str) -> bool:
    """Whether a term is one Chinese character."""
    return bool(_CJK_CHARACTER.fullmatch(term))


def count(text: str) -> int:
    """How many words a reader model sees at least: words, signs of punctuation and Chinese characters, one each."""
    return sum(1 for _ in _PIECE.finditer(text))


def chinese_share(text: str) -> float:
    """Chinese characters among the letters, 0 to 1. A Chinese character weighs as much as two letters."""
    chinese = 2 * len(_CJK_CHARACTER.findall(text))
    letters = len(_LETTER.findall(text))
    return chinese / (chinese + letters) if chinese else 0.0


def language_of(text: str) -> str:
    """Either "zh" or "en": what a document is taken for when it does not say."""
    return "zh" if chinese_share(text) > 0.3 else "en"


def terms(text: str, empty: frozenset[str] = NOTHING) -> list[str]:
    """The terms of a text, in order, repeated as they are.

    Latin words are lower-cased and stemmed (Snowball English), stop words left out; "10,000" is "10000", "e-mail" is
    "e", "mail" and "email", "7.5" stays whole beside its parts. Chinese runs are segmented into words, long words also
    into the words within them, as jieba's search mode does, and all of them into their characters. Chinese words that
    are `empty` are left out with their characters.
    """
    found: list[str] = []
    for run in _RUN.findall(_DIGIT_GROUP.sub("", unicodedata.normalize("NFKC", text).lower())):
        if _CJK_CHARACTER.match(run):
            words = [word for word in _jieba().cut_for_search(run) if word not in empty]
            found += words
            found += [character for word in words if len(word) > 1 for character in word]
        elif run not in STOP_WORDS:
            parts = _INNER.split(run)
            if len(parts) == 1:
                found.append(_stem()(run))
            else:
                found += [_stem()(part) for part in parts if part not in STOP_WORDS]
                if run.replace(".", "").isdecimal():
                    found.append(run)
                elif not {",", "/"} & set(run):
                    found.append(_stem()("".join(parts)))
    return [term for term in found if len(term) <= LONGEST]


@cache
def _stem() -> Callable[[str], str]:
    import Stemmer

    word: Callable[[str], str] = Stemmer.Stemmer("english").stemWord
    return word


@cache
def _jieba() -> Any:
    """Cuts by its dictionary alone: what it guesses beside that ("能刷", "修要") is a word in no other text."""
    import rjieba

    return rjieba
