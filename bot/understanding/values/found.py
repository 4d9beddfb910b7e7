"""A value with the words that it was read from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Found(Generic[V]):
    """`value`, read from `text[start:end]`."""

    value: V
    start: int
    end: int


def longest(found: Iterable[Found[V]]) -> list[Found[V]]:
    """Those that do not overlap, in the text's order: of two that do, the longer stays, then the earlier."""
    kept: list[Found[V]] = []
    for each in sorted(found, key=lambda item: (item.start - item.end, item.start)):
        if all(each.end <= other.start or other.end <= each.start for other in kept):
            kept.append(each)
    return sorted(kept, key=lambda item: item.start)
