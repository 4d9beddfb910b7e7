"""One file to one Document."""

from __future__ import annotations

import hashlib
import json
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from dataclasses import asdict, replace
from pathlib import Path
from re import Pattern

from retrieval import curated, sections
from retrieval.errors import DocumentError
from retrieval.formats import FORMATS, Extracted, Format, extract_bytes, extract_text
from retrieval.front_matter import FrontMatter, split_front_matter
from retrieval.types import Audience, Document
from retrieval.words import language_of

READING = 2
"""Raise it when reading changes, so that files are read again though they are the same."""

MAX_CHARACTERS = 5_000_000
_BOMS = (  # the longer ones first: UTF-32's begins with UTF-16's
    (BOM_UTF32_LE, "utf-32"),
    (BOM_UTF32_BE, "utf-32"),
    (BOM_UTF16_LE, "utf-16"),
    (BOM_UTF16_BE, "utf-16"),
    (BOM_UTF8, "utf-8-sig"),
)


def is_readable(path: Path) -> bool:
    """Whether a file's suffix is one that is read, or it is a list of questions and answers."""
    return path.suffix.lower() in FORMATS or curated.is_list(path)


def name_of(path: Path, root: Path) -> str:
    """A document's name: the path below the root, with forward slashes, without the extension."""
    return path.relative_to(root).with_suffix("").as_posix()


def fingerprint(
    data: bytes,
    *,
    audience: Audience | None,
    internal_title: Pattern[str] | None,
    internal_section: Pattern[str] = sections.INTERNAL,
) -> str:
    """The digest of a file and of all that decides how it is read."""
    rules = [(rule.pattern, rule.flags) if rule else None for rule in (internal_title, internal_section)]
    rule = [READING, audience, *rules]
    return hashlib.sha256(json.dumps(rule).encode() + b"\0" + data).hexdigest()


def read_bytes(path: Path) -> bytes:
    """A file's bytes, if it is of a known type and not too large for it."""
    format = _format(path)
    try:
        size = path.stat().st_size
        if size > format.max_bytes:
            raise DocumentError(f"{path}: {size:,} bytes; the limit for {path.suffix} is {format.max_bytes:,}")
        return path.read_bytes()
    except OSError as error:
        raise DocumentError(f"{path}: cannot be read ({error.strerror})") from None


def load_file(
    path: Path,
    root: Path,
    *,
    collection: str,
    audience: Audience | None = None,
    internal_title: Pattern[str] | None = None,
    internal_section: Pattern[str] = sections.INTERNAL,
    data: bytes | None = None,
) -> Document:
    """Read a file below `root`, without the sections of a public page that are the staff's (`load_parts` has both).

    `data` is its content where it was read already. Raises DocumentError, which names the file and says what is wrong
    with it; UnknownAudienceError among them.
    """
    return load_parts(
        path,
        root,
        collection=collection,
        audience=audience,
        internal_title=internal_title,
        internal_section=internal_section,
        data=data,
    )[0]


def load_parts(
    path: Path,
    root: Path,
    *,
    collection: str,
    audience: Audience | None = None,
    internal_title: Pattern[str] | None = None,
    internal_section: Pattern[str] = sections.INTERNAL,
    data: bytes | None = None,
) -> list[Document]:
    """Read a file below `root`: the page, and where it is public and has sections under a heading in which
    `internal_section` is found, those as an internal document of their own. A page of such sections alone is internal.

    Raises DocumentError, which names the file and says what is wrong with it; UnknownAudienceError among them.
    """
    data = read_bytes(path) if data is None else data
    try:
        front, extracted = _extract(path, _format(path), data)
    except DocumentError as error:
        raise type(error)(f"{path}: {error}") from None
    except RecursionError:
        raise DocumentError(f"{path}: nested too deeply") from None
    by_title = matches_title(front.title or extracted.heading or extracted.title, internal_title)
    public = _audience(front, audience, by_title) is Audience.PUBLIC
    said, hidden = sections.parted(extracted, internal_section) if public else (extracted, None)
    if nothing := not said.text.strip():
        said, hidden = extracted, None
    document = Document(
        collection=collection,
        name=name_of(path, root),
        version="",
        title=front.title or extracted.heading or extracted.title or path.stem,
        text=said.text,
        blocks=said.blocks,
        language=front.language or language_of(extracted.text),
        audience=_audience(front, audience, by_title or nothing),
        url=front.url,
        updated=front.updated,
        review_by=front.review_by,
        source=str(path.absolute()),
        root=str(root.absolute()),
        fingerprint=fingerprint(
            data, audience=audience, internal_title=internal_title, internal_section=internal_section
        ),
        internal_by_title=by_title,
    )
    parts = [document]
    if hidden is not None:
        name, staff = f"{document.name}{sections.MARK}", Audience.INTERNAL
        parts.append(replace(document, name=name, text=hidden.text, blocks=hidden.blocks, audience=staff))
    return [replace(part, version=version_of(part)) for part in parts]


