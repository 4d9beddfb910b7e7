"""The text of every version of a document that was ever ingested, so that a citation can be opened for good."""

from __future__ import annotations

import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrieval.errors import SnapshotError
from retrieval.types import Audience, Block, Document

_VERSION = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class StoredText:
    """What a citation page shows: `text[start:end]` is the quote of a citation that names this version."""

    collection: str
    name: str
    version: str
    title: str
    text: str
    blocks: tuple[Block, ...]
    language: str
    audience: Audience
    url: str | None


def keep(index: Path, document: Document) -> None:
    """Store a document's text under its version, once and for all. Idempotent, and whole or not at all."""
    file = _file(index, document.version)
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    said = {
        "collection": document.collection,
        "name": document.name,
        "version": document.version,
        "title": document.title,
        "text": document.text,
        "blocks": blocks_to_json(document.blocks),
        "language": document.language,
        "audience": document.audience,
        "url": document.url,
    }
    write_whole(file, json.dumps(said, ensure_ascii=False))


def text_of(index: Path, version: str) -> StoredText:
    """The stored text of a version. Raises SnapshotError when there is none.

    It says nothing about who may see it: ask `Snapshot.may_show`.
    """
    if not _VERSION.fullmatch(version):
        raise SnapshotError(f"{version[:64]!r} is not the version of a document")
    file = _file(index, version)
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SnapshotError(f"no document of version {version} was ever ingested here") from None
    except (OSError, ValueError) as error:
        raise SnapshotError(f"{file} is damaged: {error}") from None
    return StoredText(
        **{**said, "blocks": blocks_from_json(said["blocks"]), "audience": Audience(said["audience"])},
    )


def blocks_to_json(blocks: tuple[Block, ...]) -> list[list[Any]]:
    """Blocks as short lists."""
    return [[block.kind, block.start, block.end, block.level, int(block.header)] for block in blocks]


def blocks_from_json(found: list[list[Any]]) -> tuple[Block, ...]:
    return tuple(Block(kind, start, end, level, bool(header)) for kind, start, end, level, header in found)


def write_whole(file: Path, content: str | bytes | memoryview) -> None:
    """Write a file so that it is there whole, also after a power cut, or as it was before. OSError."""
    data = content.encode() if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _file(index: Path, version: str) -> Path:
    return index / "texts" / version[:2] / f"{version}.json"
