"""`nlu.yml` in Rasa 3's format: example sentences by intent with their entities, synonyms, regexes and lookup tables.

An entity stands in an example as `[words](entity)`, `[words](entity:value)` or
`[words]{"entity": "city", "role": "from", "group": "1", "value": "Rome"}`.
Format: https://legacy-docs-oss.rasa.com/docs/rasa/training-data-format
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.errors import ConfigError
from bot.flows.model import NOWHERE, Place, Problem
from bot.flows.source import Source, Table, read

ITEMS = ("intent", "synonym", "regex", "lookup")
ITEM_KEYS = ("examples", "metadata")
EXAMPLE_KEYS = ("text", "metadata")
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
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Nlu:
    """All of a bot's training data. `synonyms` maps words in lower case to their value. `places` are those of the
    intents, regexes and lookups, by (kind, name).
    """

    examples: tuple[Example, ...] = ()
    synonyms: dict[str, str] = field(default_factory=dict)
    regexes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lookups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    places: Mapping[tuple[str, str], Place] = field(default_factory=dict)

    @property
    def intents(self) -> tuple[str, ...]:
        """The intents that have examples, in the order of the files."""
        return tuple(dict.fromkeys(example.intent for example in self.examples))


def read_nlu(*paths: Path) -> Nlu:
    """Read files, or all `*.yml` and `*.yaml` below folders. Files without `nlu:` add nothing.

    Raises ConfigError that names file and line for broken YAML, an item that is none, a wrong regular expression.
    """
    problems: list[Problem] = []
    contents = []
    for file in _files(paths):
        source = Source(file, problems)
        try:
            contents.append((source, read(file.read_text(encoding="utf-8"), source)))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file} cannot be read: {error}") from None
    nlu = merge_nlu(contents)
    if grave := [problem for problem in problems if problem.level == "error" and problem.code != "unknown_key"]:
        raise ConfigError("; ".join(str(problem) for problem in grave[:5]))
    return nlu


def merge_nlu(contents: Sequence[tuple[Source, Table]]) -> Nlu:
    """What these files have under `nlu:`; what is wrong is added to their sources' problems."""
    reading = _Reading()
    for source, content in contents:
        rows = source.rows(content.get("nlu"), "'nlu'", content, "nlu")
        for index in range(len(rows)):
            reading.item(source.table(rows[index], "an item of 'nlu'", rows, index), source)
    return Nlu(
        tuple(reading.examples), reading.synonyms, _tuples(reading.regexes), _tuples(reading.lookups), reading.places
    )


class _Reading:
    """What was read so far."""

    def __init__(self) -> None:
        self.examples: list[Example] = []
        self.synonyms: dict[str, str] = {}
        self.regexes: dict[str, list[str]] = {}
        self.lookups: dict[str, list[str]] = {}
        self.places: dict[tuple[str, str], Place] = {}

    def item(self, table: Table, source: Source) -> None:
        kinds = [key for key in ITEMS if key in table]
        if len(kinds) != 1:
            found = " and ".join(kinds) or "none of them"
            source.problem("nlu_item", f"an item of 'nlu' has one of {', '.join(ITEMS)}; this has {found}", table)
            return
        kind, name = kinds[0], str(table[kinds[0]])
        what = f"{kind} {name!r}"
        source.unknown(table, {kind, *ITEM_KEYS}, what)
        self.places.setdefault((kind, name), source.place(table, kind))
        for line, place in _lines(table, what, source):
            match kind:
                case "intent":
                    self._example(line, name, place, source)
                case "synonym":
                    self.synonyms[line.casefold()] = name
                case "regex" if _compiles(line, what, place, source):
                    self.regexes.setdefault(name, []).append(line)
                case "lookup":
                    self.lookups.setdefault(name, []).append(line)
        if kind == "synonym":
            self.synonyms.setdefault(name.casefold(), name)

    def _example(self, line: str, intent: str, place: Place, source: Source) -> None:
        try:
            found = parse(line, intent)
        except (ValueError, AttributeError) as error:
            message = f"intent {intent!r}: {line!r} has an entity that cannot be read: {error}"
            source.problems.append(Problem("nlu_example", message, place))
            return
        self.examples.append(Example(found.text, intent, found.entities, place))


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


def _lines(table: Table, what: str, source: Source) -> list[tuple[str, Place]]:
    """`examples: |` with a dash before each line, or a list of texts or of `{text: ...}`; each with its place."""
    given, line = table.get("examples"), source.place(table, "examples").line
    if isinstance(given, str):
        found = []
        for number, text in enumerate(given.splitlines(), start=line + 1):
            place = Place(source.file, number)
            if text.strip().startswith("-") and (said := text.strip()[1:].strip()):
                found.append((said, place))
            elif text.strip():
                message = f"{what}: {text.strip()!r} is no example: each line begins with '- '"
                source.problems.append(Problem("nlu_example", message, place))
        return found
    if isinstance(given, list):
        rows = source.rows(given, what, table, "examples")
        return [(said, source.place(rows, at)) for at, item in enumerate(rows) if (said := _text(item, what, source))]
    source.problem("nlu_item", f"{what} needs 'examples: |' with a line '- ...' for each", table)
    return []


def _text(item: object, what: str, source: Source) -> str:
    if isinstance(item, Table):
        source.unknown(item, EXAMPLE_KEYS, f"{what}: an example")
        item = item.get("text", "")
    return str(item).strip().removeprefix("- ").strip()


def _compiles(pattern: str, what: str, place: Place, source: Source) -> bool:
    try:
        re.compile(pattern)
    except re.error as error:
        message = f"{what}: {pattern!r} is no regular expression: {error}"
        source.problems.append(Problem("nlu_regex", message, place))
        return False
    return True


def _tuples(given: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(items) for name, items in given.items()}


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
