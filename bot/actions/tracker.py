"""A conversation in Rasa's shape: what an action is shown as its `tracker`.

Source: `rasa_sdk.interfaces.Tracker.from_dict` and the events of `rasa_sdk.events` (3.21). Keys that it does not know
are dropped there, so what is ours travels in `latest_message.metadata`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.events import (
    ActionRan,
    Commanded,
    Event,
    FlowEnded,
    FlowResumed,
    FlowStarted,
    HandedOver,
    LoopChanged,
    Received,
    Returned,
    Rewound,
    Sent,
    SessionStarted,
    SlotSet,
    Started,
    Understood,
)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LatestMessage:
    """What the customer said last, and what was understood. `entities` and `commands` have Rasa's keys; `guess` is the
    intent that comes second, where the message was like none.
    """

    text: str = ""
    message_id: str = ""
    intent: str | None = None
    confidence: float = 0.0
    entities: Sequence[Json] = ()
    commands: Sequence[Json] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    guess: str = ""


@dataclass(frozen=True, slots=True)
class TrackerView:
    """A conversation as an action sees it.

    `sender` is the platform's id of the customer (Rasa's `sender_id`), `user_id` the person's in the store. `events`
    are Rasa's, oldest first (`rasa_events`); `stack` the open flows, the top last; `loop` the open form's name.
    """

    sender: str
    slots: Mapping[str, Any] = field(default_factory=dict)
    latest: LatestMessage = field(default_factory=LatestMessage)
    events: Sequence[Json] = ()
    channel: str = ""
    paused: bool = False
    followup: str | None = None
    loop: str | None = None
    loop_interrupted: bool = False
    last_action: str | None = None
    stack: Sequence[Json] = ()
    user_id: str | None = None


def tracker(view: TrackerView, *, key: str = "") -> Json:
    """The tracker's JSON. `key` is the call's idempotency key."""
    return {
        "sender_id": view.sender,
        "slots": dict(view.slots),
        "latest_message": _latest(view.latest, key),
        "latest_event_time": view.events[-1].get("timestamp", 0) if view.events else 0,
        "paused": view.paused,
        "followup_action": view.followup,
        "events": [dict(event) for event in view.events],
        "latest_input_channel": view.channel,
        "active_loop": _loop(view),
        "latest_action_name": view.last_action,
        "stack": [dict(frame) for frame in view.stack],
        "user_id": view.user_id,
    }


def idempotency_key(message: str, step: str, action: str, arguments: Mapping[str, Any]) -> str:
    """The same for the same action at the same step of the same message with the same arguments, and for nothing else.

    `message` is the message's or trigger's id, `arguments` what the action depends on (the slots). 40 hex digits.
    """
    said = json.dumps([message, step, action, arguments], sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(said.encode()).hexdigest()[:40]


def digest(domain: Mapping[str, Any]) -> str:
    """The name of this very domain: equal domains have equal ones."""
    said = json.dumps(domain, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(said.encode()).hexdigest()


def _latest(message: LatestMessage, key: str) -> Json:
    intent = {"name": message.intent, "confidence": message.confidence}
    ranking = [intent] if message.intent else []
    if message.guess:
        ranking.append({"name": message.guess, "confidence": 1.0 - message.confidence})
    metadata = dict(message.metadata)
    return {
        "text": message.text,
        "intent": intent,
        "intent_ranking": ranking,
        "entities": [dict(entity) for entity in message.entities],
        "commands": [dict(command) for command in message.commands],
        "message_id": message.message_id,
        "metadata": {**metadata, "idempotency_key": key} if key else metadata,
    }


def _loop(view: TrackerView) -> Json:
    if view.loop is None:
        return {}
    return {"name": view.loop, "is_interrupted": view.loop_interrupted, "rejected": False}


# -- our events as Rasa's ----------------------------------------------------------------------------------------------


def rasa_events(events: Iterable[Event]) -> list[Json]:
    """What happened, as Rasa tells it: who said what and when, slots, flows, actions, who has the word.

    Erased words are an empty text, an erased slot has none. What Rasa has no event for (deliveries, labels, the audit
    trail) is left out. What was understood stands with the message, in `parse_data.commands`.
    """
    channel = ""
    told: list[Json] = []
    for event in events:
        if isinstance(event.body, Started):
            channel = event.body.channel
        if isinstance(event.body, Commanded):
            _understood(told, event.body)
        told += [{**made, "timestamp": event.time.timestamp()} for made in _rasa(event, channel)]
    return told


def _rasa(event: Event, channel: str) -> list[Json]:  # noqa: PLR0911, PLR0912 - one case an event
    match event.body:
        case SessionStarted():
            return [{"event": "session_started"}]
        case Received() as body:
            return [_user(body.text.text or "", body.message_id, channel)]
        case Understood(kind="transcript") as body if body.text.text:
            return [_user(body.text.text, body.message_id, channel)]
        case Sent() as body if event.actor.kind == "agent":
            return [{"event": "agent", "text": body.text.text or "", "data": {}}]
        case Sent() as body:
            metadata = {"utter_action": body.template} if body.template else {}
            said = {"event": "bot", "text": body.text.text or "", "data": _said(body), "metadata": metadata}
            return [_ran(body.template), said] if body.template else [said]
        case SlotSet() as body:
            return [{"event": "slot", "name": body.name, "value": json.loads(body.value.text or "null")}]
        case ActionRan(ok=True) as body:  # what a response says is told by Sent
            return [] if body.inner or body.name.startswith("utter_") else [_ran(body.name)]
        case ActionRan() as body:
            return [{**_ran(body.name), "event": "action_execution_rejected"}]
        case FlowStarted() as body:
            return [{"event": "flow_started", "flow_id": body.flow}]
        case FlowResumed() as body:
            return [{"event": "flow_resumed", "flow_id": body.flow}]
        case FlowEnded() as body:
            kind = "flow_completed" if body.outcome in ("completed", "linked") else "flow_cancelled"
            return [{"event": kind, "flow_id": body.flow, "step_id": body.step}]
        case LoopChanged() as body:
            return [{"event": "active_loop", "name": body.name}]
        case Rewound():
            return [{"event": "rewind"}]
        case HandedOver():
            return [{"event": "pause"}]
        case Returned():
            return [{"event": "resume"}]
        case _:
            return []


def _ran(name: str) -> Json:
    return {"event": "action", "name": name, "policy": None, "confidence": None}


def _understood(told: list[Json], body: Commanded) -> None:
    """Put the commands into the message that they were made of, which is the last one."""
    for event in reversed(told):
        if event["event"] == "user":
            event["parse_data"]["commands"] = json.loads(body.commands.text or "[]")
            return


def _user(text: str, message_id: str, channel: str) -> Json:
    parse_data = _latest(LatestMessage(text=text, message_id=message_id), "")
    return {
        "event": "user",
        "text": text,
        "parse_data": parse_data,
        "input_channel": channel,
        "message_id": message_id,
        "metadata": {},
    }


def _said(body: Sent) -> Json:
    buttons = [{"title": button.title, "payload": button.payload} for button in body.buttons]
    return {"elements": None, "quick_replies": None, "buttons": buttons or None, "attachment": None, "image": None}
