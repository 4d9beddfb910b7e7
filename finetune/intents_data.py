"""Labelled sentences to train and judge intents on: `text,category` in CSV, CLINC150's JSON, or a bot's `nlu.yml`."""

from __future__ import annotations

import csv
import io
import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.engines.classifier import OUT_OF_SCOPE
from bot.errors import ConfigError
from bot.flows.nlu import read_nlu
from finetune.data import DataError

OTHER_NAMES = frozenset({"oos", "out_of_scope", "out-of-scope", "nlu_fallback"})
"""What data call the sentences that belong to no intent."""
LEARN = ("train", "val", "oos_train", "oos_val")
JUDGE = (("test", "oos_test"), ("val", "oos_val"), ("train", "oos_train"))
"""CLINC150's parts: what is learnt from, and which of them are judged on: the first pair that the file has."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a customer wrote, and its intent; `OUT_OF_SCOPE` for what belongs to none."""

    text: str
    intent: str


def read(file: Path, *, judge: bool = False) -> list[Sentence]:
    """All sentences to learn from, or, of CLINC150's JSON with `judge`, those that it sets apart to judge on.

    Raises DataError that names the file and the line.
    """
    if file.is_dir() or file.suffix in {".yml", ".yaml"}:
        found = _nlu(file)
    else:
        try:
            content = file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from None
        found = _json(file, content, judge) if content.lstrip().startswith("{") else _csv(file, content)
    if not found:
        raise DataError(f"{file} holds no sentences")
    return found


def split(sentences: Sequence[Sentence], share: float, seed: int) -> tuple[list[Sentence], list[Sentence]]:
    """(the rest, `share` of every intent's sentences), drawn at random; an intent keeps at least one in the rest."""
    chance = random.Random(seed)  # noqa: S311 - a split, not a secret
    rows: dict[str, list[int]] = {}
    for at, sentence in enumerate(sentences):
        rows.setdefault(sentence.intent, []).append(at)
    held: set[int] = set()
    for intent in sorted(rows):
        chance.shuffle(rows[intent])
        # An expected number with a fraction is rounded by lot, so that small intents are held out too.
        wanted = int(share * len(rows[intent]) + chance.random())
        held |= set(rows[intent][: min(wanted, len(rows[intent]) - 1)])
    rest = [sentence for at, sentence in enumerate(sentences) if at not in held]
    return rest, [sentences[at] for at in sorted(held)]


def few(sentences: Sequence[Sentence], each: int, seed: int) -> list[Sentence]:
    """At most `each` sentences of every intent, drawn at random, in their order. All of those out of scope stay."""
    chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
    order = list(range(len(sentences)))
    chance.shuffle(order)
    taken: Counter[str] = Counter()
    kept = []
    for at in order:
        intent = sentences[at].intent
        if intent == OUT_OF_SCOPE or taken[intent] < each:
            taken[intent] += 1
            kept.append(at)
    return [sentences[at] for at in sorted(kept)]


def _nlu(file: Path) -> list[Sentence]:
    try:
        examples = read_nlu(file).examples
    except ConfigError as error:
        raise DataError(str(error)) from None
    return [_sentence(example.text, example.intent) for example in examples if example.text]


def _csv(file: Path, content: str) -> list[Sentence]:
    rows = csv.DictReader(io.StringIO(content))
    names = rows.fieldnames or []
    label = next((name for name in ("category", "intent", "label") if name in names), None)
    if "text" not in names or label is None:
        raise DataError(f"{file} needs a first line 'text,category'; it has {','.join(names) or 'nothing'}")
    found = []
    for row in rows:
        if not (row["text"] or "").strip() or not (row[label] or "").strip():
            raise DataError(f"{file}, line {rows.line_num}: text and {label} must not be empty")
        found.append(_sentence(row["text"], row[label]))
    return found


def _json(file: Path, content: str, judge: bool) -> list[Sentence]:
    try:
        parts = {name: rows for name, rows in json.loads(content).items() if isinstance(rows, list)}
        wanted = next((pair for pair in JUDGE if pair[0] in parts or pair[1] in parts), ()) if judge else LEARN
        return [_sentence(text, intent) for name in wanted for text, intent in parts.get(name, [])]
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(
            f'{file} is not in CLINC150\'s format, {{"train": [["text", "intent"], ...], "oos_train": ...}}: {error}'
        ) from None


def _sentence(text: str, intent: str) -> Sentence:
    intent = intent.strip()
    return Sentence(" ".join(str(text).split()), OUT_OF_SCOPE if intent.casefold() in OTHER_NAMES else intent)
