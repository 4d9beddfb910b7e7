"""Runs one action of a bot's own in a turn, and does to the conversation what it asks for."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bot import results
from bot.actions.base import ActionCall, Actions
from bot.actions.tracker import LatestMessage, TrackerView, digest, idempotency_key, rasa_events, tracker
from bot.errors import ActionError, ActionRejected
from bot.events import (
    ActionRan,
    ApprovalAsked,
    Event,
    HandedOver,
    LoopChanged,
    Resolved,
    Returned,
    Rewound,
    SessionStarted,
    SlotSet,
    StepTaken,
)
from bot.flows.load import Loaded
from bot.flows.model import Slot
from bot.machine.values import Unfit, fitted
from bot.machine.walk import values
from bot.record import Record
from bot.results import ActionEvent, ActionResponse, ActionResult
from bot.rules import NO_RULES, NOT_APPROVED, Approve, Deny, Person, Rules, Verdict, check
from bot.stack import encoded
from bot.types import Button, Outcome, Reply

log = logging.getLogger(__name__)

Run = Callable[[str], Awaitable[list[Event]]]
"""The events of a conversation that are stored, by its id."""

REFUSED = "refused"
"""What `Running.run` gives back where the rules, or a person, say no."""

FOLLOWUPS = 5
"""So many actions may follow each other by name before that counts as going in circles."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What an action is shown besides: the intent of the message, the form that is at work, and the values that it is
    to look at (`candidates`: they stand last among the tracker's events). `inner`: it is run as a part of a form.
    `guess` is the intent that a message was most like of which none was understood.
    """

    intent: str | None = None
    confidence: float = 0.0
    entities: Sequence[dict[str, Any]] = ()
    loop: str | None = None
    candidates: Mapping[str, Any] = field(default_factory=dict)
    inner: bool = False
    guess: str = ""


NOTHING_HEARD = Heard()


@dataclass(frozen=True, slots=True)
class Done:
    """How an action came out. `failed`: why it was not done; `followup`: the action that is to follow."""

    failed: str | None = None
    followup: str | None = None
    rejected: bool = False
    events: Sequence[ActionEvent] = ()


class Running:
    """See the module's docstring. `events` reads what was stored of a conversation, for the tracker. `rules` are asked
    before every action.
    """

    def __init__(
        self, bot: Loaded, actions: Actions | None, events: Run | None = None, rules: Rules = NO_RULES
    ) -> None:
        self._rules = rules
        self._bot = bot
        self._actions = actions
        self._events = events
        self._domain = bot.domain.raw
        self._digest = digest(self._domain)

    async def run(
        self, record: Record, name: str, step: str, *, approved: ApprovalAsked | Literal[False] | None = None
    ) -> str | None:
        """Carry the action out, with those that it names to follow. Returns why it could not be done; None: it was, or
        it waits for a person (the frame on top says so). `approved` is what a person said yes to; False: they said no.
        """
        for number in range(FOLLOWUPS):
            verdict = self._verdict(record, name, step, approved)
            if isinstance(verdict, Approve):
                self._wait(record, name, step, verdict)
                return None
            done = await self.once(record, name, f"{step}#{number}", verdict=verdict)
            if done.failed is not None:
                return done.failed
            followup = done.followup
            if followup is None or followup == "action_listen":
                return None
            if followup.startswith("utter_") and followup in self._bot.domain.responses:
                self._say(record, ActionResponse(response=followup))
                return None
            name = followup
        return "too_many_followups"

    async def once(
        self,
        record: Record,
        name: str,
        step: str,
        *,
        verdict: Verdict | None = None,
        heard: Heard = NOTHING_HEARD,
    ) -> Done:
        """Carry the action out, and nothing that is to follow it. `heard` is what the tracker shows of the message."""
        verdict = verdict or self._verdict(record, name, step, None)
        if isinstance(verdict, Deny):
            self._refuse(record, name, verdict)
            return Done(REFUSED)
        try:
            result = await self.ask(record, name, step, heard)
        except ActionRejected:
            record.add(ActionRan(name=name, ok=False, error="rejected"))
            return Done("action_failed", rejected=True)
        except ActionError as error:
            self.broke(record, name, error)
            return Done("action_failed")
        record.add(ActionRan(name=name, inner=heard.inner))
        return Done(None, self.apply(record, result), events=result.events)

    def broke(self, record: Record, name: str, error: ActionError) -> None:
        """Write down that an action did not do its work."""
        log.error("action %s in %s: %s", name, record.state.conversation, type(error).__name__)
        record.add(ActionRan(name=name, ok=False, error=type(error).__name__))

    def _refuse(self, record: Record, name: str, verdict: Deny) -> None:
        """Write down that the action is not done, and tell the customer."""
        log.warning("action %s in %s is refused: %s", name, record.state.conversation, verdict.reason)
        record.add(ActionRan(name=name, ok=False, error=REFUSED))
        self._say(record, ActionResponse(response=verdict.utter))

    def _verdict(
        self, record: Record, name: str, step: str, approved: ApprovalAsked | Literal[False] | None
    ) -> Verdict:
        if approved is False:
            return Deny("a person said no", NOT_APPROVED)
        state, slots = record.state, values(self._bot, record.state)
        person = Person(state.verified, state.channel, record.language, state.labels)
        granted = approved is not None and approved.key == _call_key(name, step, slots, approved.slots)
        verdict = check(self._rules, name, slots, person, approved=granted)
        frame = state.stack[-1] if state.stack else None
        if isinstance(verdict, Approve) and (frame is None or frame.phase != "running"):
            return Deny(f"{verdict.reason} (only an action that is a step of its own can wait for approval)")
        return verdict

    def _wait(self, record: Record, name: str, step: str, verdict: Approve) -> None:
        frame, slots = record.state.stack[-1], values(self._bot, record.state)
        flow = self._bot.processes.flows.get(frame.flow)
        told = {slot for slot, value in slots.items() if value is not None}
        names = tuple(sorted(told.union(flow.collects if flow is not None else ())))
        key = _call_key(name, step, slots, names)
        record.add(StepTaken(frame=frame.id, step=frame.step, phase="waiting"))
        asked = ApprovalAsked(action=name, step=step, queue=verdict.by, reason=verdict.reason, key=key, slots=names)
        record.add(asked)
        self._say(record, ActionResponse(response=verdict.utter))

    async def ask(self, record: Record, name: str, step: str, heard: Heard = NOTHING_HEARD) -> ActionResult:
        """What the action gives back; nothing is done about it. Raises ActionError."""
        if self._actions is None:
            raise ActionError(name, "this bot has neither an 'actions' package nor an action server")
        slots = {**values(self._bot, record.state), **heard.candidates}
        work = record.claim.trigger
        message = work.messages[-1] if work.messages else None
        identity = message.id if message is not None else work.id
        stored = await self._events(record.state.conversation) if self._events is not None else []
        view = TrackerView(
            sender=message.sender if message is not None else record.state.identity,
            slots=slots,
            latest=LatestMessage(
                text=message.text if message is not None else "",
                message_id=identity,
                intent=heard.intent,
                confidence=heard.confidence,
                guess=heard.guess,
                entities=heard.entities,
                metadata=message.metadata if message is not None else {},
            ),
            events=[
                *rasa_events([*stored, *record.events]),
                *({"event": "slot", "name": slot, "value": value} for slot, value in heard.candidates.items()),
            ],
            loop=heard.loop or record.state.loop,
            channel=record.state.channel,
            paused=record.state.owner == "people",
            stack=[
                {"frame_id": str(frame.id), "flow_id": frame.flow, "step_id": frame.step, "frame_type": frame.kind}
                for frame in record.state.stack
            ],
            last_action=next((e.body.name for e in reversed(record.events) if isinstance(e.body, ActionRan)), None),
        )
        key = idempotency_key(identity, step, name, slots)
        repeatable = self._rules.may_repeat(name)
        call = ActionCall(name, tracker(view, key=key), self._domain, self._digest, key, repeatable)
        return await self._actions.run(call)

    def apply(self, record: Record, result: ActionResult) -> str | None:  # noqa: PLR0912 - one case an event
        """Do what the events say and say what the responses say; returns the action that is to follow."""
        for problem in result.problems:
            log.warning("action: %s", problem)
        followup: str | None = None
        for event in result.events:
            match event:
                case results.SlotWasSet(name, value):
                    self._set(record, name, value)
                case results.SlotsReset():
                    for slot in self._bot.domain.slots.values():
                        self._set(record, slot.name, slot.initial_value)
                case results.Followup(name):
                    followup = name
                case results.Paused():
                    record.add(HandedOver(reason="asked"))
                    record.outcome = Outcome.HANDED_OVER
                case results.Resumed():
                    record.add(Returned())
                case results.Restarted():
                    record.add(SessionStarted(keep=False))
                case results.SessionStarted():
                    record.add(SessionStarted(keep=self._bot.domain.session.carry_over_slots))
                case results.SessionEnded():
                    record.add(Resolved())
                case results.ActionRan(name):
                    record.add(ActionRan(name=name))
                case results.ActionWasRejected(name):
                    record.add(ActionRan(name=name, ok=False, error="rejected"))
                case results.LoopActivated(name):
                    record.add(LoopChanged(name=name))
                case results.Rewound():
                    record.add(Rewound())
                case results.Exported():
                    pass  # a mark for whoever reads an action's events; it changes nothing
                case other:
                    log.warning("an action's event %s changes nothing here", type(other).__name__)
        for response in result.responses:
            self._say(record, response)
        return followup

    def _set(self, record: Record, name: str, value: Any) -> None:
        slot = self._bot.domain.slots.get(name)
        if slot is None and name != "requested_slot":
            log.warning("an action set the slot %r, which the domain does not have", name)
            return
        record.add(SlotSet(name=name, value=encoded(_typed(slot, value)), by="action"))

    def _say(self, record: Record, response: ActionResponse) -> None:
        domain, state = self._bot.domain, record.loaded
        slots = values(self._bot, record.state)
        buttons = tuple(
            Button(title=str(item.get("title", "")), payload=str(item.get("payload") or item.get("title", "")))
            for item in response.buttons
        )
        if response.response is not None and response.response in domain.responses:
            reply = domain.say(
                response.response,
                record.language,
                seed=state.turns,
                channel=state.channel,
                slots={**slots, **response.values},
            )
        elif response.response is not None:
            log.warning("an action says %r, which the domain does not have", response.response)
            return
        else:
            reply = Reply(text=response.text or "", language=record.language)
        parts = [reply.text, *(_element(item) for item in response.elements)]
        parts += [f"![]({response.image})"] if response.image else []
        parts += [str(response.attachment)] if isinstance(response.attachment, str) else []
        text = "\n\n".join(part for part in parts if part)
        if text or buttons or reply.buttons:
            record.say(reply.model_copy(update={"text": text, "buttons": (*reply.buttons, *buttons)}))
            if record.outcome is Outcome.SILENT:
                record.outcome, record.confidence = Outcome.DONE, 1.0


def _call_key(name: str, step: str, slots: Mapping[str, Any], names: Sequence[str]) -> str:
    """Names the very call that a person is asked about: with other values of these slots it is another one. What has
    only come up since, in another process, changes nothing of it.
    """
    return idempotency_key("", step, name, {slot: slots.get(slot) for slot in names} if names else slots)


def _typed(slot: Slot | None, value: Any) -> Any:
    """The value in the slot's type where it fits; what an action says counts even where it does not."""
    if slot is None:
        return value
    found = fitted(slot, value)
    return value if isinstance(found, Unfit) else found


def _element(item: dict[str, Any]) -> str:
    """A card as text: its title, what stands below it, and its picture."""
    lines = [str(item[key]) for key in ("title", "subtitle") if item.get(key)]
    return "\n".join([*lines, *([f"![]({item['image_url']})"] if item.get("image_url") else [])])
