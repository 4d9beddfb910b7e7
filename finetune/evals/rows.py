"""Rows of evaluation data: JSON lines, each checked against a model of its kind."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bot.errors import FrontdeskError

Alternatives = tuple[tuple[str, ...], ...]


class RowError(FrontdeskError):
    """A row of evaluation data that cannot be used. The message names the file, the line and the field."""


class Row(BaseModel):
    """What all rows share: what they hold beyond their fields is kept as it is, so that data can carry notes."""

    model_config = ConfigDict(frozen=True, extra="allow")

    line: int = Field(0, exclude=True)
    id: str | int | None = None

    def has(self, field: str, value: str) -> bool:
        """Whether a field, one of the data's own too, has this value."""
        return str(self.model_dump().get(field)) == value


R = TypeVar("R", bound=Row)
T = TypeVar("T")


class Wanted(Row):
    """`must_contain`: of each inner list one alternative must occur. A text stands for a list of one."""

    must_contain: Alternatives = ()

    @field_validator("must_contain", mode="before")
    @classmethod
    def _lists(cls, given: Any) -> Any:
        return [[item] if isinstance(item, str) else item for item in given] if isinstance(given, list) else given

    @field_validator("must_contain")
    @classmethod
    def _filled(cls, given: Alternatives) -> Alternatives:
        if any(not item or not all(text.strip() for text in item) for item in given):
            raise ValueError("an inner list needs at least one alternative, and none may be empty")
        return given


def read(file: Path, model: type[R]) -> list[R]:
    """All rows in the file's order, `line` set. Raises RowError for the first line that is wrong, and for no rows."""
    try:
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise RowError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    rows = [_row(file, number, line, model) for number, line in enumerate(lines, start=1) if line.strip()]
    if not rows:
        raise RowError(f"{file} holds no rows")
    return rows


def _row(file: Path, number: int, line: str, model: type[R]) -> R:
    try:
        said = json.loads(line)
    except ValueError as error:
        raise RowError(f"{file}, line {number} is not JSON: {error}") from None
    if not isinstance(said, dict):
        raise RowError(f"{file}, line {number} must be an object, not {type(said).__name__}")
    try:
        return model.model_validate({**said, "line": number})
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'row'}: {item['msg']}" for item in error.errors())
        raise RowError(f"{file}, line {number}: {wrong}") from None


def some(rows: Sequence[T], limit: int | None) -> list[T]:
    """At most `limit` of the rows (None: all), spread evenly over them, in their order; always the same ones.

    Of each stretch of the file one is drawn: every fourth row could be every answerable question.
    """
    if limit is None or limit >= len(rows):
        return list(rows)
    chance = random.Random(1)  # noqa: S311 - a sample, not a secret
    ends = [at * len(rows) // limit for at in range(limit + 1)]
    return [rows[chance.randrange(start, end)] for start, end in pairwise(ends)]


def bytes_of(file: Path, line: int, field: str, named: str) -> bytes:
    """The file that a row names in a field: relative to the data's folder, unless it is absolute. Raises RowError."""
    try:
        return (file.parent / named).read_bytes()
    except OSError as error:
        raise RowError(f"{file}, line {line}: {field}: {named} cannot be read: {error.strerror}") from None
