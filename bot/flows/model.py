"""What a bot's domain and flows are made of, after loading: frozen plain data (`contracts`: Rasa 3's formats).

Steps that are nested in the files lie side by side here, under their ids; where a step goes next is a list of branches.
A `Place` says where in which file a thing was written, for messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from bot.flows.conditions import Condition

SlotType = Literal["text", "bool", "float", "list", "any", "categorical"]
MappingKind = Literal[
    "from_llm", "from_text", "from_intent", "from_trigger_intent", "from_entity", "controlled", "custom"
]

END = "END"
"""The target of a branch that ends the flow."""

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written. `line` counts from 1; 0: the file as a whole."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


NOWHERE = Place()


# -- slots -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MappingCondition:
    """When a mapping holds: all that are given must agree. `requested_slot` "" stands for none ("null")."""

    active_loop: str | None = None
    requested_slot: str | None = None
    active_flow: str | None = None


@dataclass(frozen=True, slots=True)
class SlotMapping:
    """How a slot may be filled. `value` is what `from_intent` sets; `intents` empty: whatever the intent."""

    kind: MappingKind
    entity: str | None = None
    role: str | None = None
    group: str | None = None
    intents: tuple[str, ...] = ()
    not_intents: tuple[str, ...] = ()
    value: Any = None
    conditions: tuple[MappingCondition, ...] = ()
    allow_nlu_correction: bool = False
    action: str | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A value for which the condition holds is refused with this response."""

    condition: Condition
    utter: str
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Slot:
    """A piece of information. `values` are a categorical slot's choices; `least` and `most` bound a float.

    `rejections` (with `refill_utter`, what is said to ask again) are checked wherever the slot is filled.
    """

    name: str
    type: SlotType = "any"
    values: tuple[str, ...] = ()
    initial_value: Any = None
    mappings: tuple[SlotMapping, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    refill_utter: str | None = None
    least: float | None = None
    most: float | None = None
    influence_conversation: bool = True
    shared_for_coexistence: bool = False
    place: Place = NOWHERE

    @property
    def understood(self) -> bool:
        """Whether what a customer says may fill it; else only actions, `set_slots` and buttons do."""
        return not self.mappings or any(mapping.kind not in ("controlled", "custom") for mapping in self.mappings)


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """How long a silence ends a session, in minutes (0: never), and whether its slots live on."""

    expiration_minutes: float = 60.0
    carry_over_slots: bool = True


@dataclass(frozen=True, slots=True)
class Form:
    """A form of a bot with intents: the slots that it asks for, and the intents that fill none of them."""

    name: str
    required_slots: tuple[str, ...] = ()
    ignored_intents: tuple[str, ...] = ()
    place: Place = NOWHERE


# -- flows -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Branch:
    """Go to `target` (a step's id, or END) if the condition holds; None: in any case."""

    target: str
    condition: Condition | None = None
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Common:
    id: str
    next: tuple[Branch, ...] = ()
    description: str = ""
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Collect(_Common):
    """Ask for a slot until it has a value. `utter`: the response that asks; None: the default, `utter_ask_<slot>`, or
    the action `action_ask_<slot>` where there is one. `description` tells understanding what is wanted.

    `ask_before_filling`: ask even if it has a value. `force_slot_filling`: what is said is this slot's value and
    nothing else. `reset_after_flow_ends`: it is forgotten with the flow.
    """

    slot: str
    utter: str | None = None
    ask_before_filling: bool = False
    force_slot_filling: bool = False
    rejections: tuple[Rejection, ...] = ()
    reset_after_flow_ends: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Act(_Common):
    """Run an action: the bot's own, a default one, or a response (`utter_...`)."""

    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSlots(_Common):
    """Give slots these values; None takes a value away."""

    values: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTo(_Common):
    """End here and go on with another flow."""

    flow: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(_Common):
    """Carry out another flow, then come back. Its slots belong to this flow."""

    flow: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Noop(_Common):
    """Nothing; for its branches."""


Step = Collect | Act | SetSlots | LinkTo | Call | Noop


@dataclass(frozen=True, slots=True)
class IntentTrigger:
    """An intent that starts a flow, if it is at least so sure."""

    intent: str
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Flow:
    """A business process. `steps` are by id in the order of the file, the first is where it begins.

    `guard`: whether it may be started (None: always). `examples` are what customers say for it, where there is an
    `nlu.yml`. `resets` are the slots that are forgotten when it ends, `collects` those that it asks for; both with the
    flows that it calls.
    """

    id: str
    name: str
    description: str
    steps: Mapping[str, Step]
    guard: Condition | None = None
    nlu_trigger: tuple[IntentTrigger, ...] = ()
    persisted_slots: frozenset[str] = frozenset()
    always_include_in_prompt: bool = False
    run_pattern_completed: bool = True
    examples: tuple[str, ...] = ()
    collects: tuple[str, ...] = ()
    resets: tuple[str, ...] = ()
    place: Place = NOWHERE

    @property
    def first(self) -> str:
        return next(iter(self.steps))

    @property
    def is_pattern(self) -> bool:
        """Whether it is one of the flows that repair a conversation."""
        return self.id.startswith("pattern_")

    @property
    def startable(self) -> bool:
        """Whether a customer may ask for it, its condition aside: a guard that is `false` leaves only link and call."""
        return not self.is_pattern and (self.guard is None or not self.guard.never)


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake in a bot's files: where, what, and what would be right. A "warning" does not keep the bot from running,
    a "note" is no mistake at all: it says what does the work of something that is named.

    `code` is a short name of the kind of mistake, the same in every release.
    """

    code: str
    message: str
    place: Place = NOWHERE
    level: Literal["error", "warning", "note"] = "error"

    def __str__(self) -> str:
        return f"{self.place}: {self.level}: {self.message}" if self.place.file else f"{self.level}: {self.message}"


@dataclass(frozen=True, slots=True)
class Processes:
    """A bot's flows, its own and the default repair flows (`pattern_...`) by id, with what was wrong with them."""

    flows: Mapping[str, Flow] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    overridden: frozenset[str] = frozenset()
    """The default repair flows that the bot has its own of."""

    @property
    def own(self) -> dict[str, Flow]:
        """The flows that customers know of: the bot's, without the repair flows."""
        return {key: flow for key, flow in self.flows.items() if not flow.is_pattern}
