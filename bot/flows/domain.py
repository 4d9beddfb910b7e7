"""Reads a domain split over any number of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bot.flows.model import Form, Place, Problem, SessionConfig, Slot
from bot.flows.responses import Domain, Variation
from bot.flows.scanner import WrongCondition
from bot.flows.slots import read_slots
from bot.flows.source import Rows, Source, Table, files, plain, read

TABLES = ("slots", "responses", "forms")
LISTS = ("actions", "intents", "entities", "e2e_actions")
DOMAIN_KEYS = frozenset(["version", "session_config", "config", *TABLES, *LISTS])
DATA_KEYS = frozenset(["nlu", "rules", "stories", "flows", "e2e"])
"""What the files of a bot's data folder hold besides."""

RESPONSE_KEYS = frozenset(
    ["text", "translation", "buttons", "channel", "image", "condition", "metadata", "id", "allow_interruptions"]
)
UNSERVED = {
    "custom": "it is not sent",
    "attachment": "it is not sent",
    "elements": "they are not sent",
    "quick_replies": "they are not sent; write them as buttons",
    "button_type": "buttons look as the channel shows them",
}
BUTTON_KEYS = frozenset(["title", "payload", "translation", "type"])
NAMED_KEYS = {
    "intents": ("use_entities", "ignore_entities"),
    "entities": ("roles", "groups", "influence_conversation"),
}
"""What may stand below the name of an intent or an entity. A story looks at the entities that it names, and no other,
whatever is said here."""
SESSION_KEYS = ("session_expiration_time", "carry_over_slots_to_new_session")
FORM_KEYS = ("required_slots", "ignored_intents")


def read_domain(
    paths: Sequence[Path],
    problems: list[Problem],
    *,
    language: str = "en",
    constants: Mapping[str, str] | None = None,
    others: frozenset[str] = frozenset(),
) -> Domain:
    """The domain in these files and folders; what is wrong is added to `problems`. `others` are further top keys that
    may stand in the same files."""
    contents = read_files([file for path in paths for file in files(path)], problems)
    if not contents:
        named = " or ".join(map(str, paths)) or "this folder"
        message = f"there is no domain in {named}: it is a .yml file, or a folder of them, with 'responses:'"
        problems.append(Problem("no_domain", message))
    return merge_domain(contents, problems, language=language, constants=constants, others=others)


def read_files(found: Sequence[Path], problems: list[Problem]) -> list[tuple[Source, Table]]:
    """The content of each file; one that cannot be read is reported, and empty."""
    contents = []
    for file in found:
        source = Source(file, problems)
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            source.problem("unreadable", f"cannot be read as UTF-8 text: {error}")
            text = ""
        contents.append((source, read(text, source)))
    return contents


def merge_domain(
    contents: Sequence[tuple[Source, Table]],
    problems: list[Problem],
    *,
    language: str = "en",
    constants: Mapping[str, str] | None = None,
    others: frozenset[str] = frozenset(),
) -> Domain:
    """The domain that these files make up; see `read_domain`."""
    merged = _Merged(problems, language, others)
    for source, content in contents:
        merged.add(content, source)
    return merged.domain(constants or {})


