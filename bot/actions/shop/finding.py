"""Which product a customer means: its id ("TW-K200", "K200") or words of its name, in English or Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeVar

Row = TypeVar("Row", bound=Any)

WORD = re.compile(r"[a-z0-9]+|[\u4e00-\u9fff]", re.IGNORECASE)
COMMON = frozenset(["the", "a", "an", "my", "for", "of", "and", "in", "with", "one", "to", "i", "is", "have", "want"])


PARTS = frozenset(["spare parts", "care"])
"""A part carries the name of what it is for; who says "kettle" means the kettle."""


def matching(said: object, rows: Iterable[Row]) -> list[Row]:
    """The rows (with `id` or `product`, `name`, `name_zh`, `category`) that fit best; several where they fit as well.

    A whole id decides. Otherwise every word of a name that was said counts.
    """
    asked = _words(str(said or ""))
    listed = list(rows)
    named = [row for row in listed if _words(_id(row)) <= asked]
    scored = [(_score(asked, row), row) for row in named or listed]
    best = max((score for score, _ in scored), default=0)
    return [row for score, row in scored if score == best] if best > 0 or named else []


def _id(row: Any) -> str:
    return str(getattr(row, "product", None) or row.id)


def _score(asked: set[str], row: Any) -> float:
    """How many words of a name were said, in the better of its languages."""
    found = max(len(asked & _words(name)) for name in (row.name, row.name_zh))
    return found - 0.5 * (row.category in PARTS)


def _words(text: str) -> set[str]:
    """Words without plural endings, and single Chinese characters."""
    found = {word.casefold() for word in WORD.findall(text)} - COMMON
    return {word.removesuffix("s") if len(word) > 3 and not word.endswith("ss") else word for word in found}
