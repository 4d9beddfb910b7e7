"""Word documents, through python-docx. A DOCX is a zip of XML: what it would unpack to is checked first."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

from retrieval.errors import DocumentError
from retrieval.formats import Extracted
from retrieval.formats.writer import Writer

if TYPE_CHECKING:
    from docx.table import Table
    from docx.text.paragraph import Paragraph

MAX_UNPACKED = 200_000_000
MAX_RATIO = 200
MAX_ENTRIES = 5_000
# What python-docx raises where a part, a relation or an attribute is not what the standard promises.
_BROKEN = (KeyError, ValueError, AttributeError, TypeError, IndexError, EOFError, OSError, NotImplementedError)
_HEADING = re.compile(r"^heading (\d)$", re.IGNORECASE)


def extract(data: bytes) -> Extracted:
    """Paragraphs, lists and tables in reading order. Headers, footers, notes and comments are left out."""
    import docx
    from docx.opc.exceptions import OpcError
    from docx.table import Table
    from lxml.etree import LxmlError  # type: ignore[import-untyped,unused-ignore]

    _check_zip(data)
    writer = Writer()
    try:
        document = docx.Document(io.BytesIO(data))
        for part in document.iter_inner_content():
            if isinstance(part, Table):
                _write_table(part, writer)
            else:
                _write_paragraph(part, writer)
        title = document.core_properties.title
    except (OpcError, LxmlError, zipfile.BadZipFile, zlib.error, struct.error) as error:
        raise DocumentError(f"not a readable DOCX file ({error})") from None
    except _BROKEN as error:
        raise DocumentError(f"a damaged DOCX file ({type(error).__name__}: {error})") from None
    return writer.finish(title)


def _check_zip(data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError, struct.error) as error:
        raise DocumentError(f"not a DOCX file ({error})") from None
    unpacked = sum(entry.file_size for entry in entries)
    large = [entry for entry in entries if entry.file_size > 1_000_000]
    worst = max((entry.file_size / max(entry.compress_size, 1) for entry in large), default=0)
    if len(entries) > MAX_ENTRIES or unpacked > MAX_UNPACKED or worst > MAX_RATIO:
        raise DocumentError(
            f"would unpack to {unpacked:,} bytes in {len(entries):,} parts, which no honest document does (a zip bomb?)"
        )


def _write_paragraph(paragraph: Paragraph, writer: Writer) -> None:
    text = paragraph.text.replace("\n", "\v")
    style = (paragraph.style.name if paragraph.style is not None else None) or ""
    heading = _HEADING.match(style)
    properties = paragraph._p.pPr
    numbered = properties is not None and properties.numPr is not None
    if heading:
        writer.heading(text.replace("\v", " "), int(heading.group(1)))
    elif style.lower() == "title":
        writer.heading(text.replace("\v", " "), 1)
    elif numbered or style.lower().startswith("list "):
        writer.item(text, 1 + (int(style[-1]) - 1 if style[-1:].isdecimal() else 0))
    else:
        writer.paragraph(text)


def _write_table(table: Table, writer: Writer) -> None:
    for index, row in enumerate(table.rows):
        cells: list[str] = []
        before: object = None
        for cell in row.cells:
            if cell._tc is not before:  # a merged cell comes once for each column it spans
                cells.append(cell.text)
            before = cell._tc
        writer.row(cells, header=index == 0, first=index == 0)
