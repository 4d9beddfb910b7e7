"""What data is prepared from: questions in SQuAD's format, JSON lines or CSV, and the desk's own conversations.

A line or row has `question`, `context` (or `passage`), `answer` (or a list `answers`; empty or missing: the passage has
none), and may have `document`, `id` and `start` (of the only answer, in characters). An answer is looked for in its
passage, in any case; what is not there is told, not guessed. A row without `document` is a document of its own passage.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.errors import ConfigError
from bot.events import Event, Feedback, Received, Sent, TurnEnded, Understood
from bot.settings import Settings
from bot.types import Citation, Outcome
from finetune import data
from finetune.data import DataError, Example, Gold
from retrieval.errors import SnapshotError


@dataclass(slots=True)
class Found:
    """Questions, and what was left out on the way: reason -> where each stood."""

    examples: list[Example] = field(default_factory=list)
    dropped: dict[str, list[str]] = field(default_factory=dict)

    def drop(self, reason: str, where: str) -> None:
        """Note one that is left out."""
        self.dropped.setdefault(reason, []).append(where)


def read(file: Path, found: Found) -> None:
    """Add a file's questions. Raises DataError for one that is missing, of another kind, or without a single one."""
    before = len(found.examples) + sum(map(len, found.dropped.values()))
    match file.suffix:
        case ".json":
            found.examples += data.read(file)
        case ".jsonl":
            _rows(_lines(file), file, found)
        case ".csv":
            _rows(enumerate(csv.DictReader(io.StringIO(_text(file))), start=2), file, found)
        case other:
            raise DataError(f"{file}: {other or 'a file without an ending'} is none of .json (SQuAD), .jsonl and .csv")
    if len(found.examples) + sum(map(len, found.dropped.values())) == before:
        raise DataError(f"{file} holds no questions")


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not in UTF-8: {error}") from None


def _lines(file: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(_text(file).splitlines(), start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise DataError(f"{file}, line {number} is not JSON: {error}") from None
            if not isinstance(row, dict):
                raise DataError(f"{file}, line {number} must be an object")
            yield number, row


def _rows(rows: Iterator[tuple[int, Mapping[str, Any]]], file: Path, found: Found) -> None:
    for number, row in rows:
        where = f"{file.name}:{number}"
        question, context = (str(row.get(name) or "") for name in ("question", "context"))
        context = context or str(row.get("passage") or "")
        if not question and not context and "question" not in row:
            raise DataError(f'{file}, line {number}: "question" and "context" (or "passage") are missing')
        if not question.strip() or not context.strip():
            found.drop("question or passage is empty", where)
            continue
        given = row.get("answers") if row.get("answers") is not None else row.get("answer")
        texts = [str(each) for each in (given if isinstance(given, list) else [given]) if each]
        golds = [_placed(context, text, row.get("start")) for text in texts]
        answers = tuple(gold for gold in golds if gold)
        if texts and not answers:
            found.drop("the answer is not in the passage", where)
            continue
        name = str(row.get("document") or context)
        found.examples.append(Example(str(row.get("id") or where), name, question.strip(), context, answers))


def _placed(context: str, text: str, start: Any) -> Gold | None:
    """The answer where it stands: at `start` if it does, else at its first place."""
    try:
        at = int(start)
    except (TypeError, ValueError):
        at = -1
    if at < 0 or context[at : at + len(text)] != text:
        at = context.find(text)
    if at < 0:
        at = context.lower().find(text.lower())
    return Gold(context[at : at + len(text)], at) if at >= 0 and text.strip() else None


# -- the desk's conversations ------------------------------------------------------------------------------------------


async def read_conversations(settings: Settings, found: Found, *, confidence: float | None) -> None:
    """Add the questions of customers that the bot answered well: the reply was rated up.

    With a `confidence` (0 to 1) also those that nobody rated and of which the bot was at least so sure: these are
    labels of its own (pseudo-labels). The first citation's quote is the answer, its block of the document the passage.
    Raises ConfigError where no conversation was ever held.
    """
    from bot.store.sql import SqlStore

    if not settings.database and not (settings.home / "frontdesk.db").is_file():
        raise ConfigError(f"nothing was ever said in {settings.home}: name --home, or leave out --conversations")
    store = SqlStore(settings.database_url)
    await store.open()
    try:
        for summary in await store.conversations(limit=1_000_000):
            _taken(await store.events(summary.id), settings, found, confidence)
    finally:
        await store.close()


def _taken(events: list[Event], settings: Settings, found: Found, confidence: float | None) -> None:
    """The questions of one conversation."""
    rated = {event.body.reply_id: event.body.rating for event in events if isinstance(event.body, Feedback)}
    asked: list[str] = []
    sent = None
    for event in events:
        match event.body:
            case Received() | Understood() as body:
                asked.append((body.text.text or "").strip())
            case Sent() as body if event.actor.kind == "bot" and body.citations:
                sent = body
            case TurnEnded() as body:
                if body.outcome is Outcome.ANSWERED and sent is not None:
                    where = f"conversation {event.conversation[:12]}, event {event.sequence}"
                    rating = rated.get(sent.reply_id)
                    unsure = confidence is None or body.confidence < confidence
                    if rating == "down":
                        found.drop("the reply was rated down", where)
                    elif rating is None and unsure:
                        found.drop("nobody rated the reply, and the bot was not sure enough", where)
                    elif question := "\n".join(filter(None, asked)):
                        _cited(question, sent.citations[0], where, settings, found)
                    else:
                        found.drop("question or passage is empty", where)
                asked, sent = [], None


def _cited(question: str, citation: Citation, where: str, settings: Settings, found: Found) -> None:
    from retrieval.texts import text_of

    try:
        stored = text_of(settings.index, citation.version)
    except SnapshotError:
        found.drop("the cited document is not in the index's store any more", where)
        return
    around = [block for block in stored.blocks if block.start <= citation.start and citation.end <= block.end]
    start, end = (around[0].start, around[0].end) if around else (citation.start, citation.end)
    answer = Gold(stored.text[citation.start : citation.end], citation.start - start)
    found.examples.append(Example(where, citation.document, question, stored.text[start:end], (answer,)))
