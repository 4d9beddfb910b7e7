"""Reads assertions, and the older forms of a step, into their long form."""

from __future__ import annotations

import re
from typing import Any

from bot.flows.source import Rows, Source, Table, meant, plain
from bot.scripted.script import GENERATIVE, KINDS, SLOTS, UTTERED, Assertion

SOURCES = ("EnterpriseSearchPolicy", "ContextualResponseRephraser", "IntentlessPolicy")
THRESHOLD = 0.5
"""Rasa's default for a generative assertion."""


def read_assertion(source: Source, rows: Rows, at: int) -> Assertion | None:
    """One entry of `assertions`; None where it is wrong, which is a problem of the source then."""
    table = source.table(rows[at], "an assertion", rows, at)
    if len(table) != 1:
        source.problem("assertion", "an assertion has one key, such as 'flow_started: ...'", rows, at)
        return None
    [(kind, given)] = table.items()
    if kind not in KINDS:
        source.problem("assertion", f"there is no assertion {kind!r}{meant(str(kind), KINDS)}", table, kind)
        return None
    wanted = _wanted(source, table, kind, given)
    return None if wanted is None else Assertion(kind, wanted, source.place(table, kind))


def read_older(source: Source, table: Table, key: str) -> list[Assertion]:
    """What an older form of a step (`bot`, `utter`, `slot_was_set`, `slot_was_not_set`) asserts."""
    given, place = table[key], source.place(table, key)
    if key in SLOTS:
        rows = source.rows(given, f"'{key}'", table, key)
        items: list[dict[str, Any]] = []
        for at, item in enumerate(rows):
            if isinstance(item, str):
                items.append({"name": item})
            else:
                pairs = source.table(item, f"an entry of '{key}'", rows, at)
                items += [{"name": name, "value": plain(value)} for name, value in pairs.items()]
        return [Assertion(key, items, place)]
    if not isinstance(given, str):
        source.problem("wrong_type", f"{key!r} is a text; put quotes around it", table, key)
        return []
    return [Assertion("bot_uttered", {"text" if key == "bot" else "utter_name": given}, place)]


def _wanted(source: Source, table: Table, kind: str, given: Any) -> Any:  # noqa: PLR0911 - one a kind
    if kind == "flow_started":
        return _flows(source, table, given)
    if kind in ("flow_completed", "flow_cancelled"):
        return _ended(source, table, kind, given)
    if kind in SLOTS:
        return _slots(source, table, kind, given)
    if kind == "action_executed":
        return _name(source, table, kind, given)
    if kind in UTTERED:
        return _uttered(source, table, kind, given)
    if kind in GENERATIVE:
        return _generative(source, table, kind, given)
    return plain(source.rows(given, f"'{kind}'", table, kind)) or _empty(source, table, kind, "the ids of flows")


def _empty(source: Source, table: Table, kind: str, what: str) -> Any:
    source.problem("assertion", f"{kind!r} needs {what}", table, kind)
    return None


def _name(source: Source, table: Table, kind: str, given: Any) -> str | None:
    return given if isinstance(given, str) and given else _empty(source, table, kind, "a name")


def _flows(source: Source, table: Table, given: Any) -> Any:
    if isinstance(given, str):
        return {"operator": "all", "flow_ids": [given]}
    inner = source.table(given, "'flow_started'", table, "flow_started")
    source.unknown(inner, ("operator", "flow_ids"), "'flow_started'")
    ids = plain(source.rows(inner.get("flow_ids"), "'flow_ids'", inner, "flow_ids"))
    operator = inner.get("operator", "all")
    if operator not in ("all", "any"):
        source.problem("assertion", f"'operator' is all or any, not {operator!r}", inner, "operator")
        return None
    return {"operator": operator, "flow_ids": ids} if ids else _empty(source, table, "flow_started", "'flow_ids'")


def _ended(source: Source, table: Table, kind: str, given: Any) -> Any:
    if isinstance(given, str):
        return {"flow_id": given}
    inner = source.table(given, f"'{kind}'", table, kind)
    source.unknown(inner, ("flow_id", "flow_step_id"), f"'{kind}'")
    return plain(inner) if isinstance(inner.get("flow_id"), str) else _empty(source, table, kind, "'flow_id'")


def _slots(source: Source, table: Table, kind: str, given: Any) -> Any:
    rows = source.rows(given, f"'{kind}'", table, kind)
    for at in range(len(rows)):
        item = source.table(rows[at], f"an entry of '{kind}'", rows, at)
        source.unknown(item, ("name", "value"), f"an entry of '{kind}'")
        if not isinstance(item.get("name"), str):
            source.problem("assertion", f"an entry of {kind!r} needs 'name', the slot's", rows, at)
            return None
    return plain(rows) or _empty(source, table, kind, "a list such as [{name: amount, value: 50}]")


def _uttered(source: Source, table: Table, kind: str, given: Any) -> Any:
    inner = source.table(given, f"'{kind}'", table, kind)
    known = ("utter_name", "text_matches", "buttons")
    source.unknown(inner, known, f"'{kind}'")
    pattern = inner.get("text_matches")
    if pattern is not None:
        try:
            re.compile(pattern)
        except (re.error, TypeError) as error:
            source.problem("assertion", f"'text_matches' is no regular expression: {error}", inner, "text_matches")
            return None
    buttons = source.rows(inner.get("buttons"), "'buttons'", inner, "buttons")
    for at, button in enumerate(buttons):
        source.unknown(source.table(button, "a button", buttons, at), ("title", "payload"), "a button")
    wanted = {key: plain(inner[key]) for key in known if inner.get(key)}
    return wanted or _empty(source, table, kind, f"one of {', '.join(known)}")


def _generative(source: Source, table: Table, kind: str, given: Any) -> Any:
    inner = source.table(given, f"'{kind}'", table, kind)
    grounds = ("ground_truth",) if kind == "generative_response_is_grounded" else ()
    source.unknown(inner, ("threshold", "utter_name", "utter_source", *grounds), f"'{kind}'")
    threshold = inner.get("threshold", THRESHOLD)
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
        source.problem("assertion", f"'threshold' is a number from 0 to 1, not {threshold!r}", inner, "threshold")
        return None
    if inner.get("utter_source", SOURCES[0]) not in SOURCES:
        source.problem("assertion", f"'utter_source' is one of {', '.join(SOURCES)}", inner, "utter_source")
        return None
    return {**plain(inner), "threshold": float(threshold)}
