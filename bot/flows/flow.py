"""Reads flows: nested steps of a file become steps side by side, each with its branches.

A step without `next` goes on to the one below it; the last one of a flow ends it. Steps without an id get Rasa's:
their number, counted through the whole flow, and what they do (`0_collect_amount`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from bot.flows.model import END, Act, Branch, Call, Collect, Flow, IntentTrigger, LinkTo, Noop, Problem, SetSlots, Step
from bot.flows.slots import read_condition, read_rejections
from bot.flows.source import Rows, Source, Table, meant, plain

FLOW_KEYS = frozenset(
    (
        *("id", "name", "description", "if", "nlu_trigger", "persisted_slots", "steps"),
        *("always_include_in_prompt", "run_pattern_completed"),
    )
)
COMMON = ("id", "next", "description", "metadata")
KINDS: dict[str, tuple[str, ...]] = {
    "collect": ("utter", "ask_before_filling", "force_slot_filling", "rejections", "reset_after_flow_ends"),
    "action": (),
    "set_slots": (),
    "link": (),
    "call": (),
    "noop": (),
}
"""The steps, by the key that makes them, and the keys that each may have besides the common ones."""

UNSERVED = {
    "silence_timeout": "silence is waited for as long as everywhere else",
    "ask_confirm_digressions": "a digression is followed at once, and returned from",
    "block_digressions": "a digression is followed at once, and returned from",
    "ask_for_confirmation": "no confirmation is asked for",
}
"""Keys of Rasa's that have no counterpart here, and what happens instead."""

FLOW_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
RESERVED = ("START", END)


@dataclass(slots=True)
class _Reading:
    """One flow as it is read. `count` is the number of the next step."""

    id: str
    source: Source
    steps: dict[str, Step] = field(default_factory=dict)
    count: int = 0

    @property
    def what(self) -> str:
        return f"flow {self.id!r}"


def read_flows(given: Table, source: Source) -> dict[str, Flow]:
    """The flows under `flows:` by id. One without a step that can be read is left out, and reported."""
    read = (_flow(str(name), given, source) for name in given)
    return {flow.id: flow for flow in read if flow is not None}


def _flow(name: str, flows: Table, source: Source) -> Flow | None:
    what = f"flow {name!r}"
    table = source.table(flows[name], what, flows, name)
    if not FLOW_ID.fullmatch(name):
        source.problem("flow_id", f"{what}: an id has letters, digits, _ and - only", flows, name)
    _unknown(table, FLOW_KEYS, what, source)
    rows = source.rows(table.get("steps"), f"{what}: 'steps'", table, "steps")
    if not rows:
        source.problem("no_steps", f"{what} needs at least one step under 'steps'", flows, name)
        return None
    reading = _Reading(name, source)
    _sequence(reading, rows, END)
    if not reading.steps:
        return None
    description = source.text(table, "description", what) or ""
    if not description and not name.startswith("pattern_"):
        source.problem(
            "description", f"{what} needs a description: by it customers' wishes are told apart", flows, name
        )
    persisted = source.rows(table.get("persisted_slots"), f"{what}: 'persisted_slots'", table, "persisted_slots")
    return Flow(
        id=name,
        name=source.text(table, "name", what) or name.replace("_", " ").replace("-", " "),
        description=description,
        steps=reading.steps,
        guard=read_condition(table, "if", what, source),
        nlu_trigger=_triggers(table, what, source),
        persisted_slots=frozenset(map(str, persisted)),
        always_include_in_prompt=source.flag(table, "always_include_in_prompt", False, what),
        run_pattern_completed=source.flag(table, "run_pattern_completed", True, what),
        place=source.place(flows, name),
    )


def _triggers(table: Table, what: str, source: Source) -> tuple[IntentTrigger, ...]:
    found = []
    rows = source.rows(table.get("nlu_trigger"), f"{what}: 'nlu_trigger'", table, "nlu_trigger")
    for index, item in enumerate(rows):
        intent = item.get("intent") if isinstance(item, Table) else item
        if isinstance(intent, Table):
            name, sure = intent.get("name"), intent.get("confidence_threshold", 0.0)
        else:
            name, sure = intent, 0.0
        if not isinstance(name, str) or not isinstance(sure, int | float):
            source.problem("nlu_trigger", f"{what}: write an nlu_trigger as '- intent: NAME'", rows, index)
            continue
        found.append(IntentTrigger(name, float(sure)))
    return tuple(found)


def _sequence(reading: _Reading, rows: Rows, ending: str | None) -> str | None:
    """Read steps that stand below each other; returns the id of the first. `ending` is where the last one leads, None
    where it must say so itself (a branch)."""
    known = [id for index in range(len(rows)) if (id := _step(reading, rows, index)) is not None]
    for id, following in zip_longest(known, known[1:]):
        step = reading.steps[id]
        if step.next or isinstance(step, LinkTo):
            continue
        target = following or ending
        if target is None:
            message = f"{reading.what}: step {id!r} is the last one of a branch and needs a 'next': a step's id, or END"
            reading.source.problems.append(Problem("missing_next", message, step.place))
            target = END
        reading.steps[id] = replace(step, next=(Branch(target, None, step.place),))
    return known[0] if known else None


