"""Conditions of flows, guards, rejections and responses: `slots.amount > 50 and not slots.verified`.

A grammar of our own, small and closed: nothing is ever evaluated as Python.

    condition   either ("or" either)*                  either   both ("and" both)*         both  "not" both | compared
    compared    value [operator value]                 value    "(" condition ")" | name | literal | "{" literal* "}"
    operator    is, is not, =, ==, !=, <, <=, >, >=, contains, not contains, matches, not matches
    literal     'text', "text", number, true, false, null, undefined, empty
    name        slots.x, context.x (and deeper: context.x.y)

What is not there is null, and null is false; comparing what cannot be compared is false. A pattern that takes too long
is false too. `{{context.x}}` inside (Rasa's repair flows write it) is replaced by the value before anything is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import regex

from bot.flows.scanner import Scanner, Token, WrongCondition

MATCH_SECONDS = 0.05
"""A pattern that takes longer on one value matches nothing."""
MATCH_CHARACTERS = 4000
DEEPEST = 50
"""Parentheses and `not` may stand so deep in each other; deeper is a mistake, not a condition."""

FILLED_IN = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")

Names = Mapping[str, Any]
Test = Callable[[Names, Names], Any]

LITERALS: dict[str, Any] = {"true": True, "false": False, "null": None, "none": None, "undefined": None}
OPERATORS = (
    *("is not", "not contains", "not matches", "is", "contains", "matches"),
    *("==", "!=", "<=", ">=", "=", "<", ">"),
)


class _Empty:
    """What `is empty` compares with: nothing, an empty text, an empty list."""


EMPTY = _Empty()


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was read. `slots` and `contexts` are the names that it looks at; equal texts are equal."""

    text: str
    _test: Test = field(compare=False, repr=False)
    slots: frozenset[str] = field(default=frozenset(), compare=False)
    contexts: frozenset[str] = field(default=frozenset(), compare=False)
    later: bool = field(default=False, compare=False)
    """It holds `{{...}}` and can only be read when the context is known."""

    def holds(self, slots: Names, context: Names | None = None) -> bool:
        """Whether it is true of these values. Never raises."""
        return _truth(self._test(slots, context or {}))

    @property
    def never(self) -> bool:
        """Whether it can never hold, whatever the values: `if: false`."""
        return not self.slots and not self.contexts and not self.later and not self.holds({})


@lru_cache(maxsize=20_000)
def parse(text: str) -> Condition:
    """Read a condition. Raises WrongCondition with the column and what would be right."""
    if FILLED_IN.search(text):
        _Parser(FILLED_IN.sub("x", text)).condition()  # the rest of it must be right now, not in a customer's turn
        names = frozenset(found.removeprefix("context.") for found in FILLED_IN.findall(text))
        return Condition(text, _late(text), contexts=names, later=True)
    parser = _Parser(text)
    test = parser.condition()
    return Condition(text, test, frozenset(parser.slots), frozenset(parser.contexts))


def fill_in(text: str, context: Names) -> str:
    """`{{context.x}}` replaced by the context's values; what is not there becomes "None"."""
    return FILLED_IN.sub(lambda match: str(_deep(context, match[1].removeprefix("context.").split("."))), text)


def _late(text: str) -> Test:
    def test(slots: Names, context: Names) -> bool:
        try:
            return parse(fill_in(text, context)).holds(slots, context)
        except WrongCondition:
            return False

    return test


