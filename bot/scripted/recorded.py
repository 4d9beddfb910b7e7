"""A conversation that took place, as a test case: what the customer said, and what the bot said and did."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from bot.errors import ConfigError
from bot.events import (
    ActionRan,
    ApprovalDecided,
    Event,
    FlowEnded,
    FlowStarted,
    Received,
    Returned,
    Sent,
    SessionStarted,
    SlotSet,
    TurnEnded,
    Understood,
)
from bot.stack import decoded

FIXTURE = "as_it_was"


def recorded(name: str, events: Sequence[Event]) -> str:
    """YAML with one test case that passes when the bot is as it was.

    It covers the last session, with the slots that were carried over into it as a fixture, up to where a person said
    something or decided: nobody does in a test. What an action found out is asserted by the slot's name alone, since
    another day it finds another thing. Raises ConfigError where there is nothing to replay.
    """
    steps: list[dict[str, Any]] = []
    kept: dict[str, Any] = {}
    slots: dict[str, Any] = {}
    for turn in _turns(events):
        if any(_by_a_person(event) for event in turn):
            break
        began = next((event.body for event in turn if isinstance(event.body, SessionStarted)), None)
        if began is not None:
            kept = dict(slots) if began.keep else {}
            slots, steps = dict(kept), []
        slots |= {event.body.name: decoded(event.body.value) for event in turn if isinstance(event.body, SlotSet)}
        said = _said(turn)
        if said:
            assertions = list(_assertions(turn))
            steps.append({"user": said, **({"assertions": assertions} if assertions else {})})
    if not steps:
        raise ConfigError(f"in {name} a customer said nothing to the bot that could be said again")
    fixture = {slot: value for slot, value in kept.items() if value is not None}
    case: dict[str, Any] = {"test_case": f"conversation {name}"}
    content: dict[str, Any] = {}
    if fixture:
        content["fixtures"] = [{FIXTURE: [{slot: value} for slot, value in fixture.items()]}]
        case["fixtures"] = [FIXTURE]
    content["test_cases"] = [{**case, "steps": steps}]
    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110))


def _turns(events: Iterable[Event]) -> Iterable[list[Event]]:
    turn: list[Event] = []
    for event in events:
        turn.append(event)
        if isinstance(event.body, TurnEnded):
            yield turn
            turn = []


def _by_a_person(event: Event) -> bool:
    return isinstance(event.body, ApprovalDecided | Returned) or (
        isinstance(event.body, Sent) and event.actor.kind == "agent"
    )


def _said(turn: Sequence[Event]) -> str:
    """What the customer said in a turn: a payload, the text, or what was heard in a recording."""
    parts: list[str] = []
    for event in turn:
        match event.body:
            case Received(payload=str(payload)) if payload:
                return payload
            case Received(text=text) | Understood(text=text, kind="transcript"):
                if text.text is None:
                    raise ConfigError("what the customer wrote was erased: there is nothing left to replay")
                parts.append(text.text)
            case _:
                pass
    return "\n".join(part for part in parts if part.strip())


def _assertions(turn: Sequence[Event]) -> Iterable[Mapping[str, Any]]:
    for event in turn:
        match event.body:
            case FlowStarted(flow=flow, kind=kind) if kind != "pattern":
                yield {"flow_started": flow}
            case FlowEnded(flow=flow, outcome="completed") if not flow.startswith("pattern_"):
                yield {"flow_completed": {"flow_id": flow}}
            case FlowEnded(flow=flow, outcome="cancelled", step=step):
                yield {"flow_cancelled": {"flow_id": flow, **({"flow_step_id": step} if step else {})}}
            case ActionRan(name=action, ok=True):
                yield {"action_executed": action}
            case SlotSet(name=slot, value=value, by=by) if by != "reset" and decoded(value) is not None:
                found = {} if by == "action" else {"value": decoded(value)}
                yield {"slot_was_set": [{"name": slot, **found}]}
            case Sent(template=str(template)) if event.actor.kind == "bot":
                yield {"bot_uttered": {"utter_name": template}}
            case Sent(text=text, citations=()) if event.actor.kind == "bot" and text.text:
                yield {"bot_uttered": {"text_matches": re.escape(text.text)}}
            case _:
                pass
