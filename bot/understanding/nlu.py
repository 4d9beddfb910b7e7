"""`nlu.yml` in Rasa 3's format: example sentences by intent with their entities, synonyms, regexes and lookup tables.

An entity stands in an example as `[words](entity)`, `[words](entity:value)` or
`[words]{"entity": "city", "role": "from", "group": "1", "value": "Rome"}`.
Format: https://legacy-docs-oss.rasa.com/docs/rasa/training-data-format
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bot.errors import ConfigError

MARKED = re.compile(r"\[(?P<words>[^\]]+)\](?:\((?P<short>[^)]*)\)|(?P<long>\{[^}]*\}))")


@dataclass(frozen=True, slots=True)
class Entity:
    """Words of an example that stand for something: `text[start:end]`. `value` is what they mean."""

    entity: str
    start: int
    end: int
    value: str
    role: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence as a customer may write it, without the marks. `intent` may be `faq/ask_x`."""

    text: str
    intent: str
    entities: tuple[Entity, ...] = ()


@dataclass(frozen=True, slots=True)
class Nlu:
    """All of a bot's training data. `synonyms` maps words in lower case to their value."""

    examples: tuple[Example, ...] = ()
    synonyms: dict[str, str] = field(default_factory=dict)
    regexes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lookups: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def intents(self) -> tuple[str, ...]:
        """The intents that have examples, in the order of the files."""
        return tuple(dict.fromkeys(example.intent for example in self.examples))


def read_nlu(*paths: Path) -> Nlu:
    """Read files, or all `*.yml` and `*.yaml` below folders. Files without `nlu:` add nothing.

    Raises ConfigError that names the file for broken YAML, an item that is none, a regular expression that is none.
    """
    merged = Nlu()
    for file in _files(paths):
        found = _read(file)
        merged = Nlu(
            (*merged.examples, *found.examples),
            merged.synonyms | found.synonyms,
            _joined(merged.regexes, found.regexes),
            _joined(merged.lookups, found.lookups),
        )
    return merged


def parse(marked: str, intent: str = "") -> Example:
    """An example as it is written, marks and all. Raises ValueError for a mark that cannot be read."""
    text, entities, last = "", [], 0
    for match in MARKED.finditer(marked):
        text += marked[last : match.start()]
        start = len(text)
        text += match["words"]
        entities.append(_entity(match, start, len(text)))
        last = match.end()
    text += marked[last:]
    lead = len(text) - len(text.lstrip())
    moved = (
        Entity(each.entity, each.start - lead, each.end - lead, each.value, each.role, each.group) for each in entities
    )
    return Example(text.strip(), intent, tuple(moved))


def _entity(match: re.Match[str], start: int, end: int) -> Entity:
    if match["long"] is None:
        name, _, value = match["short"].partition(":")
        given: dict[str, Any] = {"entity": name, "value": value or None}
    else:
        given = json.loads(match["long"])
    if not str(given.get("entity") or "").strip():
        raise ValueError(f"{match[0]} names no entity")
    value = given.get("value")
    return Entity(
        str(given["entity"]).strip(),
        start,
        end,
        match["words"] if value is None else str(value),
        None if given.get("role") is None else str(given["role"]),
        None if given.get("group") is None else str(given["group"]),
    )


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted([*path.rglob("*.yml"), *path.rglob("*.yaml")])
        else:
            yield path


def _read(file: Path) -> Nlu:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from None
    items = content.get("nlu") if isinstance(content, dict) else None
    if items is None:
        return Nlu()
    if not isinstance(items, list):
        raise ConfigError(f"{file}: 'nlu' must be a list of items such as '- intent: greet'")
    examples: list[Example] = []
    synonyms: dict[str, str] = {}
    regexes: dict[str, tuple[str, ...]] = {}
    lookups: dict[str, tuple[str, ...]] = {}
    for item in items:
        kind = next((key for key in ("intent", "synonym", "regex", "lookup") if key in item), None) if item else None
        if kind is None:
            raise ConfigError(f"{file}: an item of 'nlu' has none of 'intent', 'synonym', 'regex', 'lookup': {item!r}")
        name = str(item[kind])
        lines = _lines(item.get("examples"), f"{file}: {kind} {name!r}")
        if kind == "intent":
            examples += [_parsed(line, name, file) for line in lines]
        elif kind == "synonym":
            synonyms |= {line.casefold(): name for line in [*lines, name]}
        elif kind == "regex":
            regexes[name] = (*regexes.get(name, ()), *(_compiles(line, name, file) for line in lines))
        else:
            lookups[name] = (*lookups.get(name, ()), *lines)
    return Nlu(tuple(examples), synonyms, regexes, lookups)


def _lines(given: object, where: str) -> list[str]:
    """`examples: |` with a dash before each line, or a list of texts or of `{text: ...}`."""
    if isinstance(given, str):
        return [line.strip()[1:].strip() for line in given.splitlines() if line.strip().startswith("-")]
    if isinstance(given, list):
        texts = [item.get("text", "") if isinstance(item, dict) else item for item in given]
        return [str(text).strip().removeprefix("- ").strip() for text in texts if str(text).strip()]
    raise ConfigError(f"{where} needs 'examples: |' with a line '- ...' for each")


def _parsed(line: str, intent: str, file: Path) -> Example:
    try:
        return parse(line, intent)
    except (ValueError, AttributeError) as error:
        raise ConfigError(f"{file}: intent {intent!r}: {line!r}: {error}") from None


def _compiles(pattern: str, name: str, file: Path) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ConfigError(f"{file}: regex {name!r}: {pattern!r} is no regular expression: {error}") from None
    return pattern


def _joined(first: dict[str, tuple[str, ...]], second: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {name: (*first.get(name, ()), *second.get(name, ())) for name in [*first, *second]}


def with_synonyms(words: str, synonyms: dict[str, str]) -> str:
    """What the words stand for, or the words."""
    return synonyms.get(words.casefold(), words)


def by_intent(examples: Sequence[Example]) -> dict[str, list[str]]:
    """The texts of each intent."""
    found: dict[str, list[str]] = {}
    for example in examples:
        found.setdefault(example.intent, []).append(example.text)
    return found


def files_of(folder: Path) -> list[Path]:
    """The files below a bot's folder that have an `nlu:` of their own, in order."""
    found = sorted([*folder.rglob("*.yml"), *folder.rglob("*.yaml")])
    return [file for file in found if file.is_file() and _begins_nlu(file)]


def _begins_nlu(file: Path) -> bool:
    try:
        return bool(re.search(r"^nlu:", file.read_text(encoding="utf-8"), re.MULTILINE))
    except (OSError, UnicodeDecodeError):
        return False
