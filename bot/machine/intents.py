"""What an intent means to flows: those that it starts (`nlu_trigger`), and the slots that it and its entities fill."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot.commands import Command, Intent, SetSlot, StartFlow
from bot.flows.model import MappingCondition, Slot, SlotMapping
from bot.machine.walk import Walk


def from_intent(walk: Walk, intent: Intent) -> list[Command]:
    """The commands that an intent and its entities stand for."""
    found: list[Command] = [
        StartFlow(flow.id)
        for flow in walk.flows.values()
        if any(item.intent == intent.name and intent.confidence >= item.confidence for item in flow.nlu_trigger)
    ]
    for slot in walk.domain.slots.values():
        value = mapped(slot, intent, walk)
        if value is not None:
            found.append(SetSlot(slot.name, value))
    return found


def mapped(slot: Slot, intent: Intent, walk: Walk) -> Any:
    """The value that a slot's mappings make of an intent; None where none of them fits."""
    for mapping in slot.mappings:
        if not _holds(mapping, intent, walk):
            continue
        if mapping.kind == "from_intent" and mapping.value is not None:
            return mapping.value
        if mapping.kind == "from_entity" and (values := list(_values(mapping, intent.entities))):
            return values if slot.type == "list" else values[-1]
    return None


def _values(mapping: SlotMapping, entities: Iterable[dict[str, Any]]) -> Iterable[Any]:
    for entity in entities:
        if entity.get("entity") != mapping.entity:
            continue
        if mapping.role in (None, entity.get("role")) and mapping.group in (None, entity.get("group")):
            yield entity.get("value")


def _holds(mapping: SlotMapping, intent: Intent, walk: Walk) -> bool:
    if mapping.intents and intent.name not in mapping.intents:
        return False
    if intent.name in mapping.not_intents:
        return False
    return not mapping.conditions or any(_fits(condition, walk) for condition in mapping.conditions)


def _fits(condition: MappingCondition, walk: Walk) -> bool:
    """Whether a condition of a mapping holds. A bot's forms are not open in a flow."""
    if condition.active_loop:
        return False
    if condition.active_flow is not None:
        process = walk.process
        if (process.flow.id if process is not None else "") != condition.active_flow:
            return False
    if condition.requested_slot is None:
        return True
    asking = walk.asking
    return (asking[1].slot if asking is not None else "") == condition.requested_slot
