"""Question-answering data in SQuAD 2.0's format, and examples made from it.

Format: https://rajpurkar.github.io/SQuAD-explorer/ - `{"data": [{"title", "paragraphs": [{"context", "qas": [{"id",
"question", "answers": [{"text", "answer_start"}], "is_impossible"}]}]}]}`.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from bot.errors import FrontdeskError


class DataError(FrontdeskError):
    """Training data that is missing or not in the format. The message names the file and the place."""


@dataclass(frozen=True, slots=True)
class Gold:
    """An answer that a person gave: `context[start:start + len(text)] == text`."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Example:
    """A question on a passage. No answers: the passage does not answer it.

    `plausible` are then spans that people took for an answer at first sight: wrong, but where one would look.
    """

    id: str
    article: str
    question: str
    context: str
    answers: tuple[Gold, ...]
    plausible: tuple[Gold, ...] = ()


def find(path: Path, part: str) -> Path | None:
    """The file of a part ("train", "validation", "dev"): `path` itself when it is a file and the part is "train", else
    PART.json in it. test.json will do for the part "dev", which only reports.
    """
    if path.is_dir():
        names = ("dev", "test") if part == "dev" else (part,)
        return next((file for name in names if (file := path / f"{name}.json").is_file()), None)
    if part == "train" and path.is_file():
        return path
    return None


def read(file: Path) -> list[Example]:
    """All questions of a file, in its order. Raises DataError."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{file} does not exist") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{file} is not JSON in UTF-8: {error}") from None
    examples: list[Example] = []
    try:
        for article in content["data"]:
            for paragraph in article["paragraphs"]:
                examples += [_example(file, article["title"], paragraph["context"], qa) for qa in paragraph["qas"]]
    except (KeyError, TypeError) as error:
        raise DataError(f"{file} is not in SQuAD's format: {type(error).__name__} {error}") from None
    if not examples:
        raise DataError(f"{file} holds no questions")
    return examples


def write(file: Path, examples: Sequence[Example]) -> None:
    """Write questions in SQuAD's format, by article and passage, so that `read` gives the same ones."""
    articles: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for each in examples:
        asked = {"id": each.id, "question": each.question, "is_impossible": not each.answers}
        for name, golds in (("answers", each.answers), ("plausible_answers", each.plausible)):
            asked[name] = [{"text": gold.text, "answer_start": gold.start} for gold in golds]
        articles.setdefault(each.article, {}).setdefault(each.context, []).append(asked)
    content = [
        {"title": title, "paragraphs": [{"context": context, "qas": qas} for context, qas in passages.items()]}
        for title, passages in articles.items()
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"version": "v2.0", "data": content}, ensure_ascii=False) + "\n", encoding="utf-8")


def sample(examples: Sequence[Example], most: int, seed: int) -> list[Example]:
    """At most so many of the questions, drawn at random, in their order."""
    if len(examples) <= most:
        return list(examples)
    return [examples[at] for at in sorted(random.Random(seed).sample(range(len(examples)), most))]  # noqa: S311


def _example(file: Path, article: str, context: str, qa: dict[str, Any]) -> Example:
    answers, plausible = (
        tuple(Gold(each["text"], each["answer_start"]) for each in qa.get(name, ()))
        for name in ("answers", "plausible_answers")
    )
    for gold in (*answers, *plausible):
        if context[gold.start : gold.start + len(gold.text)] != gold.text:
            raise DataError(f"{file}: question {qa['id']}: its context has no {gold.text!r} at {gold.start}")
    kept, others = ((), plausible) if qa.get("is_impossible") else (answers, ())
    return Example(str(qa["id"]), article, qa["question"].strip(), context, kept, others)


