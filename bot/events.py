"""What is remembered of a conversation. Events are the truth; `bot.state` folds them.

Personal words stand in `Words` and nowhere else, so that a store can keep them in rows of their own and erase them
while the events stay whole.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from bot.types import Attachment, Button, Citation, Outcome, Plain, Words, new_id, now


class Actor(Plain):
    """Who did it."""

    kind: Literal["customer", "bot", "agent", "system"]
    id: str = ""


class Started(Plain):
    type: Literal["started"] = "started"
    channel: str
    account: str
    identity: str
    bot: str
    language: str | None = None


class Received(Plain):
    """A customer's message."""

    type: Literal["received"] = "received"
    message_id: str
    text: Words
    payload: str | None = None
    attachments: tuple[Attachment, ...] = ()
    external_id: str | None = None


class Understood(Plain):
    """The text that an engine made from an attachment, kept beside the original. `note` is why there is none."""

    type: Literal["understood"] = "understood"
    message_id: str
    attachment: str
    kind: Literal["transcript", "caption"]
    text: Words
    language: str | None = None
    engine: str = ""
    note: str | None = None


class LanguageSet(Plain):
    type: Literal["language_set"] = "language_set"
    language: str


class Guarded(Plain):
    """The guard declined something. `strike` counts towards "again and again"."""

    type: Literal["guarded"] = "guarded"
    message_id: str
    reason: str
    strike: bool = True


