"""What may be said now: what understanding is given about a conversation, and all that it needs of the flows.

`bot.machine.expecting(bot, state)` makes one for every message; understanding reads it and answers with commands
(`bot.commands`). Plain data: nothing in it refers to the State or to a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.flows.model import Flow, Slot


@dataclass(frozen=True, slots=True)
class Startable:
    """A process that exists. `allowed`: its guard holds just now; one that is not allowed must not be started.

    `always`: it is to be considered however little it resembles the message (`always_include_in_prompt`). `open`: it
    has been begun already and waits or runs; naming it again means going on with it.
    """

    id: str
    name: str
    description: str
    examples: tuple[str, ...] = ()
    allowed: bool = True
    always: bool = False
    open: bool = False
    intents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A slot that the open flow asks for. `description` is the collect step's, `question` how the customer is asked
    (in the domain's own language, "" where an action asks), `choices` the buttons' (title, value) pairs, in every
    language, where it has some. `value` is what it has already, None where it is still to be filled.
    """

    slot: Slot
    description: str = ""
    question: str = ""
    choices: tuple[tuple[str, Any], ...] = ()
    value: Any = None

    @property
    def name(self) -> str:
        return self.slot.name


@dataclass(frozen=True, slots=True)
class Expecting:
    """What may be said now.

    - `flows`: every process that a customer may ask for, allowed or not, in the order of the files.
    - `open_flow`: the process on top, None where none is open; `interrupted`: ids of those that wait below it.
    - `asking`: the slot whose question was asked last and is not answered. `forced`: whatever is said is its value
      (`force_slot_filling`); the only command that counts then is SetSlot of it (and a wish for a person).
    - `others`: slots of the open flow that are still to be filled, in the order of its steps; a message may fill
      several.
    - `filled`: slots of the open flow that have a value; another value for one of them is a correction. (For a flow
      that the very message starts, see `collects`.)
    - `collects`: by flow id, the slots that each startable flow asks for.
    - `choosing`: ids of the flows that the customer was just asked to choose among (clarification).
    - `slots`: the values of all slots that have one, for conditions of mappings.
    - `documents`: questions of how something goes are answered from documents, so that they need not start a flow.
    """

    flows: tuple[Startable, ...] = ()
    open_flow: Flow | None = None
    interrupted: tuple[str, ...] = ()
    asking: Wanted | None = None
    forced: bool = False
    others: tuple[Wanted, ...] = ()
    filled: tuple[Wanted, ...] = ()
    collects: Mapping[str, tuple[Wanted, ...]] = field(default_factory=dict)
    choosing: tuple[str, ...] = ()
    slots: Mapping[str, Any] = field(default_factory=dict)
    documents: bool = False
