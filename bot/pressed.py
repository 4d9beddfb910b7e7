"""What a button that was pressed stands for, as commands.

Payloads count when the bot offered them in this conversation; where a developer talks to the bot (`frontdesk shell`,
`frontdesk test`) any does.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot import lexicon
from bot.commands import Command, Intent, SetSlot, StartFlow, WantPerson
from bot.flows.payloads import read_payload
from bot.state import State
from bot.types import Button

TRUSTED = frozenset(["shell", "test"])
"""The channels on which a developer talks. A channel's name is given by our own code, never by a sender."""


def offered(payload: str, state: State) -> Button | None:
    """The button with this payload that the bot offered, or that a developer may press; None: there is none."""
    found = next((button for button in reversed(state.offered) if button.payload == payload), None)
    if found is None and state.channel in TRUSTED and payload.startswith("/"):
        return Button(title=payload, payload=payload)
    return found


def named(text: str, choices: Sequence[Button]) -> Button | None:
    """The button of the newest reply that the text names."""
    words = lexicon.plain(text)
    return next((choice for choice in choices if words and lexicon.plain(choice.title) == words), None)


def text(button: Button) -> str:
    """What a button stands for that is no command: its payload, as if the customer had typed it, or its title."""
    return button.title if button.payload.startswith("/") else button.payload


def commands(payload: str) -> list[Command] | None:  # noqa: PLR0911 - one a kind of payload
    """What a payload of the business processes stands for; None for one that is no such payload."""
    read = read_payload(payload)
    if read is None:
        return None
    if read.slots:
        return [SetSlot(name, value) for name, value in read.slots]
    if read.flow is not None:
        return [StartFlow(read.flow)]
    match read.intent:
        case None:
            return None
        case "handover":
            return [WantPerson("asked")]
        case "session_start":
            return []
        case name:
            entities = tuple({"entity": key, "value": value} for key, value in read.entities)
            return [Intent(name, 1.0, entities)]