class Sent(Plain):
    """A reply, as committed. The actor of the envelope says whose. Citations and scores stay with it."""

    type: Literal["sent"] = "sent"
    reply_id: str
    text: Words
    buttons: tuple[Button, ...] = ()
    citations: tuple[Citation, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    language: str = "en"
    template: str | None = None


DERIVED = "made-"
"""How the refs of words begin that were made of what somebody said: they go as soon as any of it is erased."""


def derived(text: str) -> Words:
    """Words that repeat or retell somebody's."""
    return Words(ref=f"{DERIVED}{new_id()}", text=text)


class Dropped(Plain):
    """A sentence of the generator's that was not shown. `rule` is what it failed at, without a word of it; `reason`
    may quote it."""

    text: Words
    rule: str
    reason: Words


class Grounds(Plain):
    """What one reply rests on. `asked` is the question as it was understood, `context` what was said before and taken
    along; `scores` are numbers and places in documents, none of anybody's words. Words are `derived`."""

    reply_id: str = ""
    asked: Words
    context: Words
    dropped: tuple[Dropped, ...] = ()
    scores: dict[str, Any] = Field(default_factory=dict)


class TurnEnded(Plain):
    """How a turn came out; the audit trail's line. `evidence` holds the scores that led to it, `grounds` what each
    reply from the documents rests on."""

    type: Literal["turn_ended"] = "turn_ended"
    outcome: Outcome
    confidence: float = 0.0
    evidence: dict[str, Any] = Field(default_factory=dict)
    grounds: tuple[Grounds, ...] = ()
    timings_ms: dict[str, float] = Field(default_factory=dict)
    error: str | None = None


class HandedOver(Plain):
    """People own the conversation from here on: status `open`, waiting for one."""

    type: Literal["handed_over"] = "handed_over"
    reason: Literal["asked", "failures", "threat", "crisis", "abuse", "error", "policy"]
    priority: Literal["low", "medium", "high", "urgent"] = "medium"


class Returned(Plain):
    """The bot owns the conversation again: status `pending`."""

    type: Literal["returned"] = "returned"


class Resolved(Plain):
    type: Literal["resolved"] = "resolved"


class Reopened(Plain):
    """A customer wrote to a resolved or snoozed conversation. `to` is who owns it now."""

    type: Literal["reopened"] = "reopened"
    to: Literal["bot", "people"] = "bot"


class Delivery(Plain):
    """What became of a reply outside. `error` never holds personal data."""

    type: Literal["delivery"] = "delivery"
    reply_id: str
    status: Literal["sent", "delivered", "read", "failed"]
    error: str | None = None


class Edited(Plain):
    type: Literal["edited"] = "edited"
    message_id: str
    text: Words


class Deleted(Plain):
    type: Literal["deleted"] = "deleted"
    message_id: str


class Feedback(Plain):
    type: Literal["feedback"] = "feedback"
    reply_id: str
    rating: Literal["up", "down"]
    comment: Words = Words(ref="", text=None)


class ContactChanged(Plain):
    """What the site or the platform says of the person. Values are personal. None deletes a key."""

    type: Literal["contact_changed"] = "contact_changed"
    fields: dict[str, Words | None]
    verified: bool = False


class LabelsChanged(Plain):
    type: Literal["labels_changed"] = "labels_changed"
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class Merged(Plain):
    """The conversation's identity was found to belong to another person; `undone` takes it back."""

    type: Literal["merged"] = "merged"
    from_person: str
    to_person: str
    undone: bool = False


class Erased(Plain):
    """A tombstone: the words under these refs are gone."""

    type: Literal["erased"] = "erased"
    refs: tuple[str, ...]
    by: str = ""


# -- business processes: `bot.machine` writes these, `bot.stack` folds them --------------------------------------------


NO_WORDS = Words(ref="", text=None)


class Commanded(Plain):
    """What a message was understood as, as JSON: a list of `{"command": "SetSlot", ...}`. Personal, as the message."""

    type: Literal["commanded"] = "commanded"
    commands: Words


class SessionStarted(Plain):
    """A conversation begins, or goes on after a silence that ended the last session: nothing is open any more.

    `keep`: what the slots held lives on.
    """

    type: Literal["session_started"] = "session_started"
    keep: bool = False


class SlotSet(Plain):
    """A slot has this value now: `value` is JSON; what stands in it is as personal as what the customer wrote.

    `by`: the customer (or a button that they pressed), a step of a flow, an action, or the end of a flow.
    """

    type: Literal["slot_set"] = "slot_set"
    name: str
    value: Words
    by: Literal["customer", "flow", "action", "reset"] = "customer"


class FlowStarted(Plain):
    """A flow lies on the stack: on top, or with `below` frames above it. `frame` is its number in this conversation.

    `kind`: asked for with nothing else open ("regular") or in the middle of something ("interrupt"), linked to, called,
    or a repair ("pattern"). `context` is JSON: what a repair is about.
    """

    type: Literal["flow_started"] = "flow_started"
    frame: int
    flow: str
    kind: Literal["regular", "interrupt", "link", "call", "pattern"] = "regular"
    below: int = 0
    context: Words = NO_WORDS


class FlowResumed(Plain):
    """A flow that waited below is on top again, with what it had called."""

    type: Literal["flow_resumed"] = "flow_resumed"
    frame: int
    flow: str


class StepTaken(Plain):
    """A flow is at a step now. `phase` is how far the step is: "" it begins, "asking" an action asks, "asked" an answer
    is waited for, "validating", "running" (an action), "waiting" (for a person's approval of it), "called" (another
    flow), "listening".
    """

    type: Literal["step_taken"] = "step_taken"
    frame: int
    step: str
    phase: Literal["", "asking", "asked", "validating", "running", "waiting", "called", "listening"] = ""


class FlowEnded(Plain):
    """A flow is off the stack. `step` is where it was. "reset": it will be called again, from its beginning."""

    type: Literal["flow_ended"] = "flow_ended"
    frame: int
    flow: str
    step: str = ""
    outcome: Literal["completed", "cancelled", "failed", "linked", "reset", "expired"] = "completed"


class ActionRan(Plain):
    """An action was carried out, or was not: `error` says why, without personal data. `inner`: as a part of another
    (a form's, which validates or asks).
    """

    type: Literal["action_ran"] = "action_ran"
    name: str
    ok: bool = True
    error: str = ""
    inner: bool = False


class LoopChanged(Plain):
    """The form `name` is open from here on; None: none is."""

    type: Literal["loop_changed"] = "loop_changed"
    name: str | None = None


class Rewound(Plain):
    """To rules and stories, the customer's last message and what followed it did not happen."""

    type: Literal["rewound"] = "rewound"


class ApprovalAsked(Plain):
    """An action waits until a person of `queue` says yes. `step` is where in which flow, `key` names the very call: it
    is made of the values of `slots` (their names), which are those that the call could depend on; empty: of all.
    """

    type: Literal["approval_asked"] = "approval_asked"
    id: str = Field(default_factory=new_id)
    action: str
    step: str
    queue: str
    reason: str = ""
    key: str = ""
    slots: tuple[str, ...] = ()


class ApprovalDecided(Plain):
    """A person said yes or no to what waited. `note` is for their colleagues."""

    type: Literal["approval_decided"] = "approval_decided"
    id: str
    granted: bool
    note: Words = NO_WORDS


Body = Annotated[
    Started
    | Received
    | Understood
    | LanguageSet
    | Guarded
    | Sent
    | TurnEnded
    | HandedOver
    | Returned
    | Resolved
    | Reopened
    | Delivery
    | Edited
    | Deleted
    | Feedback
    | ContactChanged
    | LabelsChanged
    | Merged
    | Erased
    | Commanded
    | SessionStarted
    | SlotSet
    | FlowStarted
    | FlowResumed
    | StepTaken
    | FlowEnded
    | ActionRan
    | LoopChanged
    | Rewound
    | ApprovalAsked
    | ApprovalDecided,
    Field(discriminator="type"),
]

EVENT_SCHEMA = 1


class Event(Plain):
    """The envelope. `sequence` counts from 1 within the conversation and is given by the store at commit (0 before).

    `cause` is the id of the trigger, message or reply that brought it about. `versions` names index, prompts and models
    behind the bot's own events.
    """

    conversation: str
    sequence: int = 0
    schema_version: int = EVENT_SCHEMA
    time: datetime = Field(default_factory=now)
    actor: Actor
    cause: str | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    body: Body