def _step(reading: _Reading, rows: Rows, index: int) -> str | None:
    source = reading.source
    table = source.table(rows[index], f"{reading.what}: a step", rows, index)
    kinds = [kind for kind in KINDS if kind in table]
    number = reading.count
    reading.count += 1
    if len(kinds) != 1 and not (not kinds and "next" in table):
        found = f"it has {' and '.join(kinds)}" if kinds else "it has none of them"
        source.problem(
            "step_kind", f"{reading.what}: a step has exactly one of {', '.join(KINDS)}; {found}", rows, index
        )
        return None
    kind = kinds[0] if kinds else "noop"
    id = _id(reading, table, kind, number)
    what = f"{reading.what}, step {id!r}"
    _unknown(table, {kind, *COMMON, *KINDS[kind]}, what, source)
    step = _made(reading, table, kind, id, what)
    if id in reading.steps:
        source.problem("step_id", f"{reading.what} has two steps with the id {id!r}", table, "id")
        return None
    if step is None:
        return None
    reading.steps[id] = step
    branches = _next(reading, table, what)
    if branches and isinstance(step, LinkTo):
        source.problem("link_next", f"{what}: nothing comes after a link: leave out 'next'", table, "next")
    reading.steps[id] = replace(step, next=branches)
    return id


def _id(reading: _Reading, table: Table, kind: str, number: int) -> str:
    given = table.get("id")
    if given is not None:
        id = str(given)
        if id in RESERVED:
            reading.source.problem("step_id", f"{reading.what}: a step cannot be called {id}", table, "id")
        return id
    value = table.get(kind)
    ending = {"collect": f"collect_{value}", "action": str(value), "link": f"link_{value}", "call": f"call_{value}"}
    return f"{number}_{ending.get(kind, kind)}"


def _made(  # noqa: PLR0911 - one a kind
    reading: _Reading, table: Table, kind: str, id: str, what: str
) -> Step | None:
    source = reading.source
    common: dict[str, Any] = {
        "id": id,
        "description": source.text(table, "description", what) or "",
        "place": source.place(table),
    }
    if kind == "noop":
        return Noop(**common)
    if kind == "set_slots":
        return SetSlots(**common, values=_values(table, what, source))
    name = source.text(table, kind, what)
    if not name:
        source.problem("step_kind", f"{what}: {kind!r} needs a name", table, kind)
        return None
    if kind == "action":
        return Act(**common, action=name)
    if kind == "link":
        return LinkTo(**common, flow=name)
    if kind == "call":
        return Call(**common, flow=name)
    return Collect(
        **common,
        slot=name,
        utter=source.text(table, "utter", what),
        ask_before_filling=source.flag(table, "ask_before_filling", False, what),
        force_slot_filling=source.flag(table, "force_slot_filling", False, what),
        rejections=read_rejections(table.get("rejections"), table, what, source),
        reset_after_flow_ends=source.flag(table, "reset_after_flow_ends", True, what),
    )


def _values(table: Table, what: str, source: Source) -> tuple[tuple[str, Any], ...]:
    given = table["set_slots"]
    if isinstance(given, Table):
        return tuple((str(name), plain(value)) for name, value in given.items())
    rows = source.rows(given, f"{what}: 'set_slots'", table, "set_slots")
    found: list[tuple[str, Any]] = []
    for index, item in enumerate(rows):
        entry = source.table(item, f"{what}: an entry of 'set_slots'", rows, index)
        found += [(str(name), plain(value)) for name, value in entry.items()]
    return tuple(found)


def _next(reading: _Reading, table: Table, what: str) -> tuple[Branch, ...]:
    given = table.get("next")
    source = reading.source
    if given is None:
        return ()
    if isinstance(given, str):
        return (Branch(given, None, source.place(table, "next")),)
    rows = source.rows(given, f"{what}: 'next'", table, "next")
    branches: list[Branch] = []
    for index in range(len(rows)):
        branches += _branch(reading, rows, index, what)
    if branches and branches[-1].condition is not None:
        source.problem("no_else", f"{what}: 'next' needs an 'else' for when no 'if' holds", table, "next")
        branches.append(Branch(END, None, source.place(table, "next")))
    early = next((branch for branch in branches[:-1] if branch.condition is None), None)
    if early is not None:
        source.problem("else_first", f"{what}: 'else' comes last: what stands below it is never reached", table, "next")
    return tuple(branches)


def _branch(reading: _Reading, rows: Rows, index: int, what: str) -> list[Branch]:
    source = reading.source
    table = source.table(rows[index], f"{what}: a branch", rows, index)
    place = source.place(rows, index)
    if "else" in table:
        source.unknown(table, ("else",), f"{what}: an 'else'")
        return [Branch(_target(reading, table, "else", what), None, place)]
    source.unknown(table, ("if", "then"), f"{what}: a branch")
    if "if" not in table or "then" not in table:
        missing = "if" if "if" not in table else "then"
        source.problem(
            "branch", f"{what}: a branch has 'if' and 'then', or 'else'; {missing!r} is missing", rows, index
        )
        return []
    target = _target(reading, table, "then", what)
    condition = read_condition(table, "if", what, source)
    return [Branch(target, condition, place)] if condition is not None else []


def _target(reading: _Reading, table: Table, key: str, what: str) -> str:
    given = table[key]
    if isinstance(given, str):
        return given
    if isinstance(given, Rows) and given:
        return _sequence(reading, given, None) or END
    reading.source.problem("branch", f"{what}: {key!r} is a step's id, END, or a list of steps", table, key)
    return END


def _unknown(table: Table, known: set[str] | frozenset[str], what: str, source: Source) -> None:
    for key in table:
        if key in UNSERVED:
            message = f"{what}: {key!r} has no counterpart here: {UNSERVED[key]}"
            source.problem("no_counterpart", message, table, key, level="warning")
        elif key not in known:
            source.problem("unknown_key", f"{what} has no key {key!r}{meant(str(key), known)}", table, key)
