"""What the machine wants done: said, run, answered, handed over. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.commands import Reason
from bot.events import Body
from bot.types import Button, Outcome


@dataclass(frozen=True, slots=True)
class Utter:
    """Say a response of the domain, filled with the slots and the context as they are at this moment.

    `buttons` are offered besides its own. `outcome` is what the turn comes to if nothing weightier follows.
    """

    template: str
    slots: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    buttons: tuple[Button, ...] = ()
    outcome: Outcome = Outcome.DONE


@dataclass(frozen=True, slots=True)
class SayAgain:
    """Say again what the bot said last."""


@dataclass(frozen=True, slots=True)
class SmallTalk:
    """Say what fits this kind of small talk."""

    kind: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """Give the conversation to people; nothing follows."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class RunAction:
    """Run an action of the bot's own. `step` is where in which flow, for the idempotency key."""

    name: str
    step: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer a question from the documents."""

    question: str


Effect = Utter | SayAgain | SmallTalk
Outside = RunAction | Answer | HandOver


@dataclass(frozen=True, slots=True)
class Batch:
    """`items` in order, then `outside`. With a RunAction or an Answer the machine is to be resumed when it is done;
    without anything outside, the customer has the word.
    """

    items: tuple[Body | Effect, ...] = ()
    outside: Outside | None = None
    steps: int = field(default=0, compare=False)
    """How many steps were taken, for the limit of a turn."""
