"""What a customer wants, applied to the stack: slots are filled, flows begin, repairs are put on top.

What is put on top last happens first: a correction before an answer, an answer before the open question is asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.commands import (
    Ask,
    AskWhy,
    CancelFlow,
    CannotHandle,
    Clarify,
    Command,
    Intent,
    Repeat,
    SetSlot,
    SkipQuestion,
    SmallTalk,
    StartFlow,
    WantPerson,
)
from bot.flows.model import Collect, Flow
from bot.machine.intents import from_intent
from bot.machine.values import Unfit, fitted
from bot.machine.walk import Open, Walk
from bot.types import Outcome

QUESTIONS = 3
"""At most so many questions of one message are answered, each in a reply of its own."""


def apply(walk: Walk, commands: Sequence[Command]) -> None:
    """Do what the commands ask for; the walk then goes on from there."""
    intents = [item for item in commands if isinstance(item, Intent)]
    wanted: list[Command] = [item for item in commands if not isinstance(item, Intent)]
    wanted += [item for intent in intents for item in from_intent(walk, intent)]
    asking = walk.asking
    if asking is not None and asking[1].force_slot_filling:
        wanted = [
            item
            for item in wanted
            if isinstance(item, WantPerson) or (isinstance(item, SetSlot) and item.name == asking[1].slot)
        ]
    if any(isinstance(item, CancelFlow) for item in wanted):
        _cancel(walk)
    starts = list(dict.fromkeys(item.flow for item in wanted if isinstance(item, StartFlow)))
    refused = [flow for flow in reversed(starts) if not _start(walk, flow)]
    corrected = _fill(walk, asking, [item for item in wanted if isinstance(item, SetSlot)])
    if refused and len(refused) == len(starts):
        _cannot_handle(walk, "not_allowed")
    for item in reversed(_once(wanted)):
        _repair(walk, asking, item)
    if corrected:
        _correct(walk, corrected)


# -- flows -------------------------------------------------------------------------------------------------------------


def _start(walk: Walk, id: str) -> bool:
    """Begin a flow, or go on with it where it waits. False: it must not be started now."""
    flow = walk.flows.get(id)
    if flow is None or not startable(walk, flow):
        return False
    _clear_repairs(walk)
    waiting = next((frame for frame in walk.open if frame.is_user and frame.flow.id == id), None)
    if waiting is None:
        walk.push(flow, "interrupt" if walk.process is not None else "regular")
    elif walk.process is not None and waiting not in walk.family(walk.process):
        walk.raise_(waiting)
    return True


def startable(walk: Walk, flow: Flow) -> bool:
    """Whether a customer may begin it just now."""
    return flow.startable and (flow.guard is None or flow.guard.holds(walk.slots))


def _clear_repairs(walk: Walk) -> None:
    """A repair that waits for a word (a confirmation, a choice) is over when something else begins."""
    while walk.top is not None and not walk.top.is_user:
        walk.drop(walk.top, "cancelled")


def _cancel(walk: Walk) -> None:
    _clear_repairs(walk)
    process = walk.process
    if process is None:
        walk.say("utter_nothing_to_cancel")
        return
    family = walk.family(process)
    walk.repair(
        "pattern_cancel_flow",
        canceled_name=family[0].flow.name,
        canceled_frames=[frame.id for frame in family],
        canceled_flow=family[0].flow.id,
    )


# -- slots -------------------------------------------------------------------------------------------------------------


def _fill(walk: Walk, asking: tuple[Open, Collect] | None, given: Sequence[SetSlot]) -> dict[str, Any]:
    """Fill slots; returns those that had another value in an open flow: what is to be corrected."""
    corrected: dict[str, Any] = {}
    for item in given:
        slot = walk.domain.slots.get(item.name)
        if slot is None:
            continue
        value = fitted(slot, item.value)
        is_asked = asking is not None and asking[1].slot == item.name
        if isinstance(value, Unfit):
            if is_asked:
                context = {"value": item.value, "choices": ", ".join(slot.values)}
                walk.say(value.template, context=context, outcome=Outcome.ASKED)
            continue
        before = walk.slots.get(item.name)
        if not is_asked and before is not None and before != value and _was_collected(walk, item.name):
            corrected[item.name] = value
        else:
            walk.set(item.name, value, "customer")
    return corrected


def _was_collected(walk: Walk, name: str) -> bool:
    return any(frame.is_user and frame.step and name in frame.flow.collects for frame in walk.open)


def _correct(walk: Walk, corrected: dict[str, Any]) -> None:
    told = ", ".join(f"{name.replace('_', ' ')}: {_shown(value)}" for name, value in corrected.items())
    walk.repair(
        "pattern_correction",
        corrected_slots=corrected,
        new_slot_values=list(corrected.values()),
        corrected=told,
        is_reset_only=all(value is None for value in corrected.values()),
    )


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


# -- repairs -----------------------------------------------------------------------------------------------------------


def _once(commands: Sequence[Command]) -> list[Command]:
    """The repairs, each once, small talk only where it is all there is; of the questions the first few."""
    found = list(dict.fromkeys(item for item in commands if not isinstance(item, StartFlow | SetSlot | CancelFlow)))
    talk = [item for item in found if isinstance(item, SmallTalk)]
    if len(talk) < len(found) or len(commands) > len(found):
        found = [item for item in found if item not in talk]
    asks = [item for item in found if isinstance(item, Ask)]
    rest = [item for item in found if not isinstance(item, Ask | SmallTalk)]
    return [*asks[:QUESTIONS], *talk[:1], *rest] if talk and talk[0] in found else [*asks[:QUESTIONS], *rest]


def _repair(walk: Walk, asking: tuple[Open, Collect] | None, command: Command) -> None:
    match command:
        case Ask(question):
            walk.repair("pattern_search", question=question)
        case SmallTalk(kind):
            walk.repair("pattern_chitchat", kind=kind)
        case WantPerson(reason):
            walk.repair("pattern_human_handoff", reason=reason)
        case Clarify(flows):
            known = [id for id in flows if id in walk.flows and startable(walk, walk.flows[id])]
            if known:
                walk.repair("pattern_clarification", names=known)
            else:
                _cannot_handle(walk, "default")
        case SkipQuestion() if asking is not None:
            walk.repair("pattern_skip_question", slot=asking[1].slot)
        case AskWhy() if asking is not None:
            frame, step = asking
            reason = step.description or walk.family(frame)[0].flow.name
            walk.repair("pattern_ask_why", slot=step.slot, reason=reason)
        case Repeat():
            walk.repair("pattern_repeat_bot_messages")
        case SkipQuestion() | AskWhy():
            _cannot_handle(walk, "default")
        case CannotHandle(reason):
            _cannot_handle(walk, reason)
        case _:
            return


def _cannot_handle(walk: Walk, reason: str) -> None:
    """Say so; once too often in a row, and a person is brought in."""
    if walk.state.failures + 1 >= walk.failures_in_a_row:
        walk.repair("pattern_human_handoff", reason="failures")
    else:
        walk.repair("pattern_cannot_handle", reason=reason)