def load_list(
    path: Path,
    root: Path,
    data: bytes,
    *,
    collection: str,
    audience: Audience | None = None,
    internal_title: Pattern[str] | None = None,
) -> list[Document]:
    """The answers of a list (`retrieval.curated`); the rule about titles goes by an answer's first question.

    Raises DocumentError, which names the file and the line.
    """
    try:
        found = curated.documents(decode(data), name_of(path, root), collection=collection, audience=audience)
    except DocumentError as error:
        raise DocumentError(f"{path}: {error}") from None
    source, folder = str(path.absolute()), str(root.absolute())
    documents = []
    for document in found:
        by_title = matches_title(document.title, internal_title)
        held = Audience.INTERNAL if by_title else document.audience
        placed = replace(document, source=source, root=folder, audience=held, internal_by_title=by_title)
        documents.append(replace(placed, version=version_of(placed)))
    return documents


def matches_title(title: str | None, internal_title: Pattern[str] | None) -> bool:
    """The title rule. A file without front matter title and heading is judged by the title that its format carries."""
    return internal_title is not None and title is not None and internal_title.search(title) is not None


def version_of(document: Document) -> str:
    """The digest of everything that an answer from this document could depend on."""
    said = {
        "collection": document.collection,
        "name": document.name,
        "title": document.title,
        "text": document.text,
        "blocks": [tuple(asdict(block).values()) for block in document.blocks],
        "language": document.language,
        "audience": document.audience,
        "url": document.url,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]


def _audience(front: FrontMatter, flag: Audience | None, by_title: bool) -> Audience:
    internal = by_title or Audience.INTERNAL in (front.audience, flag)
    return Audience.INTERNAL if internal else Audience.PUBLIC


def _format(path: Path) -> Format:
    known = FORMATS | {curated.SUFFIX: curated.FORMAT}
    found = known.get(path.suffix.lower())
    if found is None:
        raise DocumentError(f"{path}: unknown type; these are read: {', '.join(sorted(known))}")
    return found


def _extract(path: Path, format: Format, data: bytes) -> tuple[FrontMatter, Extracted]:
    if format.is_text:
        front, body = split_front_matter(decode(data, guess=path.suffix.lower() in {".txt", ".text"}))
        extracted = extract_text(format, body)
    else:
        front, extracted = FrontMatter(), extract_bytes(format, data)
    if not extracted.text.strip():
        raise DocumentError("holds no text")
    if len(extracted.text) > MAX_CHARACTERS:
        raise DocumentError(f"{len(extracted.text):,} characters of text; the limit is {MAX_CHARACTERS:,}")
    return front, extracted


def decode(data: bytes, *, guess: bool = False) -> str:
    """Bytes to text with "\\n" line ends: by byte order mark, else UTF-8.

    `guess` lets files through that were never UTF-8 (GB18030, Windows-1252), when it is clear which they are. Broken
    UTF-8 and binary files raise DocumentError.
    """
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        guessed = _guess(data) if guess and encoding == "utf-8" else None
        if guessed is None:
            raise DocumentError(f"is not valid {encoding.upper()} (byte {error.start:,})") from None
        text = guessed
    if "\0" in text:
        raise DocumentError("is a binary file, not text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _guess(data: bytes) -> str | None:
    if b"\0" in data or _is_damaged_utf8(data):
        return None
    try:
        chinese = data.decode("gb18030")
        foreign = [character for character in chinese if ord(character) > 127]
        if sum("\u4e00" <= character <= "\u9fff" for character in foreign) >= 0.6 * len(foreign) and len(foreign) >= 4:
            return chinese
    except UnicodeDecodeError:
        pass
    try:
        western = data.decode("cp1252")
    except UnicodeDecodeError:
        return None
    foreign = [character for character in western if ord(character) > 127]
    usual = sum(character.isalpha() or character in "’‘“”–—…€£°©®·§" for character in foreign)
    rare = sum(character in "ÿþÐðÞ×÷" for character in foreign)
    return western if usual == len(foreign) and not rare and len(foreign) <= 0.15 * len(western) else None


def _is_damaged_utf8(data: bytes) -> bool:
    """Whether a good part of what is not ASCII is UTF-8 all the same; in other encodings a little is, by chance."""
    right = sum(ord(character) > 127 for character in data.decode("utf-8", errors="ignore"))
    wrong = data.decode("utf-8", errors="replace").count("\ufffd")
    return 3 * right >= wrong