class _Parser:
    """Recursive descent, to closures. `slots` and `contexts` gather the names."""

    def __init__(self, text: str) -> None:
        self.tokens = Scanner(text, OPERATORS).tokens()
        self.at = 0
        self.depth = 0
        self.slots: set[str] = set()
        self.contexts: set[str] = set()

    def condition(self) -> Test:
        test = self._either()
        if self._now.kind != "end":
            raise self._now.wrong("'and' or 'or', or the end")
        return test

    @property
    def _now(self) -> Token:
        return self.tokens[self.at]

    def _take(self, *texts: str) -> bool:
        if self._now.kind in ("word", "operator", "mark") and self._now.text.lower() in texts:
            self.at += 1
            return True
        return False

    def _either(self) -> Test:
        tests = [self._both()]
        while self._take("or"):
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda s, c: any(_truth(test(s, c)) for test in tests)

    def _both(self) -> Test:
        tests = [self._not()]
        while self._take("and"):
            tests.append(self._not())
        return tests[0] if len(tests) == 1 else lambda s, c: all(_truth(test(s, c)) for test in tests)

    def _not(self) -> Test:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self._now.wrong(f"at most {DEEPEST} parentheses and 'not' in each other")
        test = self._compared() if not self._take("not") else _negated(self._not())
        self.depth -= 1
        return test

    def _compared(self) -> Test:
        left = self._value()
        if self._now.kind != "operator":
            return left
        operator = self._now.text
        self.at += 1
        place = self._now
        right = self._value()
        if operator in ("matches", "not matches"):
            if place.kind != "text":
                raise place.wrong("a pattern in quotes after 'matches'")
            return _matching(left, place, operator == "not matches")
        compare = COMPARED[operator]
        return lambda s, c: compare(left(s, c), right(s, c))

    def _value(self) -> Test:
        token = self._now
        self.at += 1
        if token.kind == "mark" and token.text == "(":
            test = self._either()
            if not self._take(")"):
                raise self._now.wrong("')'")
            return test
        if token.kind == "mark" and token.text == "{":
            return _constant(self._set())
        if token.kind in ("text", "number"):
            return _constant(token.value)
        if token.kind == "word" and token.text.lower() in LITERALS:
            return _constant(LITERALS[token.text.lower()])
        if token.kind == "word" and token.text.lower() == "empty":
            return _constant(EMPTY)
        if token.kind == "word":
            return self._name(token)
        raise token.wrong("slots.NAME, context.NAME, a text in quotes, a number, true, false or null")

    def _set(self) -> tuple[Any, ...]:
        items = []
        while not self._take("}"):
            token = self._now
            if token.kind not in ("text", "number"):
                raise token.wrong("texts in quotes or numbers, then '}'")
            items.append(token.value)
            self.at += 1
            self._take(",")
        return tuple(items)

    def _name(self, token: Token) -> Test:
        root, _, rest = token.text.partition(".")
        parts = rest.split(".")
        if root == "slots" and rest:
            self.slots.add(parts[0])
            if len(parts) == 1:
                return lambda s, c: s.get(rest)
            return lambda s, c: _deep(s, parts)
        if root == "context" and rest:
            self.contexts.add(parts[0])
            return lambda s, c: _deep(c, parts)
        raise token.wrong(f"slots.{token.text}, context.{token.text}, or quotes around it if it is a text")


def _negated(test: Test) -> Test:
    return lambda s, c: not _truth(test(s, c))


def _constant(value: Any) -> Test:
    return lambda s, c: value


def _deep(values: Any, parts: Sequence[str]) -> Any:
    for part in parts:
        values = values.get(part) if isinstance(values, Mapping) else None
    return values


def _truth(value: Any) -> bool:
    return bool(value) and value is not EMPTY


def _matching(left: Test, pattern: Token, negated: bool) -> Test:
    try:
        compiled = regex.compile(pattern.value)
    except regex.error as error:
        raise pattern.wrong(f"a regular expression ({error})") from None

    def matches(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return False
        try:
            return compiled.search(str(value)[:MATCH_CHARACTERS], timeout=MATCH_SECONDS) is not None
        except TimeoutError:
            return False

    return lambda s, c: matches(left(s, c)) is not negated


def _equal(left: Any, right: Any) -> bool:
    if EMPTY in (left, right):
        value = left if right is EMPTY else right
        return value is None or (isinstance(value, str | list | tuple | dict) and len(value) == 0)
    if isinstance(left, bool) is not isinstance(right, bool):
        return False  # in a flow 1 is a number and true a yes
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return list(left) == list(right)
    return bool(left == right)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def test(left: Any, right: Any) -> bool:
        if isinstance(left, bool) or isinstance(right, bool):
            return False
        if isinstance(left, int | float) and isinstance(right, int | float):
            return compare(left, right)
        return isinstance(left, str) and isinstance(right, str) and compare(left, right)

    return test


def _contains(left: Any, right: Any) -> bool:
    if isinstance(left, str):
        return isinstance(right, str) and right in left
    return isinstance(left, list | tuple | dict) and any(_equal(item, right) for item in left)


COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "is": _equal,
    "=": _equal,
    "==": _equal,
    "is not": lambda left, right: not _equal(left, right),
    "!=": lambda left, right: not _equal(left, right),
    "<": _ordered(lambda left, right: left < right),
    "<=": _ordered(lambda left, right: left <= right),
    ">": _ordered(lambda left, right: left > right),
    ">=": _ordered(lambda left, right: left >= right),
    "contains": _contains,
    "not contains": lambda left, right: not _contains(left, right),
}
