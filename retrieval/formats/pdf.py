"""PDF, through pypdfium2. Headings are told by their size, paragraphs by the space between lines."""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

from retrieval.errors import DocumentError
from retrieval.formats import Extracted
from retrieval.formats.text import write_lines
from retrieval.formats.writer import Writer

MAX_PAGES = 2_000
_PAGE_NUMBER = re.compile(r"^(page|seite|第)?\s*\d{1,4}\s*((of|/|von)\s*\d{1,4}|页)?$", re.IGNORECASE)
_PDFIUM = threading.Lock()  # PDFium is not thread safe


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    size: float
    top: float
    bottom: float
    page: int


def extract(data: bytes) -> Extracted:
    """Text in reading order as PDFium gives it; running heads and page numbers are left out."""
    import pypdfium2

    try:
        with _PDFIUM:
            document = pypdfium2.PdfDocument(data)
            try:
                pages = len(document)
                if pages > MAX_PAGES:
                    raise DocumentError(f"has {pages:,} pages; the limit is {MAX_PAGES:,}")
                lines = [line for number in range(pages) for line in _lines(document, number)]
                title = document.get_metadata_value("Title")
            finally:
                document.close()
    except pypdfium2.PdfiumError as error:
        raise DocumentError(f"not a readable PDF ({error})") from None
    if not lines:
        raise DocumentError("holds no text (a scan?)")
    writer = Writer()
    _write(_without_running_heads(lines, pages), writer)
    return writer.finish(title)


def _lines(document: Any, number: int) -> list[_Line]:
    page = document[number]
    text_page = page.get_textpage()
    try:
        found: list[_Line] = []
        start = 0
        for raw in text_page.get_text_range().split("\n"):
            text = raw.rstrip("\r")
            first = start + len(text) - len(text.lstrip())
            start += len(raw) + 1
            if text.strip() and first < text_page.count_chars():
                _, bottom, _, top = text_page.get_charbox(first, loose=True)
                found.append(_Line(text.strip(), round(top - bottom, 1), top, bottom, number))
        return found
    finally:
        text_page.close()
        page.close()


def _without_running_heads(lines: list[_Line], pages: int) -> list[_Line]:
    shapes = Counter((re.sub(r"\d+", "0", line.text), round(line.top)) for line in lines)
    repeated = {shape for shape, count in shapes.items() if pages >= 3 and count >= 0.6 * pages}
    return [
        line
        for line in lines
        if (re.sub(r"\d+", "0", line.text), round(line.top)) not in repeated and not _PAGE_NUMBER.match(line.text)
    ]


def _write(lines: list[_Line], writer: Writer) -> None:
    if not lines:
        return
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    body = sizes.most_common(1)[0][0]
    larger = sorted({line.size for line in lines if line.size >= 1.12 * body}, reverse=True)
    levels = {size: min(index + 1, 6) for index, size in enumerate(larger)}
    gathered: list[_Line] = []

    def flush() -> None:
        if gathered and gathered[0].size in levels and sum(len(line.text) for line in gathered) <= 200:
            writer.heading(" ".join(line.text for line in gathered), levels[gathered[0].size])
        elif gathered:
            write_lines(_unhyphenate([line.text for line in gathered]), writer)
        gathered.clear()

    for line in lines:
        if gathered and not _continues(gathered[-1], line, body):
            flush()
        gathered.append(line)
    flush()


def _continues(before: _Line, line: _Line, body: float) -> bool:
    """Whether a line belongs to the block of the one before it."""
    if abs(line.size - before.size) > 0.08 * body:
        return False
    if line.page != before.page:
        return not before.text.endswith((".", ":", "。", "：", "!", "?", "！", "？"))
    gap = before.bottom - line.top
    return -2 * line.size < gap < 0.6 * line.size


def _unhyphenate(lines: list[str]) -> list[str]:
    """PDFium marks a hyphen at a line's end as U+0002 or U+FFFE, or leaves it: such words are made whole."""
    joined: list[str] = []
    for line in lines:
        if joined and (joined[-1].endswith(("\x02", "\ufffe", "\u00ad"))):
            head, _, tail = line.partition(" ")
            joined[-1] = joined[-1][:-1] + head
            if tail:
                joined.append(tail)
        else:
            joined.append(line)
    return joined