def split(examples: Sequence[Example], share: float, seed: int) -> tuple[list[Example], list[Example]]:
    """Split by article into (train, held out), so that no passage is on both sides.

    Articles are drawn at random, at least one, until another would bring the held-out part further away from `share` of
    the questions. A share of 0 holds nothing out.
    Raises DataError when there is only one article to split.
    """
    if share <= 0:
        return list(examples), []
    articles = sorted({example.article for example in examples})
    if len(articles) < 2:
        raise DataError("one article cannot be split: give a file to choose on with --dev and --dev-share 0")
    random.Random(seed).shuffle(articles)  # noqa: S311 - a split, not a secret
    sizes = Counter(example.article for example in examples)
    held, taken, wanted = {articles[0]}, sizes[articles[0]], share * len(examples)
    for article in articles[1:-1]:
        if taken + sizes[article] - wanted > wanted - taken:
            break
        held.add(article)
        taken += sizes[article]
    return [e for e in examples if e.article not in held], [e for e in examples if e.article in held]


SENTENCE = re.compile(r"(?<=[.!?。！？])\s+(?=[A-Z0-9\"'(\u4e00-\u9fff])")


def crops(examples: Sequence[Example], words: int, seed: int, *, unanswerable: float = 0.4) -> list[Example]:
    """The examples with a few sentences (about `words` words) of their passages, which are quicker to learn on.

    An answerable one keeps its answer: sentences are added before and behind it, at random. Of the unanswerable ones
    the share `unanswerable` is kept, with what looks like an answer or else sentences from anywhere in the passage.
    """
    chance = random.Random(seed)  # noqa: S311
    made = []
    for example in examples:
        if not example.answers and chance.random() >= unanswerable:
            continue
        start, end = _crop(example, words, chance)
        answers, plausible = (_inside(golds, start, end) for golds in (example.answers, example.plausible))
        text = example.context[start:end]
        made.append(Example(example.id, example.article, example.question, text, answers, plausible))
    return made


def _inside(golds: Sequence[Gold], start: int, end: int) -> tuple[Gold, ...]:
    """Those that lie whole between two offsets, with offsets from there."""
    inside = [gold for gold in golds if start <= gold.start and gold.start + len(gold.text) <= end]
    return tuple(Gold(gold.text, gold.start - start) for gold in inside)


def _crop(example: Example, words: int, chance: random.Random) -> tuple[int, int]:
    """Character offsets of whole sentences, those of one of the answers (or plausible ones) among them."""
    cuts = [0, *(match.end() for match in SENTENCE.finditer(example.context)), len(example.context)]
    sentences = list(pairwise(cuts))
    if golds := example.answers or example.plausible:
        gold = chance.choice(golds)
        begin, finish = gold.start, gold.start + len(gold.text)
        first = max(at for at, (start, _) in enumerate(sentences) if start <= begin)
        last = min(at for at, (_, end) in enumerate(sentences) if end >= finish)
    else:
        first = last = chance.randrange(len(sentences))
    while last - first + 1 < len(sentences):
        forward = last + 1 < len(sentences) and (first == 0 or chance.random() < 0.5)
        wider = (first, last + 1) if forward else (first - 1, last)
        if len(example.context[sentences[wider[0]][0] : sentences[wider[1]][1]].split()) > words:
            break
        first, last = wider
    return sentences[first][0], sentences[last][1]


def negatives(examples: Sequence[Example], share: float, seed: int) -> list[Example]:
    """Unanswerable examples made by asking answerable questions of another passage of the same article.

    `share` is the number to make, as a share of the answerable questions. A passage that holds one of the answers'
    words is not taken, since it might answer after all.
    """
    chance = random.Random(seed)  # noqa: S311
    passages: dict[str, list[str]] = {}
    for example in examples:
        known = passages.setdefault(example.article, [])
        if example.context not in known:
            known.append(example.context)
    answerable = [example for example in examples if example.answers]
    chance.shuffle(answerable)
    made = []
    for example in answerable[: round(share * len(answerable))]:
        texts = [gold.text.lower() for gold in example.answers]
        others = [c for c in passages[example.article] if not any(text in c.lower() for text in texts)]
        if others:
            made.append(Example(f"{example.id}-n", example.article, example.question, chance.choice(others), ()))
    return made
