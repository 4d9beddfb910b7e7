"""Messages with the words in them that fill slots: Restaurant8k's JSON, or the entities in a bot's `nlu.yml`."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.errors import ConfigError
from bot.flows.nlu import read_nlu
from finetune.data import DataError

Mark = tuple[str, int, int]
"""(slot, start, end): `text[start:end]` fills it."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a customer wrote, the slot that was asked for before ("" when none was), and what fills slots in it."""

    text: str
    asked: str
    marks: tuple[Mark, ...]


def read(file: Path) -> list[Message]:
    """All messages of a file. Raises DataError that names the file and the place."""
    if file.is_dir() or file.suffix in {".yml", ".yaml"}:
        try:
            examples = read_nlu(file).examples
        except ConfigError as error:
            raise DataError(str(error)) from None
        found = [
            Message(each.text, "", tuple((mark.entity, mark.start, mark.end) for mark in each.entities))
            for each in examples
        ]
    else:
        try:
            rows = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"{file} cannot be read: {error}") from None
        if not isinstance(rows, list):
            raise DataError(f"{file} must be a list of messages, each with 'userInput' and 'labels'")
        found = [_message(file, number, row) for number, row in enumerate(rows)]
    if not any(message.marks for message in found):
        raise DataError(f"{file} holds no message with a value in it")
    return found


def _message(file: Path, number: int, row: Any) -> Message:
    """One of Restaurant8k's rows (Coope et al. 2020, arXiv:2005.08866). A start that is left out is 0."""
    try:
        text = str(row["userInput"]["text"])
        asked = [str(name) for name in (row.get("context") or {}).get("requestedSlots", [])]
        marks = []
        for label in row.get("labels") or []:
            span = label["valueSpan"]
            start, end = int(span.get("startIndex", 0)), int(span["endIndex"])
            if not 0 <= start < end <= len(text):
                raise ValueError(f"a value at {start} to {end} is outside {text!r}")
            marks.append((str(label["slot"]), start, end))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{file}, message {number}: {error}") from None
    return Message(text, asked[0] if asked else "", tuple(sorted(marks, key=lambda mark: mark[1])))


def split(messages: Sequence[Message], share: float, seed: int) -> tuple[list[Message], list[Message]]:
    """(the rest, `share` of the messages), drawn at random; messages with the same text stay together."""
    texts = sorted({message.text for message in messages})
    random.Random(seed).shuffle(texts)  # noqa: S311 - a split, not a secret
    held = set(texts[: round(share * len(texts))])
    rest = [message for message in messages if message.text not in held]
    return rest, [message for message in messages if message.text in held]
