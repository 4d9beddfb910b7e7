"""What a customer wants, as `understand` (or the guard, or a larger model) reads it: plain data, and all that decides.

Nothing here says what the bot does about it; that is `bot.dialogue`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Reason = Literal["asked", "failures", "threat", "crisis", "abuse", "error", "policy"]


@dataclass(frozen=True, slots=True)
class Ask:
    """A question for the documents."""

    question: str


@dataclass(frozen=True, slots=True)
class SmallTalk:
    """A greeting, thanks, anger ... `kind` is a key of `SMALL_TALK`."""

    kind: str


@dataclass(frozen=True, slots=True)
class WantPerson:
    """People are to take over, for this reason."""

    reason: Reason = "asked"


@dataclass(frozen=True, slots=True)
class Refuse:
    """The guard declines it. `strike`: it counts towards "again and again"."""

    reason: str
    strike: bool = False


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is nothing to answer: an empty message, or a voice without words (which was told already)."""


# -- business processes ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartFlow:
    """A process is wanted: `flow` is its id."""

    flow: str


@dataclass(frozen=True, slots=True)
class CancelFlow:
    """The open process is to be given up."""


@dataclass(frozen=True, slots=True)
class SetSlot:
    """A value for a slot; for a slot that has another value already, a correction. None takes the value away."""

    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Clarify:
    """It may be any of these processes: the customer is asked which."""

    flows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SkipQuestion:
    """The customer will not, or cannot, answer what was asked."""


@dataclass(frozen=True, slots=True)
class AskWhy:
    """The customer wants to know why that is asked."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """What the bot said last is to be said again."""


@dataclass(frozen=True, slots=True)
class CannotHandle:
    """Nothing that was understood. `reason` names why, for the patterns."""

    reason: str = "default"


@dataclass(frozen=True, slots=True)
class Intent:
    """What a bot with intents of its own understood (`nlu.yml`, or `/intent{"entity": "value"}`).

    `entities` have the keys that Rasa gives them: entity, value, and where known start, end, role, group, confidence.
    `text` is what was written; "" for a button. `guess` is the intent that it was most like, where it is none of them.
    """

    name: str
    confidence: float = 1.0
    entities: tuple[dict[str, Any], ...] = field(default=())
    text: str = ""
    guess: str = ""


Command = (
    Ask
    | SmallTalk
    | WantPerson
    | Refuse
    | Nothing
    | StartFlow
    | CancelFlow
    | SetSlot
    | Clarify
    | SkipQuestion
    | AskWhy
    | Repeat
    | CannotHandle
    | Intent
)
