"""A list of questions with their answers (CSV) to documents, one for each answer.

    question,answer,language,collection,url,review_by
    How long does delivery take?,"Two working days.",en,help,https://shop.example/delivery,2027-01-31
    When will my parcel come?,,,,,

The first two columns must be there, in any order. A row without an answer is another question for the one above, and so
is a row with the same answer; several questions may also stand in one cell, a line each. An answer may be Markdown.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from retrieval.errors import DocumentError
from retrieval.formats import FORMATS, Format, extract_text
from retrieval.front_matter import FrontMatter, read_values
from retrieval.types import Audience, Document
from retrieval.words import language_of

SUFFIX = ".csv"
FORMAT = Format("retrieval.formats.text:extract", 5_000_000, True)
MOST_ROWS = 50_000
COLUMNS = ("question", "answer", "language", "collection", "url", "review_by")
_COLLECTION = re.compile(r"\w[\w.-]{0,63}")
_DELIMITERS = (",", ";", "\t")


def is_list(path: Path) -> bool:
    """Whether a file is such a list: a CSV whose first line names the two columns."""
    if path.suffix.lower() != SUFFIX:
        return False
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            return _delimiter(file.readline(10_000)) is not None
    except OSError:
        return False


def documents(text: str, name: str, *, collection: str, audience: Audience | None) -> list[Document]:
    """The answers of a list, in order; `name` is the list's, and theirs begin with it. Versions are not set yet.

    Raises DocumentError that names the line that is wrong: a list is taken whole or not at all.
    """
    delimiter = _delimiter(text.partition("\n")[0])
    if delimiter is None:
        raise DocumentError("is no list of questions and answers: its first line must name 'question' and 'answer'")
    found: dict[tuple[str, ...], tuple[list[str], FrontMatter]] = {}
    asked: dict[tuple[str, str, str], tuple[int, tuple[str, ...]]] = {}
    last: tuple[str, ...] = ()
    for line, row in _rows(text, delimiter):
        questions = [" ".join(each.split()) for each in row["question"].split("\n") if each.strip()]
        if not questions:
            raise DocumentError(f"line {line} has no question")
        if row["answer"]:
            last = tuple(row[column] for column in COLUMNS[1:])
            if last not in found:
                found[last] = ([], _said(row, line))
        elif not last:
            raise DocumentError(f"line {line} has no answer, and there is none above it")
        for question in questions:
            key = (normal(question), last[1], last[2])
            first, answer = asked.setdefault(key, (line, last))
            if answer != last:
                raise DocumentError(f"lines {first} and {line} answer the same question ({question!r}) differently")
            if first == line:
                found[last][0].append(question)
    return [
        _document(name, key, questions, front, collection=collection, audience=audience)
        for key, (questions, front) in found.items()
        if questions
    ]


def normal(question: str) -> str:
    """A question without case, blanks and punctuation: two that are the same so are the same question."""
    return "".join(character for character in question.casefold() if character.isalnum())


def _document(
    name: str,
    key: tuple[str, ...],
    questions: list[str],
    front: FrontMatter,
    *,
    collection: str,
    audience: Audience | None,
) -> Document:
    extracted = extract_text(FORMATS[".md"], key[0])
    if not extracted.text.strip():
        raise DocumentError(f"the answer to {questions[0]!r} holds no text")
    return Document(
        collection=key[2] or collection,
        name=f"{name}/{_slug(questions[0])}",
        version="",
        title=questions[0],
        text=extracted.text,
        blocks=extracted.blocks,
        language=front.language or language_of(f"{questions[0]} {extracted.text}"),
        audience=audience or Audience.PUBLIC,
        url=front.url,
        review_by=front.review_by,
        questions=tuple(questions),
        read_for=collection if key[2] not in {"", collection} else "",
    )


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, values by column) of the rows that say anything."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        names = [cell.strip().lower() for cell in next(reader)]
        for number, cells in enumerate(reader):
            if number >= MOST_ROWS:
                raise DocumentError(f"more than {MOST_ROWS:,} rows")
            row = dict.fromkeys(COLUMNS, "") | {
                name: cell.strip() for name, cell in zip(names, cells, strict=False) if name in COLUMNS
            }
            if any(row.values()):
                yield reader.line_num, row
    except csv.Error as error:
        raise DocumentError(f"line {reader.line_num}: {error}") from None


def _said(row: Mapping[str, str], line: int) -> FrontMatter:
    if row["collection"] and not _COLLECTION.fullmatch(row["collection"]):
        raise DocumentError(f"line {line}: {row['collection']!r} cannot name a collection")
    try:
        return read_values({key: row[key] for key in ("language", "url", "review_by") if row[key]})
    except DocumentError as error:
        raise DocumentError(f"line {line}: {str(error).removeprefix('front matter')}".replace(": 's ", ": ")) from None


def _delimiter(header: str) -> str | None:
    for delimiter in _DELIMITERS:
        names = {cell.strip().strip('"').lower() for cell in header.lstrip("\ufeff").split(delimiter)}
        if {"question", "answer"} <= names:
            return delimiter
    return None


def _slug(question: str) -> str:
    words = re.sub(r"[\W_]+", "-", question.casefold()).strip("-")[:60].strip("-")
    return f"{words}-{hashlib.sha256(normal(question).encode()).hexdigest()[:6]}"
