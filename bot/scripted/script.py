"""What a scripted conversation is made of, after reading: frozen plain data (Rasa's end-to-end test format)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.flows.model import Place
from bot.results import ActionResult

SLOTS = ("slot_was_set", "slot_was_not_set")
UTTERED = ("bot_uttered", "bot_did_not_utter")
GENERATIVE = ("generative_response_is_grounded", "generative_response_is_relevant")
KINDS = (
    "flow_started",
    "flow_completed",
    "flow_cancelled",
    *SLOTS,
    "action_executed",
    *UTTERED,
    "pattern_clarification_contains",
    *GENERATIVE,
)
"""All that can be asserted of a turn."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """`wanted` by kind, always in its long form:

    flow_started {operator, flow_ids}; flow_completed and flow_cancelled {flow_id, flow_step_id?}; slot_was_set and
    slot_was_not_set [{name, value?}]; action_executed a name; bot_uttered and bot_did_not_utter {utter_name?,
    text_matches?, text?, buttons?}; pattern_clarification_contains [flow ids]; generative_response_is_... {threshold,
    utter_name?, utter_source?, ground_truth?}.
    """

    kind: str
    wanted: Any
    place: Place


@dataclass(frozen=True, slots=True)
class Step:
    """What the customer says (a text or a payload), and what must follow. `ordered`: in the order as written."""

    user: str
    place: Place
    assertions: tuple[Assertion, ...] = ()
    ordered: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation. `slots` have their values before it begins; `stubs` answer in place of those actions."""

    name: str
    place: Place
    steps: tuple[Step, ...]
    slots: Mapping[str, Any] = field(default_factory=dict)
    stubs: Mapping[str, ActionResult] = field(default_factory=dict)
