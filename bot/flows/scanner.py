"""Cuts the text of a condition into tokens, and says where one is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.errors import FrontdeskError

_SPACE = re.compile(r"\s+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?![\w.])")
_WORD = re.compile(r"[^\W\d][\w-]*(?:\.[\w-]+)*")
_TEXT = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.DOTALL)
_ESCAPED = re.compile(r"\\([\"'])")


class WrongCondition(FrontdeskError):
    """A condition that does not read. `column` counts from 1."""

    def __init__(self, text: str, column: int, found: str, wanted: str) -> None:
        shown = repr(found) if found else "the end"
        super().__init__(f"the condition {text!r} does not read: at column {column} stands {shown}; expected {wanted}")
        self.column = column


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a condition. `value` is what a text or number stands for."""

    kind: Literal["word", "operator", "mark", "text", "number", "end"]
    text: str
    at: int
    whole: str
    value: Any = None

    def wrong(self, wanted: str) -> WrongCondition:
        """The error that says what should stand here."""
        return WrongCondition(self.whole, self.at + 1, self.text, wanted)


class Scanner:
    """Reads `text` from left to right. `operators` are tried in their order, words among them as whole words."""

    def __init__(self, text: str, operators: Sequence[str]) -> None:
        self._text = text
        self._operators = [_operator(name) for name in operators]

    def tokens(self) -> list[Token]:
        """All of them, with one of kind "end" behind. Raises WrongCondition for a character that fits nowhere."""
        found: list[Token] = []
        at = 0
        while at < len(self._text):
            if space := _SPACE.match(self._text, at):
                at = space.end()
                continue
            token, at = self._next(at)
            found.append(token)
        return [*found, Token("end", "", len(self._text), self._text)]

    def _next(self, at: int) -> tuple[Token, int]:
        text = self._text
        if match := _TEXT.match(text, at):
            return Token("text", match[0], at, text, _ESCAPED.sub(r"\1", match[0][1:-1])), match.end()
        if match := _NUMBER.match(text, at):
            number = float(match[0]) if "." in match[0] else int(match[0])
            return Token("number", match[0], at, text, number), match.end()
        for name, pattern in self._operators:
            if match := pattern.match(text, at):
                return Token("operator", name, at, text), match.end()
        if match := _WORD.match(text, at):
            return Token("word", match[0], at, text), match.end()
        if text[at] in "(){},":
            return Token("mark", text[at], at, text), at + 1
        raise WrongCondition(text, at + 1, text[at], "a name, an operator, a text in quotes or a number")


def _operator(name: str) -> tuple[str, re.Pattern[str]]:
    words = r"\s+".join(re.escape(word) for word in name.split())
    ending = r"(?![\w.-])" if name[-1].isalpha() else ""
    return name, re.compile(words + ending, re.IGNORECASE)
