"""Files of one kind to plain text with its structure. A format is one file and one line in this table.

An extractor takes the file's bytes and gives an `Extracted`, or raises `DocumentError` in words that fit after the
file's name. It never touches the network or the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from retrieval.types import Block


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a file says. `blocks` are offsets into `text`; `title` is what the format itself calls the document."""

    text: str
    blocks: tuple[Block, ...]
    title: str | None = None

    @property
    def heading(self) -> str | None:
        """The first heading, whatever its level."""
        return next((self.text[block.start : block.end] for block in self.blocks if block.kind == "heading"), None)


@dataclass(frozen=True, slots=True)
class Format:
    """How a suffix is read: "module:function", the largest file in bytes, and whether text with front matter."""

    extractor: str
    max_bytes: int
    is_text: bool


_MARKDOWN = Format("retrieval.formats.markdown:extract", 5_000_000, True)
_HTML = Format("retrieval.formats.html:extract", 5_000_000, True)
_TEXT = Format("retrieval.formats.text:extract", 5_000_000, True)
_PDF = Format("retrieval.formats.pdf:extract", 50_000_000, False)
_DOCX = Format("retrieval.formats.docx:extract", 50_000_000, False)

FORMATS: dict[str, Format] = {
    ".md": _MARKDOWN,
    ".markdown": _MARKDOWN,
    ".html": _HTML,
    ".htm": _HTML,
    ".xhtml": _HTML,
    ".txt": _TEXT,
    ".text": _TEXT,
    ".pdf": _PDF,
    ".docx": _DOCX,
}


def extract_text(format: Format, text: str) -> Extracted:
    """Run the extractor of a format that is text (its front matter already taken off)."""
    return _load(format)(text)


def extract_bytes(format: Format, data: bytes) -> Extracted:
    """Run the extractor of a binary format."""
    return _load(format)(data)


def _load(format: Format) -> Callable[[object], Extracted]:
    module, _, function = format.extractor.partition(":")
    found: Callable[[object], Extracted] = getattr(import_module(module), function)
    return found
