"""Holds a bot's flows, slots and responses against each other: what is named must be there, and be of use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bot.flows.conditions import FILLED_IN, Condition
from bot.flows.model import END, Act, Call, Collect, Flow, LinkTo, Place, Problem, Processes, SetSlots, Slot, Step
from bot.flows.payloads import Payload, read_payload
from bot.flows.responses import Domain
from bot.flows.source import meant

DEFAULT_ACTIONS = frozenset(
    (
        *("action_listen", "action_restart", "action_session_start", "action_default_fallback", "action_back"),
        *("action_deactivate_loop", "action_two_stage_fallback", "action_trigger_search", "action_correct_flow_slot"),
        *("action_cancel_flow", "action_clarify_flows", "action_run_slot_rejections", "action_extract_slots"),
        *("action_repeat_bot_messages", "action_human_handoff", "action_hangup", "action_block_digressions"),
        *(
            "action_continue_digression",
            "action_clean_stack",
            "action_unlikely_intent",
            "action_validate_slot_mappings",
        ),
        *("action_small_talk", "action_explain_question", "action_cannot_handle", "action_trigger_chitchat"),
        *("action_default_ask_affirmation", "action_default_ask_rephrase", "action_revert_fallback_events"),
    )
)
"""Actions that every bot has."""

LINKABLE = frozenset(["pattern_human_handoff", "pattern_chitchat", "pattern_search", "pattern_cancel_flow"])
"""The repair flows that a bot's own flows may link to."""

OWN_SLOT = re.compile(r"[A-Za-z_][\w-]*")
BUILT_IN_SLOTS = frozenset(["requested_slot", "session_started_metadata", "flow_hashes", "route_session_to_calm"])
RETURN_SLOT = "return_value"


UNUSED = frozenset(["pattern_collect_information", "pattern_validate_slot"])
"""Repair flows of Rasa's that a bot may have of its own, and that nothing here runs."""


def check(domain: Domain, processes: Processes) -> list[Problem]:
    """Everything that does not fit."""
    checking = _Checking(domain, processes)
    for flow in processes.flows.values():
        if not flow.is_pattern or flow.id in processes.overridden:
            checking.flow(flow)
        elif flow.id in UNUSED:
            message = f"{flow.id!r} has no counterpart here: slots are asked for and checked without it; it is not run"
            checking.wrong("no_counterpart", message, flow.place, warning=True)
    checking.domain_itself()
    return checking.problems


