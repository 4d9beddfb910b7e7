"""What may be said now, for understanding: made from the state and the flows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.flows.expecting import Expecting, Startable, Wanted
from bot.flows.load import Loaded
from bot.flows.model import Call, Collect, Flow
from bot.flows.payloads import read_payload
from bot.machine.walk import Walk
from bot.state import State


def expecting(bot: Loaded, state: State) -> Expecting:
    """See `bot.flows.expecting.Expecting`."""
    walk = Walk(bot, state)
    asking = walk.asking
    process = walk.process
    family = walk.family(process) if process is not None else []
    wanted = {item.name: item for frame in family for item in _wanted(bot, frame.flow, walk.slots, set())}
    if asking is not None:
        wanted[asking[1].slot] = _one(bot, asking[1], walk.slots)
    now = asking[1].slot if asking is not None else None
    others = [item for name, item in wanted.items() if name != now]
    waiting = [frame.flow.id for frame in walk.open if frame.is_user and frame not in family]
    own = [flow for flow in walk.flows.values() if flow.startable]
    open_ids = {frame.flow.id for frame in walk.open}
    return Expecting(
        flows=tuple(_startable(flow, walk, flow.id in open_ids) for flow in own),
        open_flow=family[0].flow if family else None,
        interrupted=tuple(waiting),
        asking=wanted[now] if now is not None else None,
        forced=asking is not None and asking[1].force_slot_filling,
        others=tuple(item for item in others if item.value is None),
        filled=tuple(item for item in others if item.value is not None),
        collects={flow.id: tuple(_wanted(bot, flow, walk.slots, set())) for flow in own},
        choosing=_choosing(state),
        slots={name: value for name, value in walk.slots.items() if value is not None},
    )


def _startable(flow: Flow, walk: Walk, is_open: bool) -> Startable:
    return Startable(
        id=flow.id,
        name=flow.name,
        description=flow.description,
        examples=flow.examples,
        allowed=flow.guard is None or flow.guard.holds(walk.slots),
        always=flow.always_include_in_prompt,
        open=is_open,
        intents=tuple(trigger.intent for trigger in flow.nlu_trigger),
    )


def _wanted(bot: Loaded, flow: Flow, slots: Mapping[str, Any], seen: set[str]) -> list[Wanted]:
    """The slots that a flow asks for, in the order of its steps, with those of the flows that it calls."""
    if flow.id in seen:
        return []
    seen.add(flow.id)
    found: dict[str, Wanted] = {}
    for step in flow.steps.values():
        if isinstance(step, Collect) and step.slot in bot.domain.slots:
            found.setdefault(step.slot, _one(bot, step, slots))
        elif isinstance(step, Call) and step.flow in bot.processes.flows:
            for item in _wanted(bot, bot.processes.flows[step.flow], slots, seen):
                found.setdefault(item.name, item)
    return list(found.values())


def _one(bot: Loaded, step: Collect, slots: Mapping[str, Any]) -> Wanted:
    variations = bot.domain.responses.get(step.utter or f"utter_ask_{step.slot}", ())
    buttons = variations[0].buttons if variations else ()
    read = [(button, payload.slots) for button in buttons if (payload := read_payload(button.payload))]
    pairs = [
        (title, value)
        for button, filled in read
        for name, value in filled
        if name == step.slot
        for title in (button.title, *button.translation.values())
    ]
    return Wanted(
        slot=bot.domain.slots[step.slot],
        description=step.description,
        question=variations[0].text if variations else "",
        choices=tuple(pairs),
        value=slots.get(step.slot),
    )


def _choosing(state: State) -> tuple[str, ...]:
    read = [read_payload(button.payload) for button in state.choices]
    return tuple(item.flow for item in read if item is not None and item.flow is not None)
