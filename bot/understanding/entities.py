"""The entities of a message, as a bot's `nlu.yml` teaches them: regexes, lookup tables, words of its examples and
synonyms; numbers, dates and the like by the entity's name. Roles and groups go by the words around them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from bot.flows.nlu import Nlu, with_synonyms
from bot.understanding.values.contact import emails, phones
from bot.understanding.values.date import moments
from bot.understanding.values.found import Found, longest
from bot.understanding.values.money import amounts
from bot.understanding.values.number import numbers

Read = Callable[[str, datetime], Sequence[Found[Any]]]

TYPED: dict[str, Read] = {
    "number": lambda text, now: list(numbers(text)),
    "email": lambda text, now: list(emails(text)),
    "phone-number": lambda text, now: list(phones(text, "en", None)),
    "time": lambda text, now: [Found(str(each.value), each.start, each.end) for each in moments(text, now)],
    "amount-of-money": lambda text, now: [Found(each.value.amount, each.start, each.end) for each in amounts(text)],
}
"""Entities that are read by libraries, under the names that Rasa's DucklingEntityExtractor gives them."""


class EntityFinder:
    """Finds the entities of one bot. `entities` are those that its domain lists."""

    def __init__(self, nlu: Nlu, entities: Collection[str]) -> None:
        self._synonyms = nlu.synonyms
        self._typed = {name: read for name, read in TYPED.items() if name in entities}
        self._patterns = {
            name: [re.compile(pattern, re.IGNORECASE) for pattern in patterns]
            for name, patterns in nlu.regexes.items()
            if name in entities
        }
        words = {name: set(lines) for name, lines in nlu.lookups.items() if name in entities}
        self._around: dict[tuple[str, str], Counter[tuple[str | None, str | None]]] = {}
        for example in nlu.examples:
            for each in example.entities:
                said = example.text[each.start : each.end]
                words.setdefault(each.entity, set()).update((said, each.value))
                before = _before(example.text, each.start)
                seen = self._around.setdefault((each.entity, before), Counter())
                seen[(each.role, each.group)] += 1
                self._around.setdefault((each.entity, ""), Counter())[(each.role, each.group)] += 1
        self._words = {name: _any_of(known) for name, known in words.items() if known}

    def find(self, text: str, now: datetime) -> tuple[dict[str, Any], ...]:
        """The entities, as Rasa writes them, in the text's order; where two overlap, the longer one."""
        found: list[tuple[str, Found[Any]]] = []
        for name, read in self._typed.items():
            found += [(name, each) for each in read(text, now)]
        for name, patterns in self._patterns.items():
            for pattern in patterns:
                found += [(name, Found(match[0], match.start(), match.end())) for match in pattern.finditer(text)]
        for name, spelt in self._words.items():
            found += [(name, Found(match[0], match.start(), match.end())) for match in spelt.finditer(text)]
        return tuple(self._told(name, each, text) for name, each in _apart(found))

    def _told(self, name: str, each: Found[Any], text: str) -> dict[str, Any]:
        value = with_synonyms(each.value, self._synonyms) if isinstance(each.value, str) else each.value
        told = {"entity": name, "value": value, "start": each.start, "end": each.end}
        before = self._around.get((name, _before(text, each.start))) or self._around.get((name, ""))
        role, group = before.most_common(1)[0][0] if before else (None, None)
        return {**told, **({"role": role} if role else {}), **({"group": group} if group else {})}


def _before(text: str, start: int) -> str:
    words = re.findall(r"\w+", text[:start].lower())
    return words[-1] if words else "^"


def _any_of(words: Collection[str]) -> re.Pattern[str]:
    parts = sorted((re.escape(word) for word in words if word.strip()), key=len, reverse=True)
    edged = [rf"(?<!\w){part}(?!\w)" if part.isascii() else part for part in parts]
    return re.compile("|".join(edged), re.IGNORECASE)


def _apart(found: Sequence[tuple[str, Found[Any]]]) -> list[tuple[str, Found[Any]]]:
    """The longest of those that overlap; of the same words, the first one's."""
    by_place: dict[tuple[int, int], tuple[str, Found[Any]]] = {}
    for name, each in found:
        if each.end > each.start:
            by_place.setdefault((each.start, each.end), (name, each))
    kept = longest([each for _, each in by_place.values()])
    return [by_place[(each.start, each.end)] for each in kept]
