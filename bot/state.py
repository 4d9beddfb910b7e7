"""What is known of a conversation: the fold of its events, and the only thing that changes one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from typing import Literal

from pydantic import Field

from bot import stack
from bot.events import (
    ActionRan,
    ApprovalAsked,
    ApprovalDecided,
    ContactChanged,
    Deleted,
    Edited,
    Erased,
    Event,
    Guarded,
    HandedOver,
    LabelsChanged,
    LanguageSet,
    Received,
    Reopened,
    Resolved,
    Returned,
    Sent,
    Started,
    TurnEnded,
    Understood,
)
from bot.stack import Frame
from bot.types import Button, Outcome, Plain, Words

HISTORY = 30
"""How many lines of the conversation a State remembers; older ones stay in the events."""


class Line(Plain):
    """One thing that was said. `id` is the message's or reply's id; `template` names what the bot says by rote."""

    id: str
    role: Literal["customer", "bot", "agent"]
    text: Words
    template: str | None = None


class Owed(Plain):
    """An approval that was asked for. `granted` is None until somebody decides."""

    asked: ApprovalAsked
    granted: bool | None = None


class State(Plain):
    """A conversation at one moment. `version` is the sequence number of the last event folded into it.

    `offered` are the buttons whose payloads are honoured, `choices` those of the newest reply. `slots` hold JSON; one
    that is not there has its initial value. `stack` are the open flows, the one that runs last; `frames` is the number
    of the newest frame ever. `loop` is the open form of a bot with intents. `heard` is when the customer last wrote,
    `session` how many sessions there were. `approvals` are those that were asked for and are not acted upon.
    """

    conversation: str
    version: int = 0
    channel: str = ""
    account: str = ""
    identity: str = ""
    bot: str = ""
    language: str | None = None
    status: Literal["open", "pending", "snoozed", "resolved"] = "pending"
    owner: Literal["bot", "people"] = "bot"
    priority: Literal["low", "medium", "high", "urgent"] = "medium"
    reason: str | None = None
    history: tuple[Line, ...] = ()
    offered: tuple[Button, ...] = ()
    choices: tuple[Button, ...] = ()
    turns: int = 0
    failures: int = 0
    strikes: int = 0
    last_outcome: Outcome | None = None
    contact: dict[str, Words] = Field(default_factory=dict)
    verified: bool = False
    labels: tuple[str, ...] = ()
    slots: dict[str, Words] = Field(default_factory=dict)
    stack: tuple[Frame, ...] = ()
    frames: int = 0
    loop: str | None = None
    session: int = 0
    heard: datetime | None = None
    approvals: tuple[Owed, ...] = ()


def fold(state: State, events: Iterable[Event]) -> State:
    """The state after these events, in order. Events that were folded already are skipped."""
    return reduce(apply, events, state)


def apply(state: State, event: Event) -> State:
    """The state after one event. An event at or below the state's version changes nothing."""
    if event.sequence and event.sequence <= state.version:
        return state
    changes = _changes(state, event)
    if event.sequence:
        changes["version"] = event.sequence
    return state.model_copy(update=changes)


