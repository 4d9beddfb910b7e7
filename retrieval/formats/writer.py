"""Puts a document's pieces together as plain text, and notes where each one stands."""

from __future__ import annotations

import re
from collections.abc import Sequence

from retrieval.formats import Extracted
from retrieval.types import Block, BlockKind

# Control characters, soft hyphens, zero-width and bidirectional marks: nothing that a reader could see.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufffe]"
)
_CJK = "\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"
_BREAK_IN_CHINESE = re.compile(rf"(?<=[{_CJK}]) ?\n ?(?=[{_CJK}])")
_SPACES = re.compile(r"[^\S\n]+")


def clean(text: str) -> str:
    """One line of visible text: white space is one space, but a line break between Chinese characters is nothing."""
    text = _SPACES.sub(" ", _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
    return _BREAK_IN_CHINESE.sub("", text).replace("\n", " ").replace("  ", " ").strip()


class Writer:
    """Collects blocks in reading order. Empty ones are dropped.

    List markers ("- ", "3. ") stand in the text, before their item's block, so that a passage reads as a list while an
    item alone is its sentence.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._blocks: list[Block] = []
        self._table_open = False

    def heading(self, text: str, level: int) -> None:
        self._add("heading", clean(text), level=min(max(level, 1), 6))

    def paragraph(self, text: str) -> None:
        """A paragraph; its hard line breaks (given as "\\v") are kept."""
        self._add("paragraph", _lines(text))

    def item(self, text: str, depth: int = 1, marker: str = "-") -> None:
        """A list item. `marker` is "-" or a number with its dot; `depth` counts from 1."""
        self._add("item", _lines(text), level=depth, prefix=f"{'  ' * (depth - 1)}{marker} ")

    def row(self, cells: Sequence[str], *, header: bool = False, first: bool = False) -> None:
        """A table row; `first` begins a table."""
        self._table_open = self._table_open and not first
        cleaned = [clean(cell.replace("\v", "\n")) for cell in cells]
        if any(cleaned):
            self._add("row", " | ".join(cleaned), header=header)

    def code(self, text: str) -> None:
        """Lines kept as they stand."""
        text = _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\t", "    "))
        self._add("code", text.strip("\n").rstrip() if text.strip() else "")

    def finish(self, title: str | None = None) -> Extracted:
        """The text so far."""
        return Extracted("".join(self._parts), tuple(self._blocks), clean(title) or None if title else None)

    def _add(self, kind: BlockKind, text: str, *, level: int = 0, header: bool = False, prefix: str = "") -> None:
        if not text:
            return
        gap = self._gap(kind) + prefix
        start = self._length + len(gap)
        self._parts += (gap, text)
        self._length = start + len(text)
        self._blocks.append(Block(kind, start, self._length, level, header))
        self._table_open = kind == "row"

    def _gap(self, kind: BlockKind) -> str:
        if not self._blocks:
            return ""
        together = (kind == "row" and self._table_open) or (kind == "item" and self._blocks[-1].kind == "item")
        return "\n" if together else "\n\n"


def _lines(text: str) -> str:
    return "\n".join(line for line in (clean(part) for part in text.split("\v")) if line)
