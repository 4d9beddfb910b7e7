"""Personal words out of a model and back into it: an event or a state is stored without them.

`strip` leaves `Words` with nothing but their ref and hands over the texts; `fill` joins them again. A ref without a row
comes back with the text None: it was erased.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import sqlalchemy as sa

from bot.store.tables import words
from bot.types import Plain, Words, new_id

P = TypeVar("P", bound=Plain)
CHUNK = 1_000
"""Refs in one question to the database."""
_TEXTS = sa.select(words.c.ref, words.c.text).where(words.c.ref.in_(sa.bindparam("refs", expanding=True)))


def rewrite(value: Any, change: Callable[[Words], Words]) -> Any:
    """The same value with every `Words` in it changed, however deep. Untouched parts are shared, not copied."""
    kind = type(value)  # asking a model class `isinstance` costs ten times as much, and this is asked of everything
    if kind in _WORDLESS:
        return value
    if kind is Words:
        return change(value)
    if issubclass(kind, Plain):
        changes = {}
        for name in _fields(kind):
            before = getattr(value, name)
            after = rewrite(before, change)
            if after is not before:
                changes[name] = after
        return value.model_copy(update=changes) if changes else value
    if kind is tuple or kind is list:
        items = [rewrite(item, change) for item in value]
        same = all(after is before for after, before in zip(items, value, strict=True))
        return value if same else kind(items)
    if kind is dict:
        pairs = {key: rewrite(item, change) for key, item in value.items()}
        return value if all(pairs[key] is value[key] for key in value) else pairs
    return value


_WORDLESS = frozenset([type(None), bool, int, float, str, datetime])


@cache
def _fields(kind: type[Plain]) -> tuple[str, ...]:
    return tuple(kind.model_fields)


def strip(model: P) -> tuple[P, dict[str, str]]:
    """The model without any words, and the texts by ref."""
    texts: dict[str, str] = {}

    def take(found: Words) -> Words:
        if found.text is None:
            return found
        ref = found.ref or new_id()
        texts.setdefault(ref, found.text.replace("\x00", "\ufffd"))  # PostgreSQL holds no NUL
        return Words(ref=ref, text=None)

    return rewrite(model, take), texts


def refs(model: Plain) -> set[str]:
    """All refs in a model."""
    found: set[str] = set()

    def note(one: Words) -> Words:
        if one.ref:
            found.add(one.ref)
        return one

    rewrite(model, note)
    return found


def fill(model: P, texts: Mapping[str, str]) -> P:
    """The model with the words that are still there."""

    def put(found: Words) -> Words:
        text = texts.get(found.ref) if found.ref else None
        return found if text == found.text else Words(ref=found.ref, text=text)

    filled: P = rewrite(model, put)
    return filled


def fetch(connection: sa.Connection, wanted: Iterable[str]) -> dict[str, str]:
    """The texts under these refs; what was erased is missing."""
    found: dict[str, str] = {}
    left = sorted(set(wanted))
    while left:
        chunk, left = left[:CHUNK], left[CHUNK:]
        found |= {row.ref: row.text for row in connection.execute(_TEXTS, {"refs": chunk})}
    return found