def _changes(state: State, event: Event) -> dict[str, object]:  # noqa: PLR0911, PLR0912 - one case an event
    if type(event.body) in stack.EVENTS:  # most events are; a model class that does not match costs a microsecond
        return stack.changes(state, event.body)
    match event.body:
        case Started() as body:
            return {
                "channel": body.channel,
                "account": body.account,
                "identity": body.identity,
                "bot": body.bot,
                "language": body.language,
            }
        case Received() as body:
            return _said(state, Line(id=body.message_id, role="customer", text=body.text)) | {"heard": event.time}
        case Understood() as body:
            return _heard(state, body)
        case Sent() as body:
            if event.actor.kind == "customer":
                return {}
            role: Literal["agent", "bot"] = "agent" if event.actor.kind == "agent" else "bot"
            line = Line(id=body.reply_id, role=role, text=body.text, template=body.template)
            return _said(state, line) | {"offered": _offered(state, body.buttons), "choices": body.buttons}
        case TurnEnded() as body:
            return _ended(state, body)
        case LanguageSet() as body:
            return {"language": body.language}
        case Guarded() as body:
            return {"strikes": state.strikes + 1} if body.strike else {}
        case HandedOver() as body:
            return {"owner": "people", "status": "open", "reason": body.reason, "priority": body.priority}
        case Returned():
            return {"owner": "bot", "status": "pending", "failures": 0, "strikes": 0, "reason": None}
        case Resolved():
            return {"owner": "bot", "status": "resolved", "failures": 0, "strikes": 0, "reason": None}
        case Reopened() as body:
            return {"owner": body.to, "status": "open" if body.to == "people" else "pending"}
        case ContactChanged() as body:
            kept = {key: value for key, value in state.contact.items() if key not in body.fields}
            kept |= {key: value for key, value in body.fields.items() if value is not None}
            return {"contact": kept, "verified": state.verified or body.verified}
        case LabelsChanged() as body:
            kept_labels = [label for label in state.labels if label not in body.removed]
            return {"labels": tuple(dict.fromkeys([*kept_labels, *body.added]))}
        case ApprovalAsked() as body:
            others = (each for each in state.approvals if each.asked.step != body.step)
            return {"approvals": (*others, Owed(asked=body))}
        case ApprovalDecided() as body:
            decided = {"granted": body.granted}
            owed = (each.model_copy(update=decided) if each.asked.id == body.id else each for each in state.approvals)
            return {"approvals": tuple(owed)}
        case ActionRan() as body:
            left = (each for each in state.approvals if each.granted is None or each.asked.action != body.name)
            return {"approvals": tuple(left)}
        case Edited() as body:
            return _replaced(state, body.message_id, body.text)
        case Deleted() as body:
            return {"history": tuple(line for line in state.history if line.id != body.message_id)}
        case Erased() as body:
            return _erased(state, frozenset(body.refs))
        case _:
            return {}


def _said(state: State, line: Line) -> dict[str, object]:
    return {"history": (*state.history, line)[-HISTORY:]}


def _heard(state: State, body: Understood) -> dict[str, object]:
    """A transcript is what the customer said; a caption is told in brackets behind it. An erased one keeps its line."""
    erased = body.text.text is None and body.note is None
    if not body.text.text and not erased:
        return {}
    line = Line(id=body.attachment, role="customer", text=body.text)
    return _said(state, line)


def _offered(state: State, buttons: tuple[Button, ...]) -> tuple[Button, ...]:
    """Payloads are honoured when the bot offered them in this conversation; the newest fifty are remembered."""
    merged = {button.payload: button for button in (*state.offered, *buttons)}
    return tuple(merged.values())[-50:]


def _ended(state: State, body: TurnEnded) -> dict[str, object]:
    failed = body.outcome in (Outcome.ABSTAINED, Outcome.FAILED)
    kept = body.outcome in (Outcome.SILENT, Outcome.BLOCKED)
    failures = state.failures + 1 if failed else state.failures if kept else 0
    return {"turns": state.turns + 1, "failures": failures, "last_outcome": body.outcome}


def _replaced(state: State, message_id: str, text: Words) -> dict[str, object]:
    history = tuple(line.model_copy(update={"text": text}) if line.id == message_id else line for line in state.history)
    return {"history": history}


def _erased(state: State, refs: frozenset[str]) -> dict[str, object]:
    def gone(words: Words) -> Words:
        return words.model_copy(update={"text": None}) if words.ref in refs else words

    history = tuple(line.model_copy(update={"text": gone(line.text)}) for line in state.history)
    contact = {key: gone(value) for key, value in state.contact.items()}
    slots = {key: gone(value) for key, value in state.slots.items()}
    frames = tuple(frame.model_copy(update={"context": gone(frame.context)}) for frame in state.stack)
    return {"history": history, "contact": contact, "slots": slots, "stack": frames}