class _Checking:
    """The problems found so far, and what every check looks things up in."""

    def __init__(self, domain: Domain, processes: Processes) -> None:
        self.domain = domain
        self.flows = processes.flows
        self.responses = frozenset(domain.responses)
        self.slots = frozenset(domain.slots) | BUILT_IN_SLOTS
        self.problems: list[Problem] = []

    def wrong(self, code: str, message: str, place: Place, *, warning: bool = False) -> None:
        self.problems.append(Problem(code, message, place, "warning" if warning else "error"))

    def flow(self, flow: Flow) -> None:
        what = f"flow {flow.id!r}"
        self._condition(flow.guard, f"{what}: 'if'", flow.place, flow)
        known = set(flow.collects) | {name for step in flow.steps.values() for name in _set_by(step)}
        for name in sorted(flow.persisted_slots - known):
            self.wrong(
                "persisted_slot",
                f"{what} persists {name!r}, which none of its steps fills{meant(name, known)}",
                flow.place,
            )
        for trigger in flow.nlu_trigger:
            if self.domain.intents and trigger.intent not in self.domain.intents:
                help = meant(trigger.intent, self.domain.intents)
                self.wrong("unknown_intent", f"{what}: there is no intent {trigger.intent!r}{help}", flow.place)
        for step in flow.steps.values():
            self._step(flow, step, f"{what}, step {step.id!r}")
        reached = _reached(flow)
        for id, step in flow.steps.items():
            if id not in reached:
                message = f"{what}: step {id!r} is never reached: name it in a 'next', or take it out"
                self.wrong("unreachable_step", message, step.place)

    def _step(self, flow: Flow, step: Step, what: str) -> None:
        for branch in step.next:
            self._condition(branch.condition, what, branch.place, flow)
            if branch.target != END and branch.target not in flow.steps:
                help = meant(branch.target, [END, *flow.steps])
                self.wrong(
                    "unknown_step",
                    f"{what}: 'next' names the step {branch.target!r}, which this flow does not have{help}",
                    branch.place,
                )
        match step:
            case Collect():
                self._collect(flow, step, what)
            case Act(action=action):
                self._action(action, what, step.place)
            case SetSlots(values=values):
                for name, value in values:
                    self._slot(name, what, step.place)
                    self._choice(name, value, what, step.place)
            case LinkTo(flow=other) | Call(flow=other):
                self._other(flow, other, isinstance(step, Call), what, step.place)

    def _collect(self, flow: Flow, step: Collect, what: str) -> None:
        self._slot(step.slot, what, step.place)
        asks = step.utter or f"utter_ask_{step.slot}"
        if asks not in self.responses and f"action_ask_{step.slot}" not in self.domain.actions:
            message = f"{what} asks with {asks!r}, which the domain does not have: add it under 'responses:'"
            if step.utter is None:
                message += f", or name another with 'utter:', or list 'action_ask_{step.slot}' under 'actions:'"
            self.wrong("missing_response", message, step.place)
        for rejection in step.rejections:
            self._condition(rejection.condition, f"{what}: a rejection", rejection.place, flow)
            self._response(rejection.utter, f"{what}: a rejection", rejection.place)

    def _action(self, action: str, what: str, place: Place) -> None:
        if FILLED_IN.search(action):
            return
        if action.startswith("utter_"):
            if action not in self.domain.actions or action in self.responses:
                self._response(action, what, place)
        elif action not in DEFAULT_ACTIONS and action not in self.domain.actions and action not in self.domain.forms:
            help = meant(action, [*self.domain.actions, *DEFAULT_ACTIONS]) if self.domain.actions else ""
            message = f"{what} runs {action!r}, which the domain does not list: add it under 'actions:'{help}"
            self.wrong("unknown_action", message, place)

    def _response(self, name: str, what: str, place: Place) -> None:
        if name not in self.responses:
            help = meant(name, self.responses)
            message = f"{what} says {name!r}, which the domain does not have: add it under 'responses:'{help}"
            self.wrong("missing_response", message, place)

    def _slot(self, name: str, what: str, place: Place) -> None:
        if name not in self.slots and name != RETURN_SLOT:
            message = f"{what} names the slot {name!r}, which the domain does not have: add it under 'slots:'"
            self.wrong("unknown_slot", message + meant(name, self.domain.slots), place)

    def _choice(self, name: str, value: Any, what: str, place: Place) -> None:
        slot = self.domain.slots.get(name)
        if slot is None or value is None or slot.type != "categorical":
            return
        if str(value).lower() not in {choice.lower() for choice in slot.values}:
            help = f"it may be {', '.join(slot.values)}"
            self.wrong("slot_value", f"{what} gives the slot {name!r} the value {value!r}; {help}", place)

    def _other(self, flow: Flow, other: str, called: bool, what: str, place: Place) -> None:
        word = "calls" if called else "links to"
        if other not in self.flows:
            own = [id for id, item in self.flows.items() if not item.is_pattern]
            self.wrong(
                "unknown_flow", f"{what} {word} the flow {other!r}, which there is not{meant(other, own)}", place
            )
        elif self.flows[other].is_pattern and (called or other not in LINKABLE):
            message = (
                f"{what} {word} {other!r}: of the repair flows a flow may link to {', '.join(sorted(LINKABLE))} only"
            )
            self.wrong("pattern_link", message, place)
        elif called and other == flow.id:
            self.wrong("endless_call", f"{what} calls the flow that it belongs to; that would never end", place)

    def _condition(self, condition: Condition | None, what: str, place: Place, flow: Flow | None = None) -> None:
        if condition is None:
            return
        for name in sorted(condition.slots):
            self._slot(name, f"{what}: the condition {condition.text!r}", place)
        if condition.contexts and flow is not None and not flow.is_pattern:
            message = f"{what}: the condition {condition.text!r} looks at context, which only repair flows have"
            self.wrong("context", message, place, warning=True)

    def domain_itself(self) -> None:
        for name, slot in self.domain.slots.items():
            if not OWN_SLOT.fullmatch(name):
                self.wrong("slot_name", f"slot {name!r}: a name has letters, digits, _ and - only", slot.place)
            for rejection in slot.rejections:
                self._condition(rejection.condition, f"slot {name!r}: a rejection", rejection.place)
                self._response(rejection.utter, f"slot {name!r}: a rejection", rejection.place)
            if slot.refill_utter:
                self._response(slot.refill_utter, f"slot {name!r}: 'refill_utter'", slot.place)
        for form in self.domain.forms.values():
            for name in form.required_slots:
                self._slot(name, f"form {form.name!r}", form.place)
        for key, payload, place in _payloads(self.domain):
            self._payload(key, payload, place)
        for slot in self.domain.slots.values():
            for mapping in slot.mappings:
                if mapping.action is not None:
                    self._mapped(slot, mapping.action)
        self._unfilled()

    def _mapped(self, slot: Slot, action: str) -> None:
        what = f"slot {slot.name!r}, its mapping"
        self._action(action, what, slot.place)
        if not self.domain.intents:
            message = (
                f"{what}: {action!r} is run with every message of a bot with intents, and this bot has none: "
                "name it in a flow's step, or let the flow collect the slot"
            )
            self.wrong("mapping_action", message, slot.place, warning=True)

    def _payload(self, key: str, payload: Payload, place: Place) -> None:
        what = f"a button of the response {key!r}"
        for name, value in payload.slots:
            self._slot(name, what, place)
            self._choice(name, value, what, place)
        if payload.flow is not None and payload.flow not in self.flows:
            self.wrong("unknown_flow", f"{what} starts the flow {payload.flow!r}, which there is not", place)

    def _unfilled(self) -> None:
        """Slots that something looks at and nothing can fill."""
        filled = {name for flow in self.flows.values() for step in flow.steps.values() for name in _set_by(step)}
        filled |= {name for flow in self.flows.values() for name in flow.collects}
        filled |= {name for _, payload, _ in _payloads(self.domain) for name, _ in payload.slots}
        filled |= {name for form in self.domain.forms.values() for name in form.required_slots}
        looked = {name for condition in _conditions(self.flows) for name in condition.slots}
        for name, slot in self.domain.slots.items():
            kinds = {mapping.kind for mapping in slot.mappings}
            if name in filled or slot.initial_value is not None or kinds - {"from_llm", "controlled", "custom"}:
                continue
            by_action = bool(self.domain.actions) and (not kinds or bool(kinds & {"controlled", "custom"}))
            if by_action or (name not in looked and self.domain.actions):
                continue
            message = (
                f"slot {name!r} is never filled: let a flow collect it, set it with 'set_slots' or a button, or give "
                "it an 'initial_value' or a mapping" + ("" if name in looked else "; nothing looks at it either")
            )
            self.wrong("slot_never_filled", message, slot.place, warning=name not in looked)


def _set_by(step: Step) -> Iterator[str]:
    if isinstance(step, Collect):
        yield step.slot
    elif isinstance(step, SetSlots):
        yield from (name for name, _ in step.values)


def _reached(flow: Flow) -> set[str]:
    reached: set[str] = set()
    waiting = [flow.first]
    while waiting:
        id = waiting.pop()
        if id in reached or id not in flow.steps:
            continue
        reached.add(id)
        waiting += [branch.target for branch in flow.steps[id].next]
    return reached


def _conditions(flows: Mapping[str, Flow]) -> Iterable[Condition]:
    for flow in flows.values():
        if flow.guard is not None:
            yield flow.guard
        for step in flow.steps.values():
            yield from (branch.condition for branch in step.next if branch.condition is not None)
            if isinstance(step, Collect):
                yield from (rejection.condition for rejection in step.rejections)


def _payloads(domain: Domain) -> list[tuple[str, Payload, Place]]:
    return [
        (key, payload, domain.places.get(key, Place()))
        for key, variations in domain.responses.items()
        for item in variations
        for button in item.buttons
        if (payload := read_payload(button.payload)) is not None
    ]
