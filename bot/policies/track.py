"""A conversation, a rule or a story as moments: what holds each time that the bot decides what to do.

A form's own turns count once: while it asks and is answered, nothing else happens (as Rasa's tracker has it).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.events import ActionRan, Commanded, Event, LoopChanged, Rewound, SessionStarted, SlotSet
from bot.flows.model import Slot
from bot.flows.story import ANY_VALUE, Beat, Mention
from bot.stack import decoded

LISTEN = "action_listen"
SNIPPET = "..."
"""What came before a rule, whatever it was."""
REJECTED = "rejected"
"""`ActionRan.error` of a form that would not run."""


class _Unsaid:
    def __repr__(self) -> str:
        return "unsaid"


UNSAID = _Unsaid()
"""Of a rule that says nothing about forms."""


@dataclass(frozen=True, slots=True)
class Moment:
    """`action` is what was done last (None: nothing yet), `user` what the customer meant last. `slots` are those that
    influence the conversation; of a rule or a story those that it names, with None for one that must be empty.
    """

    action: str | None
    user: Beat | None
    loop: str | _Unsaid | None
    slots: Mapping[str, Any]

    @property
    def said(self) -> int:
        """How much is said about it: of two rules that fit, the one that says more is meant."""
        user = 0 if self.user is None else 1 + len(self.user.entities)
        return 1 + user + (self.loop is not UNSAID) + len(self.slots)


Decisions = list[tuple[Moment, str]]
"""Each moment with the action that was chosen in it."""


def beats(events: Iterable[Event]) -> list[Beat]:
    """What of a conversation's events rules and stories speak of."""
    return [beat for event in events for beat in _beats(event)]


def _beats(event: Event) -> list[Beat]:  # noqa: PLR0911 - one case an event
    match event.body:
        case SessionStarted(keep=keep):
            return [Beat("start", value=keep)]
        case Commanded(commands=words):
            return _heard(json.loads(words.text or "[]"))
        case SlotSet(name=name, value=value):
            return [Beat("slot", name, decoded(value))]
        case LoopChanged(name=form):
            return [Beat("loop", form)]
        case ActionRan(name=name, ok=True, inner=False):
            return [Beat("action", name)]
        case ActionRan(name=name, error="rejected", inner=False):
            return [Beat("rejected", name)]
        case Rewound():
            return [Beat("rewound")]
        case _:
            return []


def _heard(commands: Sequence[Mapping[str, Any]]) -> list[Beat]:
    intents = [item for item in commands if item.get("command") == "Intent"]
    found = []
    for item in intents:
        mentions = tuple(
            Mention(str(each.get("entity")), str(each.get("value")), each.get("role"), each.get("group"))
            for each in item.get("entities") or ()
        )
        found.append(Beat("user", str(item.get("name")), entities=mentions, text=item.get("text")))
    slots = any(item.get("command") == "SetSlot" for item in commands)
    return found or ([Beat("user")] if slots else [])


def applied(given: Sequence[Beat]) -> list[Beat]:
    """The beats that count: without what was taken back, and without a form's own turns."""
    loops = {beat.name for beat in given if beat.kind == "loop" and beat.name is not None}
    done: list[Beat] = []
    for beat in given:
        match beat.kind:
            case "start":
                done = [item for item in done if item.kind == "slot"] if beat.value else []
            case "rewound":
                _cut(done, "user")
            case "undone":
                _cut(done, "action")
            case "action" if beat.name in loops and not _begins_or_interrupted(str(beat.name), done):
                _forget_turns(str(beat.name), done)
            case _:
                done.append(beat)
    return done


def _cut(done: list[Beat], kind: str) -> None:
    while done and done.pop().kind != kind:
        pass


def _begins_or_interrupted(form: str, done: Sequence[Beat]) -> bool:
    """Whether a form runs for the first time, or again after something else."""
    following: str | None = None
    for beat in reversed(done):
        if beat.kind == "loop" and beat.name is None:
            return True
        if beat.kind == "rejected" and beat.name == form:
            return True
        if beat.kind == "user" and following is not None and following != form:
            return True
        if beat.kind == "action":
            if beat.name == form:
                return False
            following = beat.name
    return True


def _forget_turns(form: str, done: list[Beat]) -> None:
    """Drop what was said and done since the form ran last; what slots hold stays."""
    at = len(done) - 1
    while at >= 0 and not (done[at].kind == "action" and done[at].name == form):
        if done[at].kind in ("action", "user"):
            del done[at]
        at -= 1


def decisions(
    given: Iterable[Beat],
    slots: Mapping[str, Slot],
    *,
    begin: str | None = None,
    loop: str | _Unsaid | None = None,
    held: Mapping[str, Any] | None = None,
) -> tuple[Decisions, Moment]:
    """The moments behind these beats, and the one that they lead to. `begin` is the action before the first of them,
    `held` what slots hold there (as `feature` has it). Before each thing that the customer says, the bot listened.
    """
    made: Decisions = []
    now = Moment(begin, None, loop, dict(held or {}))
    for beat in given:
        match beat.kind:
            case "user":
                if now.action != LISTEN:
                    made.append((now, LISTEN))
                now = Moment(LISTEN, beat, now.loop, now.slots)
            case "action" if beat.name is not None:
                made.append((now, beat.name))
                now = Moment(beat.name, now.user, now.loop, now.slots)
            case "loop":
                now = Moment(now.action, now.user, beat.name, now.slots)
            case "slot" if beat.name is not None:
                slot = slots.get(beat.name)
                if slot is not None and slot.type != "any" and slot.influence_conversation:
                    now = Moment(now.action, now.user, now.loop, {**now.slots, beat.name: feature(slot, beat.value)})
            case _:
                pass
    return made, now


def feature(slot: Slot, value: Any) -> Any:
    """What of a slot's value rules and stories look at: of texts and lists only whether there is one."""
    if value is None or value is ANY_VALUE:
        return value
    match slot.type:
        case "text" | "list":
            return ANY_VALUE if value not in ("", []) else None
        case "categorical":
            return str(value).casefold()
        case "float":
            return float(value) if isinstance(value, int | float) else ANY_VALUE
        case _:
            return value


def fits(wanted: Moment, found: Moment, *, strict: bool = False) -> bool:
    """Whether a moment of a conversation is as a rule or a story says. `strict`: what is not said of forms is that none
    is open."""
    if wanted.action != found.action:
        return False
    if wanted.user is not None and not _meant(wanted.user, found.user):
        return False
    loop = None if strict and wanted.loop is UNSAID else wanted.loop
    if loop is not UNSAID and loop != found.loop:
        return False
    return all(_holds(value, found.slots.get(name)) for name, value in wanted.slots.items())


def _meant(wanted: Beat, found: Beat | None) -> bool:
    if found is None:
        return False
    if wanted.name is None:
        return wanted.text is None or (found.text or "").strip().casefold() == wanted.text.casefold()
    if found.name is None or wanted.name not in (found.name, found.name.partition("/")[0]):
        return False
    return all(any(_same(each, other) for other in found.entities) for each in wanted.entities)


def _same(wanted: Mention, found: Mention) -> bool:
    pairs = (
        (wanted.role, found.role),
        (wanted.group, found.group),
    )
    return wanted.entity == found.entity and all(one is None or one == other for one, other in pairs)


def _holds(wanted: Any, found: Any) -> bool:
    return found is not None if wanted is ANY_VALUE else wanted == found
