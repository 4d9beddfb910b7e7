"""Which slots a message fills, by the mappings of a bot with intents.

Source: Rasa 3's `action_extract_slots` (https://legacy-docs-oss.rasa.com/docs/rasa/domain#slot-mappings).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.commands import Intent
from bot.flows.model import Form, MappingCondition, Slot, SlotMapping
from bot.flows.responses import Domain

REQUESTED = "requested_slot"


@dataclass(frozen=True, slots=True)
class Extracted:
    """`values` are the slots that are filled, by name; `actions` are to be run for more, each once."""

    values: dict[str, Any]
    actions: tuple[str, ...] = ()


def extracted(domain: Domain, intent: Intent, text: str, loop: str | None, requested: str | None) -> Extracted:
    """What a message fills. `loop` is the open form, `requested` the slot that it asks for."""
    form = domain.forms.get(loop) if loop is not None else None
    found: dict[str, Any] = {}
    actions: dict[str, None] = {}
    for slot in domain.slots.values():
        for mapping in slot.mappings:
            if not _holds(mapping, intent, loop, requested, form):
                continue
            if form is not None and _shared(domain, slot, mapping, form, requested):
                continue
            if mapping.kind == "custom" and mapping.action is not None:
                actions[mapping.action] = None
            value = _value(slot, mapping, intent, text, loop)
            if value is not None:
                found[slot.name] = value
                break
    return Extracted(found, tuple(actions))


def _value(slot: Slot, mapping: SlotMapping, intent: Intent, text: str, loop: str | None) -> Any:
    match mapping.kind:
        case "from_entity":
            values = [each.get("value") for each in intent.entities if _matches(mapping, each)]
            return None if not values else values if slot.type == "list" else values[-1]
        case "from_text":
            return text or None
        case "from_intent":
            return mapping.value
        case "from_trigger_intent":
            opened = {condition.active_loop for condition in mapping.conditions}
            return mapping.value if loop is None or loop not in opened else None
        case _:
            return None


def _matches(mapping: SlotMapping, entity: Mapping[str, Any]) -> bool:
    if entity.get("entity") != mapping.entity:
        return False
    return mapping.role in (None, entity.get("role")) and mapping.group in (None, entity.get("group"))


def _holds(mapping: SlotMapping, intent: Intent, loop: str | None, requested: str | None, form: Form | None) -> bool:
    names = {intent.name, intent.name.partition("/")[0]}
    refused = {*mapping.not_intents, *(form.ignored_intents if form is not None else ())}
    if (mapping.intents and not names & set(mapping.intents)) or names & refused:
        return False
    if mapping.kind == "from_trigger_intent" or not mapping.conditions:
        return True
    return any(_fits(condition, loop, requested) for condition in mapping.conditions)


def _fits(condition: MappingCondition, loop: str | None, requested: str | None) -> bool:
    if condition.active_flow:
        return False
    if condition.active_loop is not None and condition.active_loop != (loop or ""):
        return False
    return condition.requested_slot is None or condition.requested_slot == (requested or "")


def _shared(domain: Domain, slot: Slot, mapping: SlotMapping, form: Form, requested: str | None) -> bool:
    """Whether an entity could be another slot of the form as well: then it is the one that was asked for."""
    if mapping.kind != "from_entity" or slot.name not in form.required_slots or slot.name == requested:
        return False
    others = [domain.slots[name] for name in form.required_slots if name in domain.slots and name != slot.name]
    return any(
        (each.entity, each.role, each.group) == (mapping.entity, mapping.role, mapping.group)
        for other in others
        for each in other.mappings
        if each.kind == "from_entity"
    )


def question(domain: Domain, form: Form, slot: str) -> str | None:
    """What asks for a slot of a form: an action or a response, the form's own first."""
    for name in (f"{form.name}_{slot}", slot):
        if f"action_ask_{name}" in domain.actions:
            return f"action_ask_{name}"
        if f"utter_ask_{name}" in domain.responses:
            return f"utter_ask_{name}"
    return None


def missing(form: Form, slots: Mapping[str, Any]) -> str | None:
    """The slot that the form asks for next."""
    return next((name for name in form.required_slots if slots.get(name) is None), None)
