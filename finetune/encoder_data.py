"""Pairs to tune the sentence encoder on: a query and the passage that answers it, split so that no passage leaks.

JSON lines `{"query", "passage"}`, or grounded turns `{"question", "passage", "reply"}` (MultiDoc2Dial's last customer
turn, what the agent read, and what the agent said). A reply, where there is one, is a second text that fits the query.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from finetune.data import DataError
from finetune.data import read as read_squad

SHARES = (0.6, 0.15, 0.25)
"""Of the passages: to learn from, to choose on, and to report on."""
NOTHING_FOUND = re.compile(r"no relevant information|not? (?:relevant )?information (?:is|was) found", re.IGNORECASE)
_MARKUP = re.compile(r"<[^>]*>")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Pair:
    """A query and the passage that answers it; `reply` is what a person answered with it, "" where none is known."""

    query: str
    passage: str
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """Pairs to learn from, to choose on and to report on, and every passage of the file, in its order: all of them are
    searched, whichever part is asked.
    """

    train: list[Pair]
    choose: list[Pair]
    report: list[Pair]
    passages: list[str]

    def counts(self) -> dict[str, int]:
        return {
            "train": len(self.train),
            "choose": len(self.choose),
            "report": len(self.report),
            "passages": len(self.passages),
        }


def read(file: Path) -> list[Pair]:
    """All pairs of a file in JSON lines. Raises DataError that names the line."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not in UTF-8: {error}") from None
    pairs = [_pair(file, number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not pairs:
        raise DataError(f"{file} holds no pairs")
    return pairs


def _pair(file: Path, number: int, line: str) -> Pair:
    try:
        row = json.loads(line)
        query = row["query"] if "query" in row else row["question"]
        texts = [str(query).strip(), str(row["passage"]).strip(), _MARKUP.sub("", str(row.get("reply", ""))).strip()]
    except (ValueError, KeyError, TypeError):
        raise DataError(f'{file}, line {number}: it must be {{"query": …, "passage": …}}') from None
    if not (texts[0] and texts[1]):
        raise DataError(f"{file}, line {number}: query and passage must not be empty")
    if NOTHING_FOUND.search(texts[2]):
        texts[2] = ""
    return Pair(*texts)


def split(pairs: Sequence[Pair], seed: int, shares: tuple[float, float, float] = SHARES) -> Parts:
    """Draw the passages of each part at random; a passage's pairs stay together.

    Raises DataError when there are too few passages for a part whose share is not 0.
    """
    passages = list(dict.fromkeys(pair.passage for pair in pairs))
    order = list(passages)
    random.Random(seed).shuffle(order)  # noqa: S311 - a split, not a secret
    first = round(shares[0] * len(order))
    second = first + round(shares[1] * len(order))
    named = [set(order[:first]), set(order[first:second]), set(order[second:])]
    train, choose, report = ([pair for pair in pairs if pair.passage in names] for names in named)
    named_parts = ((train, "learn from"), (choose, "choose on"), (report, "report on"))
    for (part, what), share in zip(named_parts, shares, strict=True):
        if share > 0 and not part:
            raise DataError(f"{len(passages)} passages are too few: none is left to {what}")
    return Parts(train, choose, report, passages)


def alike(passages: Sequence[str], *, share: float = 0.85) -> list[set[int]]:
    """For each passage the others that say the same: they must not be held against a query that the first one answers.

    Two passages do when `share` of the smaller one's different words (three at least) are in the other.
    """
    words = [set(_WORD.findall(passage.lower())) for passage in passages]
    holders: dict[str, list[int]] = {}
    for at, found in enumerate(words):
        for word in found:
            holders.setdefault(word, []).append(at)
    same: list[set[int]] = [set() for _ in passages]
    for at, found in enumerate(words):
        if len(found) < 3:
            continue
        shared: dict[int, int] = {}
        for word in found:
            for other in holders[word]:
                shared[other] = shared.get(other, 0) + 1
        for other, count in shared.items():
            if other != at and count >= share * min(len(found), len(words[other])) and len(words[other]) >= 3:
                same[at].add(other)
                same[other].add(at)
    return same


def read_kept(paths: Sequence[Path]) -> list[str]:
    """Texts that are to stay where they are: a text file's lines, JSON lines' "text", "query" or "question", a CSV
    file's column "text", a SQuAD-format file's questions. Each text once. Raises DataError.
    """
    found: dict[str, None] = {}
    for path in paths:
        try:
            found |= dict.fromkeys(text.strip() for text in _kept(path) if text.strip())
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path} holds no texts that can be read: {type(error).__name__} {error}") from None
    return list(found)


def _kept(path: Path) -> list[str]:
    if path.suffix == ".json":
        return [example.question for example in read_squad(path)]
    content = path.read_text(encoding="utf-8")
    if path.suffix == ".csv":
        return [row["text"] for row in csv.DictReader(io.StringIO(content))]
    if path.suffix == ".jsonl":
        rows = [json.loads(line) for line in content.splitlines() if line.strip()]
        return [str(next(row[key] for key in ("text", "query", "question") if key in row)) for row in rows]
    return content.splitlines()
