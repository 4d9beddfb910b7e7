"""What a file says of itself before its text begins: YAML between two lines of three dashes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

import yaml

from retrieval.errors import DocumentError
from retrieval.types import Audience

MAX_CHARACTERS = 50_000
_FENCE = re.compile(r"\A---[^\S\n]*\n(.*?)^(?:---|\.\.\.)[^\S\n]*$\n?", re.DOTALL | re.MULTILINE)
_OPENED = re.compile(r"\A---[^\S\n]*\n(?:\s*\n|#[^\n]*\n)*[A-Za-z_][\w-]*[^\S\n]*:(?:\s|$)")
_LANGUAGE = re.compile(r"^([a-z]{2,3})(?:[-_][a-z0-9]+)*$")


class UnknownAudienceError(DocumentError):
    """A document that says it is for somebody we do not know. It is not shown to anyone."""


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The keys that are understood; others are ignored. `language` is the primary subtag ("zh-CN" is "zh")."""

    title: str | None = None
    audience: Audience | None = None
    language: str | None = None
    url: str | None = None
    updated: date | None = None
    review_by: date | None = None


def split_front_matter(text: str) -> tuple[FrontMatter, str]:
    """The front matter and the text after it.

    Raises DocumentError when it is broken: a document whose audience cannot be read must not be published by mistake.
    """
    fenced = _FENCE.match(text)
    if fenced is None:
        if _OPENED.match(text):
            raise DocumentError("front matter is opened by '---' and never closed")
        return FrontMatter(), text
    if len(fenced.group(1)) > MAX_CHARACTERS:
        raise DocumentError(f"front matter of more than {MAX_CHARACTERS:,} characters")
    try:
        found = yaml.safe_load(fenced.group(1))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DocumentError(f"front matter is not valid YAML: {_one_line(error)}") from None
    if found is None:
        return FrontMatter(), text[fenced.end() :]
    if not isinstance(found, dict):
        return FrontMatter(), text  # two rules with prose between them
    return read_values(found), text[fenced.end() :]


def parse_audience(value: object) -> Audience:
    """Raises UnknownAudienceError, which names the valid ones."""
    try:
        return Audience(str(value).strip().lower())
    except ValueError:
        valid = ", ".join(Audience)
        raise UnknownAudienceError(f"unknown audience {str(value)[:60]!r}; it is one of: {valid}") from None


def read_values(found: Mapping[Any, object]) -> FrontMatter:
    """The keys that are understood, checked. Raises DocumentError."""
    values = {str(key).strip().lower(): value for key, value in found.items() if isinstance(key, str)}
    return FrontMatter(
        title=_text(values, "title"),
        audience=parse_audience(values["audience"]) if "audience" in values else None,
        language=_language(values),
        url=_url(values),
        updated=_date(values, "updated") or _date(values, "modified"),
        review_by=_date(values, "review_by"),
    )


def _text(values: dict[str, object], key: str) -> str | None:
    value = values.get(key)
    if value is None:
        return None
    if not isinstance(value, str | int | float | date):
        raise DocumentError(f"front matter's {key} is not a text")
    return " ".join(str(value).split()) or None


def _language(values: dict[str, object]) -> str | None:
    value = _text(values, "language")
    if value is None:
        return None
    tag = _LANGUAGE.match(value.lower())
    if tag is None:
        raise DocumentError(f"front matter's language {value[:40]!r} is not a language tag such as 'en' or 'zh-CN'")
    return tag.group(1)


def _url(values: dict[str, object]) -> str | None:
    value = _text(values, "url")
    if value is None:
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in {"http", "https"} or not parts.netloc or " " in value:
        raise DocumentError(f"front matter's url {value[:80]!r} is not an http or https address")
    return value


def _date(values: dict[str, object], key: str) -> date | None:
    value = values.get(key)
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value).strip())
    except ValueError:
        raise DocumentError(f"front matter's {key} {str(value)[:40]!r} is not a date such as 2026-11-09") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
