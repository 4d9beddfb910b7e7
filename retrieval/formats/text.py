"""Plain text: blank lines part paragraphs; a short first line or an underlined one is a heading."""

from __future__ import annotations

import re
from itertools import pairwise

from retrieval.formats import Extracted
from retrieval.formats.writer import Writer

_ITEM = re.compile(r"^\s*(?:([-*•‣·–])|(\d{1,3})[.)])\s+(?=\S)")
_UNDERLINE = re.compile(r"^(={3,}|-{3,}|~{3,})\s*$")
_ENDS_A_SENTENCE = (".", "。", ",", "，", ";", "；", "…")


def extract(text: str) -> Extracted:
    """Plain text to blocks."""
    writer = Writer()
    first = True
    for paragraph in re.split(r"\n[^\S\n]*\n+", text.strip("\n").replace("\f", "\n\n")):
        lines = [line.rstrip() for line in paragraph.split("\n") if line.strip()]
        if not lines:
            continue
        if len(lines) > 1 and (underline := _UNDERLINE.match(lines[1])):
            writer.heading(lines[0], 1 if underline.group(1)[0] == "=" else 2)
            lines = lines[2:]
        elif first and len(lines) == 1 and _is_title(lines[0]):
            writer.heading(lines[0], 1)
            lines = []
        first = False
        write_lines(lines, writer)
    return writer.finish()


def _is_title(line: str) -> bool:
    return len(line) <= 80 and not line.endswith(_ENDS_A_SENTENCE) and not _ITEM.match(line)


def write_lines(lines: list[str], writer: Writer) -> None:
    """Lines that belong together, as items and paragraphs."""
    gathered: list[str] = []
    marker = ""

    def flush() -> None:
        if gathered and marker:
            writer.item(_join(gathered), 1, marker)
        elif gathered:
            writer.paragraph(_join(gathered))
        gathered.clear()

    for line in lines:
        found = _ITEM.match(line)
        if found:
            flush()
            marker = f"{found.group(2)}." if found.group(2) else "-"
        gathered.append(line[found.end() :] if found else line)
    flush()


def _join(lines: list[str]) -> str:
    """Undo hard wrapping: a line that was filled goes on in the next; a short one (an address, a verse) ends there."""
    widest = max(len(line) for line in lines)
    pieces = [lines[0]]
    for before, line in pairwise(lines):
        pieces += ("\n" if widest >= 50 and len(before) >= 0.7 * widest else "\v", line)
    return "".join(pieces)
