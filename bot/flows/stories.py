"""Reads `rules:` and `stories:`; what is wrong is told with file and line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from bot.flows.model import Problem
from bot.flows.source import Rows, Source, Table, plain
from bot.flows.story import ANY_VALUE, Beat, Mention, Rule, Story

STORY_KEYS = ("story", "steps", "metadata")
RULE_KEYS = ("rule", "steps", "condition", "conversation_start", "wait_for_user_input", "metadata")
USER_KEYS = ("intent", "user", "entities")
STEPS: dict[str, tuple[str, ...]] = {
    "intent": USER_KEYS,
    "user": USER_KEYS,
    "action": (),
    "slot_was_set": (),
    "active_loop": (),
    "checkpoint": ("slot_was_set",),
    "or": (),
}
"""The steps, by the key that makes them, and the keys that each may have beside it."""
UNSERVED = {"bot": "a bot's own words in a story are not said: name a response, '- action: utter_...'"}
ENTITY_KEYS = ("role", "group")
MOST = 200
"""Of a story with `or` so many variants are followed."""


def read_stories(contents: Sequence[tuple[Source, Table]]) -> tuple[tuple[Rule, ...], tuple[Story, ...]]:
    """The rules and stories of these files, in order."""
    rules: list[Rule] = []
    stories: list[Story] = []
    for source, content in contents:
        given = source.rows(content.get("rules"), "'rules'", content, "rules")
        for index in range(len(given)):
            rules += _rule(given, index, source)
        given = source.rows(content.get("stories"), "'stories'", content, "stories")
        for index in range(len(given)):
            stories += _story(given, index, source)
    return tuple(rules), tuple(stories)


def _rule(rows: Rows, index: int, source: Source) -> list[Rule]:
    table = source.table(rows[index], "a rule", rows, index)
    name = _name(table, "rule", source)
    what = f"rule {name!r}"
    source.unknown(table, RULE_KEYS, what)
    condition = [beat for options in _beats(table, "condition", what, source) for beat in options[0]]
    for beat in condition:
        if beat.kind not in ("slot", "loop"):
            message = f"{what}: a condition is made of 'active_loop' and 'slot_was_set'"
            source.problems.append(Problem("rule_condition", message, beat.place))
    kept = tuple(beat for beat in condition if beat.kind in ("slot", "loop"))
    from_start = source.flag(table, "conversation_start", False, what)
    listens = source.flag(table, "wait_for_user_input", True, what)
    place = source.place(table, "rule")
    return [Rule(name, beats, kept, from_start, listens, place) for beats in _variants(table, what, source) if beats]


def _story(rows: Rows, index: int, source: Source) -> list[Story]:
    table = source.table(rows[index], "a story", rows, index)
    name = _name(table, "story", source)
    what = f"story {name!r}"
    source.unknown(table, STORY_KEYS, what)
    return [Story(name, beats, source.place(table, "story")) for beats in _variants(table, what, source) if beats]


def _name(table: Table, key: str, source: Source) -> str:
    if key not in table:
        source.problem("no_name", f"an item of '{key}s' begins with '- {key}: its name'", table)
        return ""
    return str(table[key])


def _variants(table: Table, what: str, source: Source) -> list[tuple[Beat, ...]]:
    """The steps as beats, once for each way through their `or`."""
    steps = _beats(table, "steps", what, source)
    if not steps:
        source.problem("no_steps", f"{what} needs at least one step under 'steps'", table)
    many = 1
    for options in steps:
        many *= len(options)
    if many > MOST:
        source.problem("too_many", f"{what} can go {many} ways by its 'or': write it as several, {MOST} at most", table)
        return []
    return [tuple(beat for part in way for beat in part) for way in product(*steps)]


Options = list[tuple[Beat, ...]]


def _beats(table: Table, key: str, what: str, source: Source) -> list[Options]:
    rows = source.rows(table.get(key), f"{what}: {key!r}", table, key)
    found = [_step(rows, index, what, source) for index in range(len(rows))]
    return [options for options in found if options]


def _step(rows: Rows, index: int, what: str, source: Source) -> Options:  # noqa: PLR0911 - one a kind of step
    if rows[index] == "...":
        return []
    table = source.table(rows[index], f"{what}: a step", rows, index)
    kind = next((key for key in STEPS if key in table), None)
    if kind is None:
        for key in table:
            if key in UNSERVED:
                source.problem("no_counterpart", f"{what}: {key!r}: {UNSERVED[key]}", table, key, level="warning")
                return []
        found = ", ".join(map(repr, table)) or "nothing"
        source.problem("step_kind", f"{what}: a step has one of {', '.join(STEPS)}; this has {found}", rows, index)
        return []
    source.unknown(table, {kind, *STEPS[kind]}, f"{what}: a step {kind!r}")
    place = source.place(rows, index)
    match kind:
        case "intent" | "user":
            return [(_user(table, what, source),)]
        case "action":
            name = source.text(table, "action", what)
            return [(Beat("action", name, place=place),)] if name and name != "..." else []
        case "slot_was_set":
            return [_slots(table, what, source)]
        case "active_loop":
            name = table["active_loop"]
            return [(Beat("loop", None if name is None else str(name), place=place),)]
        case "checkpoint":
            slots = _slots(table, what, source) if "slot_was_set" in table else ()
            return [(Beat("checkpoint", str(table["checkpoint"]), place=place), *slots)]
        case _:
            inner = source.rows(table["or"], f"{what}: 'or'", table, "or")
            return [way for at in range(len(inner)) for way in _step(inner, at, what, source)]


def _user(table: Table, what: str, source: Source) -> Beat:
    intent = source.text(table, "intent", what)
    if intent is not None and intent.startswith("/"):
        intent = intent[1:]
    text = source.text(table, "user", what)
    rows = source.rows(table.get("entities"), f"{what}: 'entities'", table, "entities")
    entities = tuple(item for at in range(len(rows)) for item in _mention(rows, at, what, source))
    said = text.strip() if text is not None and intent is None else None
    return Beat("user", intent, entities=entities, text=said, place=source.place(table))


def _mention(rows: Rows, index: int, what: str, source: Source) -> list[Mention]:
    given = rows[index]
    if isinstance(given, str):
        return [Mention(given)]
    table = source.table(given, f"{what}: an entity", rows, index)
    named = [key for key in table if key not in ENTITY_KEYS]
    if len(named) != 1:
        message = f"{what}: write an entity as '- city' or '- city: Rome', with 'role' and 'group' beside it"
        source.problem("entity", message, rows, index)
        return []
    value = table[named[0]]
    shown = {key: None if table.get(key) is None else str(table[key]) for key in ENTITY_KEYS}
    return [Mention(str(named[0]), None if value is None else str(value), shown["role"], shown["group"])]


def _slots(table: Table, what: str, source: Source) -> tuple[Beat, ...]:
    given: Any = table["slot_was_set"]
    if isinstance(given, Table):
        return tuple(
            Beat("slot", str(name), plain(value), place=source.place(given, name)) for name, value in given.items()
        )
    rows = source.rows(given, f"{what}: 'slot_was_set'", table, "slot_was_set")
    found: list[Beat] = []
    for index, item in enumerate(rows):
        place = source.place(rows, index)
        if isinstance(item, str):
            found.append(Beat("slot", item, ANY_VALUE, place=place))
            continue
        entry = source.table(item, f"{what}: an entry of 'slot_was_set'", rows, index)
        found += [Beat("slot", str(name), plain(value), place=place) for name, value in entry.items()]
    return tuple(found)
