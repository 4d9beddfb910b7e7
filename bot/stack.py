"""The stack of open flows and the slots, folded from the events of business processes: a part of `bot.state`."""

from __future__ import annotations

import json
from typing import Any, Literal, Protocol

from bot.events import (
    NO_WORDS,
    Body,
    FlowEnded,
    FlowResumed,
    FlowStarted,
    LoopChanged,
    SessionStarted,
    SlotSet,
    StepTaken,
)
from bot.types import Plain, Words

Kind = Literal["regular", "interrupt", "link", "call", "pattern"]
Phase = Literal["", "asking", "asked", "validating", "running", "waiting", "called", "listening"]


class Frame(Plain):
    """A flow that is open. `step` "" : it has not begun. `context` is JSON, what a repair is about."""

    id: int
    flow: str
    step: str = ""
    phase: Phase = ""
    kind: Kind = "regular"
    context: Words = NO_WORDS


class Stacked(Protocol):
    """What of a State is changed here."""

    @property
    def slots(self) -> dict[str, Words]: ...
    @property
    def stack(self) -> tuple[Frame, ...]: ...
    @property
    def frames(self) -> int: ...
    @property
    def session(self) -> int: ...


EVENTS = frozenset([SlotSet, StepTaken, FlowStarted, FlowEnded, FlowResumed, SessionStarted, LoopChanged])
"""The events that change something here."""


def changes(state: Stacked, body: Body) -> dict[str, object]:  # noqa: PLR0911 - one case an event
    """What an event changes; nothing for the events of others."""
    match body:
        case SlotSet():
            return {"slots": {**state.slots, body.name: body.value}}
        case FlowStarted():
            frame = Frame(id=body.frame, flow=body.flow, kind=body.kind, context=body.context)
            at = max(0, len(state.stack) - body.below)
            return {"stack": (*state.stack[:at], frame, *state.stack[at:]), "frames": max(state.frames, body.frame)}
        case StepTaken():
            update = {"step": body.step, "phase": body.phase}
            return {"stack": tuple(_at(frame, body.frame, update) for frame in state.stack)}
        case FlowEnded():
            return {"stack": tuple(frame for frame in state.stack if frame.id != body.frame)}
        case FlowResumed():
            return {"stack": raised(state.stack, body.frame)}
        case SessionStarted():
            kept: dict[str, object] = {} if body.keep else {"slots": {}}
            return {"stack": (), "loop": None, "session": state.session + 1, **kept}
        case LoopChanged():
            return {"loop": body.name}
        case _:
            return {}


def raised(stack: tuple[Frame, ...], frame: int) -> tuple[Frame, ...]:
    """The stack with this frame, and what it has called, on top."""
    start = next((at for at, item in enumerate(stack) if item.id == frame), None)
    if start is None:
        return stack
    end = start + 1
    while end < len(stack) and stack[end].kind == "call":
        end += 1
    return (*stack[:start], *stack[end:], *stack[start:end])


def encoded(value: Any) -> Words:
    """A value as it is stored: JSON, erasable."""
    return Words(text=json.dumps(value, ensure_ascii=False, default=str))


def decoded(words: Words) -> Any:
    """The value that was stored; None where it was erased."""
    return None if words.text is None else json.loads(words.text)


def _at(frame: Frame, id: int, update: dict[str, Any]) -> Frame:
    return frame.model_copy(update=update) if frame.id == id else frame
