"""Cleaning questions and passages, answers keeping their place: markup, boilerplate, personal data, duplicates."""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bot import guard
from finetune.data import Example, Gold
from finetune.sources import Found

Masked = Literal["questions", "all", "none"]
BOILERPLATE_SHARE, BOILERPLATE_DOCUMENTS = 0.2, 3
"""A line that stands in this share of all documents, and in at least so many, says nothing about any of them."""
SHINGLE, ALIKE, COMMON = 5, 0.5, 50
"""Runs of so many words; passages that share this share of the smaller one's runs are nearly the same; a run that
stands in more passages than `COMMON` is a phrase."""
_TAG = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<!--.*?-->|</?[A-Za-z][^<>]{0,300}>", re.DOTALL)
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_MARKS = re.compile(r"^\s{0,3}(?:#{1,6}\s+|>\s?|[-*+]\s+(?=\S))|\*\*|__|`+", re.MULTILINE)
_SPACES = re.compile(r"[ \t\u00a0]+")
_LINES = re.compile(r"\s*\n\s*")
_YEARS = re.compile(r"((?<![\d\-])(?:1\d|20)\d\d ?[-–/] ?(?:1\d|20)\d\d(?![\d\-]))")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many texts were changed: without markup, without boilerplate lines, with personal data masked."""

    markup: int
    boilerplate: int
    masked: int


def plain(text: str) -> str:
    """Without HTML, Markdown's marks and entities, and with single spaces; lines stay lines."""
    text = _LINK.sub(r"\1", _TAG.sub(" ", text))
    text = _SPACES.sub(" ", html.unescape(_MARKS.sub("", text)))
    return guard.clean(_LINES.sub("\n", text))


def masked_in(text: str) -> str:
    """With personal data replaced by its kind, as in logs; but a span of years (1914-1918) is no telephone number."""
    pieces = _YEARS.split(text)
    return "".join(piece if at % 2 else guard.redact(piece) for at, piece in enumerate(pieces))


def clean(found: Found, masked: Masked) -> tuple[Found, Counts]:
    """All steps, in their order. What is left out is added to what was."""
    kept = Found([], found.dropped)
    furniture = boilerplate(found.examples)
    counts = dict.fromkeys(("markup", "boilerplate", "masked"), 0)
    seen: set[tuple[str, str]] = set()
    steps: list[tuple[str, Callable[[str], str], bool, str]] = [
        ("markup", plain, True, "the answer is not there without markup"),
        ("boilerplate", lambda text: _without(text, furniture), True, "the answer is boilerplate"),
        ("masked", masked_in, masked == "all", "the answer is personal data"),
    ]
    for example in found.examples:
        question = plain(example.question)
        if masked != "none" and (hidden := masked_in(question)) != question:
            question, counts["masked"] = hidden, counts["masked"] + 1
        now: Example | str = replace(example, question=question)
        for name, change, wanted, reason in steps:
            if wanted and isinstance(now, Example):
                changed = change(now.context)
                counts[name] += changed != now.context
                now = _moved(now, changed) or reason
        if isinstance(now, str):
            kept.drop(now, example.id)
        elif not now.question or not now.context:
            kept.drop("question or passage is empty", example.id)
        elif (mark := (_bare(now.question), _bare(now.context))) in seen:
            kept.drop("the same question on the same passage", example.id)
        else:
            seen.add(mark)
            kept.examples.append(now)
    return kept, Counts(**counts)


def _moved(example: Example, context: str) -> Example | None:
    """The example on a changed passage, its answers at the nearest place with the same words; None without any left."""
    if context == example.context:
        return example
    answers, plausible = (
        tuple(moved for gold in golds if (moved := _nearest(gold, example.context, context)))
        for golds in (example.answers, example.plausible)
    )
    if example.answers and not answers:
        return None
    return replace(example, context=context, answers=answers, plausible=plausible)


def _nearest(gold: Gold, before: str, after: str) -> Gold | None:
    text = plain(gold.text)
    expected = gold.start * len(after) / max(len(before), 1)
    places = [match.start() for match in re.finditer(re.escape(text), after)] if text else []
    return Gold(text, min(places, key=lambda at: abs(at - expected))) if places else None


def boilerplate(examples: Sequence[Example]) -> frozenset[str]:
    """Lines (bare) that stand in many documents: menus, notices, footers."""
    holders: dict[str, set[str]] = defaultdict(set)
    documents = {example.article for example in examples}
    for context, article in {(example.context, example.article) for example in examples}:
        for line in plain(context).split("\n"):
            holders[_bare(line)].add(article)
    least = max(BOILERPLATE_DOCUMENTS, BOILERPLATE_SHARE * len(documents))
    return frozenset(line for line, where in holders.items() if line and len(where) >= least)


def _without(text: str, furniture: frozenset[str]) -> str:
    return "\n".join(line for line in text.split("\n") if _bare(line) not in furniture)


def _bare(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))


def together(examples: Sequence[Example]) -> dict[str, str]:
    """For each document the name of the group that must stay on one side of a split: documents of which two passages
    are nearly the same belong together, and so do those that belong together with a third.
    """
    parent = {example.article: example.article for example in examples}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = name = parent[parent[name]]
        return name

    passages = list(dict.fromkeys((example.context, example.article) for example in examples))
    runs = [_runs(context) for context, _ in passages]
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for at, mine in enumerate(runs):
        for run in mine:
            holders[run].append(at)
    for at, mine in enumerate(runs):
        shared: dict[int, int] = defaultdict(int)
        for run in mine:
            if len(holders[run]) <= COMMON:
                for other in holders[run]:
                    shared[other] += other < at
        for other, count in shared.items():
            if count >= max(1.0, ALIKE * min(len(mine), len(runs[other]))):
                parent[root(passages[at][1])] = root(passages[other][1])
    return {name: root(name) for name in parent}


def _runs(text: str) -> set[tuple[str, ...]]:
    words = _bare(text).split()
    return {tuple(words[at : at + SHINGLE]) for at in range(max(1, len(words) - SHINGLE + 1))}
