"""Where sentences begin and end, in English and Chinese, as exact offsets into the text that they stand in.

The answerer quotes whole sentences and the checker judges them one by one, so both cut text here. The rules are for
prose as help pages hold it; a text without any mark at its end is one sentence.
"""

from __future__ import annotations

import re

Offsets = tuple[int, int]

_CLOSERS = "\"')]}”’»」』）】》"
_CHINESE_ENDS = "。！？｡"
_CANDIDATE = re.compile(rf"(?:[.!?]+|[{_CHINESE_ENDS}]+|…+(?=\s))[{re.escape(_CLOSERS)}]*")
_BREAK = re.compile(r"\n[ \t]*\n\s*|\n(?=[ \t]*(?:[-*•‣–]|\d{1,3}[.)])[ \t])")
_WORD_BEFORE = re.compile(r"([^\s(\[\"“'‘]+)$")
_INITIALS = re.compile(r"^(?:[A-Za-z]\.)+[A-Za-z]?$")
_SHORT = """mr mrs ms dr prof st no nos art vs etc approx dept est fig e.g i.e cf incl excl tel ext inc ltd co corp jan
    feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun max min p pp vol"""
_ABBREVIATIONS = frozenset(_SHORT.split())
_ENDS_A_SENTENCE_TOO = frozenset({"etc", "inc", "ltd", "co", "corp", "no", "sun", "sat", "mon", "max", "min", "st"})


def split(text: str, start: int = 0, end: int | None = None) -> list[Offsets]:
    """The sentences of `text[start:end]`, in order, as offsets into `text`, without the white space around them."""
    stop = len(text) if end is None else end
    found: list[Offsets] = []
    begin = start
    for piece_start, piece_end in _pieces(text, start, stop):
        begin = piece_start
        for match in _CANDIDATE.finditer(text, piece_start, piece_end):
            if _ends_here(text, begin, match, piece_end):
                _add(found, text, begin, match.end())
                begin = match.end()
        _add(found, text, begin, piece_end)
    return found


def complete(text: str) -> bool:
    """Whether a text ends as a sentence does: a model that was cut short leaves one that does not."""
    stripped = text.rstrip().rstrip(_CLOSERS)
    return bool(stripped) and stripped[-1] in ".!?…" + _CHINESE_ENDS


def _pieces(text: str, start: int, end: int) -> list[Offsets]:
    """Blank lines and new list items end a sentence whatever stands before them; a lone line break does not."""
    pieces: list[Offsets] = []
    begin = start
    for match in _BREAK.finditer(text, start, end):
        pieces.append((begin, match.start()))
        begin = match.end()
    pieces.append((begin, end))
    return pieces


def _ends_here(text: str, begin: int, match: re.Match[str], end: int) -> bool:
    mark = match.group()
    if mark[0] in _CHINESE_ENDS or match.end() >= end:
        return True
    following = text[match.end()]
    if not following.isspace():
        # "4.95", "example.com", "v2.0.1"; but Chinese text may follow an ASCII mark without a space.
        return mark[0] in "!?" and "\u4e00" <= following <= "\u9fff"
    after = text[match.end() : end].lstrip()
    if not after:
        return True
    opener = after.lstrip("\"'“‘([「『（")[:1]
    if opener.islower():
        return False
    if mark[0] != ".":
        return True
    return not _abbreviated(text[begin : match.start()], opener, alone=len(mark.rstrip(_CLOSERS)) == 1)


def _abbreviated(before: str, following: str, *, alone: bool) -> bool:
    """Whether the one dot after `before` belongs to an abbreviation or a list number rather than to a sentence."""
    word = _WORD_BEFORE.search(before)
    if word is None or not alone:
        return False
    name = word.group(1)
    if name.isdigit() and name == before.strip():
        return True  # "2. Press the button"
    lowered = name.lower()
    if lowered in _ABBREVIATIONS:
        return following.isdigit() or lowered not in _ENDS_A_SENTENCE_TOO
    return bool(_INITIALS.match(name)) and (len(name) == 1 and name != "I")


def _add(found: list[Offsets], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        found.append((start, end))
