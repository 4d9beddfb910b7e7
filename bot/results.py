"""What an action gave back: Rasa's events as typed plain data, and what it wants said.

Source of the names and keys: `rasa_sdk.events` and `rasa_sdk.executor.CollectingDispatcher` (3.21). Reading them from
an action's JSON is `bot.actions.events`; what they mean to a conversation is for the dialogue.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class SlotWasSet:
    """Rasa's `slot`: this slot has this value now; None takes it away."""

    name: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class SlotsReset:
    """Rasa's `reset_slots`: every slot has its initial value again."""


@dataclass(frozen=True, slots=True)
class Followup:
    """Rasa's `followup`: this action is to run next."""

    name: str


@dataclass(frozen=True, slots=True)
class Paused:
    """Rasa's `pause`: the bot is silent until it is resumed; the conversation belongs to people."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """Rasa's `resume`: the bot speaks again."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """Rasa's `restart`: slots, stack and forms are as on the first day."""


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """Rasa's `session_started`: a new session begins here."""


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """Rasa's `session_ended`: the conversation is over."""

    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoopActivated:
    """Rasa's `active_loop` (and the older `form`): this form is open; None: none is."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class LoopInterrupted:
    """Rasa's `loop_interrupted`: the open form does (not) validate what comes next."""

    is_interrupted: bool


@dataclass(frozen=True, slots=True)
class ActionRan:
    """Rasa's `action`: counts as having been run."""

    name: str
    policy: str | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class ActionWasRejected:
    """Rasa's `action_execution_rejected`: that action would not run."""

    name: str
    policy: str | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class UserSaid:
    """Rasa's `user`: counts as said by the customer. `parse_data` is what was understood."""

    text: str | None = None
    parse_data: dict[str, Any] = field(default_factory=dict)
    input_channel: str | None = None


@dataclass(frozen=True, slots=True)
class BotSaid:
    """Rasa's `bot`: counts as said by the bot, and is not sent."""

    text: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AgentSaid:
    """Rasa's `agent`: counts as said by a person at the desk, and is not sent."""

    text: str | None = None
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReminderSet:
    """Rasa's `reminder`: at `date_time` (ISO 8601, as the action wrote it) the intent comes in as if said."""

    intent: str
    date_time: str
    entities: Any = None
    name: str | None = None
    kill_on_user_msg: bool = True


@dataclass(frozen=True, slots=True)
class ReminderCancelled:
    """Rasa's `cancel_reminder`: by name, by intent and entities, or (nothing given) all of the conversation."""

    name: str | None = None
    intent: str | None = None
    entities: Any = None


@dataclass(frozen=True, slots=True)
class Rewound:
    """Rasa's `rewind`: the customer's last message and what followed it did not happen."""


@dataclass(frozen=True, slots=True)
class Undone:
    """Rasa's `undo`: the last action did not happen."""


@dataclass(frozen=True, slots=True)
class Exported:
    """Rasa's `export`: a mark for whoever reads the events; it changes nothing."""


ActionEvent = (
    SlotWasSet
    | SlotsReset
    | Followup
    | Paused
    | Resumed
    | Restarted
    | SessionStarted
    | SessionEnded
    | LoopActivated
    | LoopInterrupted
    | ActionRan
    | ActionWasRejected
    | UserSaid
    | BotSaid
    | AgentSaid
    | ReminderSet
    | ReminderCancelled
    | Rewound
    | Undone
    | Exported
)


@dataclass(frozen=True, slots=True)
class ActionResponse:
    """One message that an action wants said (`dispatcher.utter_message`).

    `response` names one of the domain's, filled with slots and `values` (whatever else the action passed); otherwise
    `text` stands as it is. `buttons` and `elements` have Rasa's keys (`title`, `payload`, ...); `image` is a URL and
    `attachment` whatever the action gave, a URL as a rule; `custom` is JSON for the channel, None for none.
    """

    text: str | None = None
    response: str | None = None
    buttons: tuple[dict[str, Any], ...] = ()
    elements: tuple[dict[str, Any], ...] = ()
    image: str | None = None
    attachment: Any = None
    custom: Any = None
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ActionResult:
    """All that one run of an action came to, in order.

    `problems` are sentences for the log and the inspector about what could not be honoured (an event that nobody knows,
    a slot event without a name): nothing is swallowed.
    """

    events: tuple[ActionEvent, ...] = ()
    responses: tuple[ActionResponse, ...] = ()
    problems: tuple[str, ...] = ()
