"""Whether a text says something: by rules, so that a judgement is the same every time."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_MARKS = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‑": "-", "−": "-", "\u200b": ""})
_THOUSANDS = re.compile(r"(?<=\d)[,'’\u00a0\u202f\u2009](?=\d{3}(?!\d))")
_EMPHASIS = re.compile(r"\*\*|__|`")
_CITATION = re.compile(r"\s?\[\d+\]")
_LETTER = r"[^\W\u3400-\u9fff]"
_LAST = re.compile(rf"{_LETTER}+$")
LONG = 4
"""Letters of a word that may have any ending."""
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W_]+(?:[.,:](?=\d)[^\W_]+)*")


def normalise(text: str) -> str:
    """Lower case, one space for all white space, plain quotes and dashes, no thousands separators ("1,000" is "1000"),
    no marks of emphasis and no citation numbers.
    """
    return " ".join(_plain(_EMPHASIS.sub("", _CITATION.sub("", text))).split())


def says(text: str, wanted: str) -> bool:
    """Whether the text contains what is wanted, both normalised: from the beginning of a word ("paid" is not in
    "unpaid"), with any ending where the last word is long ("refund" is in "refunded"), else as a whole word or with an
    s ("no" is not in "not"). A number is not found inside another one, nor "5" in "5%".
    """
    inside, sought = normalise(text), normalise(wanted)
    if not sought:
        return False
    before = rf"(?<!{_LETTER})(?<!\d[.,])" if re.match(_LETTER, sought) else ""
    last = _LAST.search(sought)
    if last is None:
        after = ""
    elif sought[-1].isdigit():
        after = r"(?!\d|%|[.,]\d)"
    else:
        after = rf"s?(?!{_LETTER})" if len(last[0]) < LONG else ""
    return re.search(before + re.escape(sought) + after, inside) is not None


def lacking(text: str, wanted: Sequence[Sequence[str]]) -> list[str]:
    """Of each list that has no alternative in the text, its alternatives as they are told to people."""
    return [" | ".join(item) for item in wanted if not any(says(text, each) for each in item)]


def words(text: str) -> list[str]:
    """The words that a word error rate counts: without case and punctuation; a Chinese character is a word."""
    return _WORD.findall(_plain(text).replace("'", ""))


def edits(said: Sequence[str], wanted: Sequence[str]) -> int:
    """The least number of words to insert, delete or replace (Levenshtein 1966) to make `wanted` of `said`."""
    row = list(range(len(wanted) + 1))
    for above, word in enumerate(said, start=1):
        diagonal, row[0] = row[0], above
        for at, other in enumerate(wanted, start=1):
            diagonal, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, diagonal + (word != other))
    return row[-1]


def _plain(text: str) -> str:
    """Separators go first: NFKC makes a plain space, which may part two numbers, of those that part thousands."""
    return unicodedata.normalize("NFKC", _THOUSANDS.sub("", text)).translate(_MARKS).casefold()
