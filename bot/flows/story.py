"""What a bot with intents is told to do: rules and stories, after loading. Plain data (`contracts`: Rasa 3's formats).

A rule or a story is a list of beats: what the customer means, what the bot does, what slots hold, which form is open.
Format: https://legacy-docs-oss.rasa.com/docs/rasa/training-data-format
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from bot.flows.model import NOWHERE, Place
from bot.flows.nlu import Nlu

BeatKind = Literal["user", "action", "slot", "loop", "checkpoint", "rejected", "start", "rewound", "undone"]


class _AnyValue:
    """A slot that is set, to whatever."""

    def __repr__(self) -> str:
        return "any value"


ANY_VALUE = _AnyValue()


@dataclass(frozen=True, slots=True)
class Mention:
    """An entity that stands beside an intent. What is None is not looked at."""

    entity: str
    value: str | None = None
    role: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Beat:
    """One thing that happens.

    - "user": `name` is the intent, `entities` stand beside it; with `text` and no intent: these very words.
    - "action": `name` was carried out. "rejected": it was a form, and would not run.
    - "slot": `name` holds `value` from here on; None: nothing, ANY_VALUE: something.
    - "loop": the form `name` is open; None: none is.
    - "checkpoint": stories that end with one go on with those that begin with it.
    - "start": a session begins. "rewound": the last message did not happen; "undone": the last action did not.
    """

    kind: BeatKind
    name: str | None = None
    value: Any = None
    entities: tuple[Mention, ...] = ()
    text: str | None = None
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Rule:
    """What is always done in such a place. `condition` has the slots and the form that must be so before it begins.

    `from_start`: only at the beginning of a conversation; `listens`: the customer has the word after it.
    """

    name: str
    beats: tuple[Beat, ...]
    condition: tuple[Beat, ...] = ()
    from_start: bool = False
    listens: bool = True
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Story:
    """A conversation as it may go. One that is written with `or` is several, of the same name."""

    name: str
    beats: tuple[Beat, ...]
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a bot does not know: an intent that is less sure than `intent`, or ahead of the next by less than
    `ambiguity`, counts as `nlu_fallback`. `action` follows where no rule and no story says what to do; None: nothing
    does. `history`: so many moments of a story must match.
    """

    intent: float | None = None
    ambiguity: float = 0.1
    action: str | None = "action_default_fallback"
    history: int = 5


@dataclass(frozen=True, slots=True)
class Training:
    """All that a bot with intents learns from."""

    nlu: Nlu = field(default_factory=Nlu)
    rules: tuple[Rule, ...] = ()
    stories: tuple[Story, ...] = ()

    def __bool__(self) -> bool:
        """Whether the bot decides anything by intents."""
        return bool(self.rules or self.stories)
