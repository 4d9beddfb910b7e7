"""Reads the slots of a domain file."""

from __future__ import annotations

from typing import Any, get_args

from bot.flows.conditions import parse
from bot.flows.model import MappingCondition, MappingKind, Rejection, Slot, SlotMapping, SlotType
from bot.flows.scanner import WrongCondition
from bot.flows.source import Rows, Source, Table, meant, plain

SLOT_KEYS = frozenset(
    (
        *("type", "values", "initial_value", "mappings", "validation", "min_value", "max_value"),
        *("influence_conversation", "shared_for_coexistence"),
    )
)
MAPPING_KEYS = frozenset(
    (
        *("type", "entity", "role", "group", "intent", "not_intent", "value", "conditions"),
        *("allow_nlu_correction", "action", "run_action_every_turn"),
    )
)
TYPES: tuple[str, ...] = get_args(SlotType)
KINDS: tuple[str, ...] = get_args(MappingKind)


def read_slots(given: Table, source: Source) -> dict[str, Slot]:
    """The slots under `slots:`, by name."""
    return {str(name): _slot(str(name), given, source) for name in given}


def read_rejections(given: object, table: Table, what: str, source: Source) -> tuple[Rejection, ...]:
    """The entries of `rejections:`; those without a condition that reads are left out, and reported."""
    found = []
    rows = source.rows(given, f"{what}: 'rejections'", table, "rejections")
    for index, item in enumerate(rows):
        entry = source.table(item, f"{what}: a rejection", rows, index)
        source.unknown(entry, ("if", "utter"), f"{what}: a rejection")
        condition = read_condition(entry, "if", f"{what}: a rejection", source)
        utter = source.text(entry, "utter", f"{what}: a rejection")
        if condition is None or utter is None:
            for key in ("if", "utter"):
                if key not in entry:
                    source.problem("rejection", f"{what}: a rejection needs {key!r}", rows, index)
            continue
        found.append(Rejection(condition, utter, source.place(rows, index)))
    return tuple(found)


def read_condition(table: Table, key: str, what: str, source: Source) -> Any:
    """The condition under a key; None where there is none, or it does not read (which is reported)."""
    value = table.get(key)
    if value is None:
        return None
    text = str(value).lower() if isinstance(value, bool) else value
    if not isinstance(text, str):
        source.problem("condition", f"{what}: {key!r} is a condition such as slots.x is not null", table, key)
        return None
    try:
        return parse(text)
    except WrongCondition as error:
        source.problem("condition", f"{what}: {error}", table, key)
        return None


def _slot(name: str, slots: Table, source: Source) -> Slot:
    what = f"slot {name!r}"
    table = source.table(slots[name], what, slots, name)
    source.unknown(table, SLOT_KEYS, what)
    kind: Any = table.get("type", "any")
    if kind not in TYPES:
        source.problem("slot_type", f"{what}: there is no type {kind!r}{meant(str(kind), TYPES)}", table, "type")
        kind = "any"
    values = tuple(
        str(value).lower() if isinstance(value, bool) else str(value)
        for value in source.rows(table.get("values"), f"{what}: 'values'", table, "values")
    )
    if kind == "categorical" and not values:
        source.problem("slot_values", f"{what} is categorical: list what it may be under 'values'", slots, name)
    rows = source.rows(table.get("mappings"), f"{what}: 'mappings'", table, "mappings")
    rules = source.table(table.get("validation"), f"{what}: 'validation'", table, "validation")
    source.unknown(rules, ("rejections", "refill_utter"), f"{what}: 'validation'")
    return Slot(
        name=name,
        type=kind,
        values=values,
        initial_value=plain(table.get("initial_value")),
        mappings=tuple(_mapping(rows, index, what, source) for index in range(len(rows))),
        rejections=read_rejections(rules.get("rejections"), rules, what, source),
        refill_utter=source.text(rules, "refill_utter", what),
        least=_bound(table, "min_value", what, source),
        most=_bound(table, "max_value", what, source),
        influence_conversation=source.flag(table, "influence_conversation", True, what),
        shared_for_coexistence=source.flag(table, "shared_for_coexistence", False, what),
        place=source.place(slots, name),
    )


def _mapping(rows: Rows, index: int, what: str, source: Source) -> SlotMapping:
    table = source.table(rows[index], f"{what}: a mapping", rows, index)
    source.unknown(table, MAPPING_KEYS, f"{what}: a mapping")
    kind: Any = table.get("type")
    if kind not in KINDS:
        source.problem("mapping_type", f"{what}: there is no mapping {kind!r}{meant(str(kind), KINDS)}", rows, index)
        kind = "controlled"
    if kind == "from_entity" and not table.get("entity"):
        source.problem("mapping", f"{what}: a mapping from_entity needs 'entity'", rows, index)
    if kind in ("from_intent", "from_trigger_intent") and "value" not in table:
        source.problem("mapping", f"{what}: a mapping {kind} needs the 'value' that the intent stands for", rows, index)
    conditions = source.rows(table.get("conditions"), f"{what}: 'conditions'", table, "conditions")
    return SlotMapping(
        kind=kind,
        entity=source.text(table, "entity", what),
        role=source.text(table, "role", what),
        group=source.text(table, "group", what),
        intents=_names(table.get("intent")),
        not_intents=_names(table.get("not_intent")),
        value=plain(table.get("value")),
        conditions=tuple(_condition(conditions, place, what, source) for place in range(len(conditions))),
        allow_nlu_correction=source.flag(table, "allow_nlu_correction", False, what),
        action=source.text(table, "action", what) or source.text(table, "run_action_every_turn", what),
    )


def _condition(rows: Rows, index: int, what: str, source: Source) -> MappingCondition:
    table = source.table(rows[index], f"{what}: a mapping's condition", rows, index)
    source.unknown(table, ("active_loop", "requested_slot", "active_flow"), f"{what}: a mapping's condition")
    given = {str(key): "" if value is None else str(value) for key, value in table.items()}
    return MappingCondition(given.get("active_loop"), given.get("requested_slot"), given.get("active_flow"))


def _names(given: object) -> tuple[str, ...]:
    return tuple(map(str, given)) if isinstance(given, list) else () if given is None else (str(given),)


def _bound(table: Table, key: str, what: str, source: Source) -> float | None:
    value = table.get(key)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    source.problem("wrong_type", f"{what}: {key!r} is a number, not {value!r}", table, key)
    return None
