"""A company's texts as passages to make questions from: documents, JSON, JSON lines and SQuAD-format files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.data import SENTENCE, DataError
from retrieval.errors import DocumentError

MIN_WORDS, TARGET_WORDS = 25, 120
_MARKUP = re.compile(r"<[^>]{1,200}>|\*\*|`+|^#+\s*|^\s*[-*]\s+|\|", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z]{2,}")


@dataclass(frozen=True, slots=True)
class Text:
    """A passage of some 25 to 170 words, and the document (a file, or a record of one) that it is from."""

    document: str
    text: str


def read_texts(paths: Iterable[Path]) -> list[Text]:
    """All passages in English of files and folders, each once, in the order of their names. Raises DataError.

    Of JSON and JSON lines every string of at least 25 words is taken, whatever its key; files that cannot be read as
    documents are left out.
    """
    found: list[Text] = []
    seen: set[str] = set()
    for path in paths:
        if not path.exists():
            raise DataError(f"{path} does not exist")
        for file in sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]:
            for text in _read(file):
                mark = " ".join(text.text.lower().split())
                if mark not in seen and _is_prose(text.text):
                    seen.add(mark)
                    found.append(text)
    if not found:
        raise DataError(f"no text of at least {MIN_WORDS} words in {', '.join(map(str, paths))}")
    return found


def _is_prose(text: str) -> bool:
    """Enough words in Latin letters, which the readers' body knows."""
    words = text.split()
    return len(words) >= MIN_WORDS and len(_WORD.findall(text)) >= 0.6 * len(words)


def _read(file: Path) -> Iterator[Text]:
    if file.suffix in (".json", ".jsonl"):
        try:
            content = file.read_text(encoding="utf-8")
            lines = [line for line in content.splitlines() if line.strip()] if file.suffix == ".jsonl" else [content]
            records = [json.loads(line) for line in lines]
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise DataError(f"{file} is not JSON in UTF-8: {error}") from None
        for number, record in enumerate(records):
            for at, text in enumerate(_strings(record)):
                yield from cut(Text(f"{file.name}#{number}.{at}", text))
        return
    from retrieval.load import is_readable, load_file
    from retrieval.split import split

    if not is_readable(file):
        return
    try:
        document = load_file(file, file.parent, collection="texts", audience=None, internal_title=None)
    except DocumentError:
        return
    for passage in split(document):
        yield from cut(Text(str(file), passage.text))


def _strings(record: Any) -> Iterator[str]:
    if isinstance(record, str):
        if len(record.split()) >= MIN_WORDS:
            yield record
    elif isinstance(record, list | dict):
        for each in record.values() if isinstance(record, dict) else record:
            yield from _strings(each)


def cut(text: Text) -> Iterator[Text]:
    """A text in pieces of whole sentences, without markup."""
    plain = " ".join(_MARKUP.sub(" ", text.text).split())
    piece: list[str] = []
    for sentence in SENTENCE.split(plain):
        piece.append(sentence)
        if sum(len(each.split()) for each in piece) >= TARGET_WORDS:
            yield Text(text.document, " ".join(piece))
            piece = []
    if piece:
        yield Text(text.document, " ".join(piece))
