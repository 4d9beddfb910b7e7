"""What a benchmark asks, and of which documents."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from bot.botfile import BotFile, load_bot
from bot.engines.base import Reader, Span
from bot.errors import ConfigError
from bot.settings import Settings
from retrieval.types import Audience, Document, Passage

if TYPE_CHECKING:
    from retrieval.snapshot import Snapshot

COLLECTION = "bench"
INTERNAL = "^Internal"
"""Titles that begin so are internal in many help centres; such documents are not asked about."""


def bot_folder(settings: Settings, docs: Path | None, home: Path) -> Path | None:
    """A copy of the bot, flows and all, whose only documents are `docs`; the bot itself when there are none."""
    if docs is None:
        return settings.bot
    if not docs.is_dir():
        raise ConfigError(f"{docs} is not a folder of documents")
    original: BotFile = load_bot(settings.bot)
    folder = home / "bot"
    folder.mkdir(parents=True, exist_ok=True)
    for part in original.folder.iterdir():
        link = folder / part.name
        if part.name != "bot.toml" and not link.exists():
            link.symlink_to(part.resolve(), target_is_directory=part.is_dir())
    source = {"path": str(docs.resolve()), "collection": COLLECTION, "internal_title": INTERNAL}
    told = {
        "name": original.name,
        "bot_name": original.bot_name,
        "voice": original.voice,
        "languages": list(original.languages),
        "collections": [COLLECTION],
        "prompts": str(original.prompts_folder.resolve()),
        "thresholds": dict(original.thresholds),
        "generator": original.generator.model_dump(),
        "documents": [source],
    }
    if original.shop is not None:
        products = original.folder / original.shop.products
        told["shop"] = {"database": original.shop.database, "products": str(products.resolve())}
    (folder / "bot.toml").write_text(tomli_w.dumps(told), encoding="utf-8")
    return folder


def questions(file: Path | None, snapshot: Snapshot, collections: Sequence[str], number: int) -> list[str]:
    """From a file (a question a line, or JSON lines with "query" or "question"), else made from headings.

    Made questions are spread evenly over the public passages, in an order that is always the same.
    """
    if file is not None:
        return _from_file(file)
    public = [
        passage
        for passage in snapshot.passages
        if passage.audience is Audience.PUBLIC and passage.collection in collections and passage.language == "en"
    ]
    if not public:
        raise ConfigError("there are no public English passages to ask about")
    picked = random.Random(0).sample(public, min(number, len(public)))  # noqa: S311 - an order, not a secret
    return [_asked(passage) for passage in picked]


def _asked(passage: Passage) -> str:
    heading = passage.path[-1].strip(" .:")
    if len(passage.path) > 1:
        return f"What should I know about {heading.lower()} ({passage.title})?"
    return f"What should I know about {heading}?"


def _from_file(file: Path) -> list[str]:
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the questions in {file}: {error}") from None
    found = []
    for number, line in enumerate(lines, 1):
        if not line.startswith("{"):
            found.append(line)
            continue
        try:
            given = json.loads(line)
            found.append(str(given.get("query") or given["question"]))
        except (json.JSONDecodeError, KeyError, AttributeError):
            raise ConfigError(f'{file}, line {number}: give each line a "query" or a "question"') from None
    if not found:
        raise ConfigError(f"{file} holds no questions")
    return found


class LongPassages:
    """A reader whose passages are lengthened with the text that follows them, to a number of tokens.

    The speed that is promised is for passages of about 170 tokens; where a help centre's sections are shorter, reading
    them would flatter it. A span that lies in what was added counts as none. All of an index's passages are lengthened
    beforehand: that is the benchmark's work, not the turn's.
    """

    def __init__(self, reader: Reader, snapshot: Snapshot, tokens: int, tokenizer: Any) -> None:
        self.name = reader.name
        self._reader = reader
        whole = "\n\n".join(texts_of(list(snapshot.documents.values())))
        self._longer = {
            passage.text: _lengthened(passage.text, whole, tokens, tokenizer) for passage in snapshot.passages
        }

    async def start(self) -> None:
        await self._reader.start()

    async def close(self) -> None:
        await self._reader.close()

    def ready(self) -> bool:
        return self._reader.ready()

    async def read(self, question: str, passages: Sequence[str]) -> list[Span]:
        spans = await self._reader.read(question, [self._longer[passage] for passage in passages])
        return [
            span if span.end <= len(passage) else Span(0, 0, 0.0) for span, passage in zip(spans, passages, strict=True)
        ]


def _lengthened(passage: str, whole: str, tokens: int, tokenizer: Any) -> str:
    at = whole.find(passage)
    more = whole[at : at + len(passage) + 2000] if at >= 0 else passage + " " + whole[:2000]
    cut = tokenizer.encode(more, add_special_tokens=False).offsets
    return more if len(cut) <= tokens else more[: max(cut[tokens - 1][1], len(passage))]


def texts_of(documents: Sequence[Document]) -> list[str]:
    """The documents' texts, in an order that is always the same."""
    return [document.text for document in sorted(documents, key=lambda document: (document.collection, document.name))]