class _Merged:
    """What was read so far."""

    def __init__(self, problems: list[Problem], language: str, others: frozenset[str]) -> None:
        self.problems = problems
        self.language = language
        self.known = DOMAIN_KEYS | others
        self.responses: dict[str, tuple[Variation, ...]] = {}
        self.slots: dict[str, Slot] = {}
        self.forms: dict[str, Form] = {}
        self.names: dict[str, dict[str, None]] = {key: {} for key in LISTS}
        self.session: SessionConfig | None = None
        self.raw: dict[str, Any] = {}
        self.places: dict[tuple[str, str], Place] = {}

    def add(self, content: Table, source: Source) -> None:
        source.unknown(content, self.known, "a domain")
        tables = {key: source.table(content.get(key), f"{key!r}", content, key) for key in TABLES}
        for key, table in tables.items():
            for name in list(table):
                if self._twice(key.removesuffix("s"), str(name), source.place(table, name)):
                    del table[name]
        for name in tables["responses"]:
            if variations := _response(str(name), tables["responses"], source):
                self.responses[str(name)] = variations
        self.slots |= read_slots(tables["slots"], source)
        for name in tables["forms"]:
            self.forms[str(name)] = _form(str(name), tables["forms"], source)
        for key in LISTS:
            rows = source.rows(content.get(key), f"{key!r}", content, key)
            for item in rows:
                self._name(key, item, source)
        if "session_config" in content:
            self.session = _session(content, source)
        self._keep(content)

    def _name(self, key: str, item: Any, source: Source) -> None:
        if not isinstance(item, Table):
            self.names[key][str(item)] = None
            return
        for name, below in item.items():
            self.names[key][str(name)] = None
            what = f"{str(name)!r} under {key!r}"
            source.unknown(source.table(below, what, item, name), NAMED_KEYS.get(key, ()), what)

    def domain(self, constants: Mapping[str, str]) -> Domain:
        return Domain(
            self.responses,
            language=self.language,
            constants=constants,
            slots=self.slots,
            actions=[*self.names["actions"], *self.names["e2e_actions"]],
            intents=self.names["intents"],
            entities=self.names["entities"],
            forms=self.forms,
            session=self.session,
            raw=self.raw,
            places={name: place for (kind, name), place in self.places.items() if kind == "response"},
            problems=self.problems,
        )

    def _twice(self, kind: str, name: str, place: Place) -> bool:
        """Whether something of that name stands elsewhere already; that is a mistake."""
        before = self.places.setdefault((kind, name), place)
        if before is place:
            return False
        message = f"the {kind} {name!r} stands in {before} too: each may stand once in a domain"
        self.problems.append(Problem("twice", message, place))
        return True

    def _keep(self, content: Table) -> None:
        for key in DOMAIN_KEYS & set(content):
            value = plain(content[key])
            before = self.raw.get(key)
            if isinstance(before, dict) and isinstance(value, dict):
                before.update(value)
            elif isinstance(before, list) and isinstance(value, list):
                before.extend(item for item in value if item not in before)
            else:
                self.raw[key] = value


def _response(name: str, table: Table, source: Source) -> tuple[Variation, ...]:
    what = f"the response {name!r}"
    rows = table[name]
    if not isinstance(rows, Rows) or not rows:
        source.problem("response", f"{what} needs a list with at least one '- text: ...'", table, name)
        return ()
    found = []
    for index in range(len(rows)):
        item = source.table(rows[index], f"{what}: a variation", rows, index)
        _response_keys(item, what, source)
        metadata = source.table(item.get("metadata"), f"{what}: 'metadata'", item, "metadata")
        given = {key: value for key, value in item.items() if key != "condition"}
        given["conditions"] = item.get("condition", ())
        given["jinja"] = metadata.get("template") == "jinja"
        given["rephrase"] = metadata.get("rephrase") is True
        if "text" not in given and "custom" in given:
            given["text"] = ""
        try:
            found.append(Variation.model_validate(given))
        except WrongCondition as error:
            source.problem("condition", f"{what}: {error}", rows, index)
        except ValidationError as error:
            reason = "; ".join(f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors())
            source.problem("response", f"{what} is wrong: {reason}", rows, index)
    return tuple(found)


def _response_keys(item: Table, what: str, source: Source) -> None:
    for key in item:
        if key in UNSERVED:
            message = f"{what}: {key!r} has no counterpart here: {UNSERVED[key]}"
            source.problem("no_counterpart", message, item, key, level="warning")
    known = RESPONSE_KEYS | set(UNSERVED)
    source.unknown(item, known, what)
    for button in source.rows(item.get("buttons"), f"{what}: 'buttons'", item, "buttons"):
        if isinstance(button, Table):
            source.unknown(button, BUTTON_KEYS, f"{what}: a button")


def _form(name: str, forms: Table, source: Source) -> Form:
    what = f"form {name!r}"
    table = source.table(forms[name], what, forms, name)
    source.unknown(table, FORM_KEYS, what)
    slots = source.rows(table.get("required_slots"), f"{what}: 'required_slots'", table, "required_slots")
    ignored = table.get("ignored_intents")
    names = ignored if isinstance(ignored, list) else [ignored] if ignored else []
    return Form(name, tuple(map(str, slots)), tuple(map(str, names)), source.place(forms, name))


def _session(content: Table, source: Source) -> SessionConfig:
    table = source.table(content["session_config"], "'session_config'", content, "session_config")
    source.unknown(table, SESSION_KEYS, "'session_config'")
    minutes = table.get(SESSION_KEYS[0], 60)
    if isinstance(minutes, bool) or not isinstance(minutes, int | float) or minutes < 0:
        source.problem("wrong_type", f"{SESSION_KEYS[0]!r} is a number of minutes; 0: never", table, SESSION_KEYS[0])
        minutes = 60
    return SessionConfig(float(minutes), source.flag(table, SESSION_KEYS[1], True, "'session_config'"))
