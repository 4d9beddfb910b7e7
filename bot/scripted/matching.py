"""Whether an assertion holds of what a turn said and did."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from bot.events import ActionRan, FlowEnded, FlowStarted, Sent, SlotSet
from bot.flows.check import DEFAULT_ACTIONS
from bot.scripted.happened import Deed
from bot.scripted.script import GENERATIVE, Assertion
from bot.stack import decoded


def holds(assertion: Assertion, deeds: Sequence[Deed], start: int = 0) -> int | None:  # noqa: PLR0911 - one case a kind
    """The place behind the last deed (from `start` on) that makes it true; None: it does not hold. What says that
    something did not happen leaves the place where it was."""
    wanted = assertion.wanted
    match assertion.kind:
        case "flow_started":
            places = [_first(deeds, start, partial(_started, flow=id)) for id in wanted["flow_ids"]]
            return _any(places) if wanted["operator"] == "any" else _all(places)
        case "flow_completed" | "flow_cancelled" as kind:
            return _first(deeds, start, lambda deed: _ended(deed, kind.removeprefix("flow_"), wanted))
        case "slot_was_set":
            return _all([_first(deeds, start, partial(_set, wanted=item)) for item in wanted])
        case "slot_was_not_set":
            return None if any(_set(deed, item) for deed in deeds[start:] for item in wanted) else start
        case "action_executed":
            return _first(deeds, start, lambda deed: _ran(deed, wanted))
        case "bot_uttered":
            return _first(deeds, start, lambda deed: uttered(deed, wanted))
        case "bot_did_not_utter":
            return None if any(uttered(deed, wanted) for deed in deeds[start:]) else start
        case "pattern_clarification_contains":
            return _first(deeds, start, lambda deed: _offers(deed, wanted))
        case kind if kind in GENERATIVE:
            return _first(deeds, start, lambda deed: generated(deed, wanted))
    raise ValueError(assertion.kind)


def generated(deed: Deed, wanted: Mapping[str, Any]) -> bool:
    """Whether this reply is one that a generative assertion is about. A reply that cites documents is what Rasa's
    EnterpriseSearchPolicy says; one made of a response is the rephraser's."""
    if not isinstance(deed.body, Sent) or wanted.get("utter_name", deed.body.template) != deed.body.template:
        return False
    source = wanted.get("utter_source")
    if source == "ContextualResponseRephraser" or "utter_name" in wanted:
        return deed.body.template is not None
    return bool(deed.body.citations)


def uttered(deed: Deed, wanted: Mapping[str, Any]) -> bool:
    """Whether this is a reply of the bot with all that is wanted of it."""
    body = deed.body
    if not isinstance(body, Sent):
        return False
    text = body.text.text or ""
    offered = [{"title": button.title, "payload": button.payload} for button in body.buttons]
    return (
        wanted.get("utter_name", body.template) == body.template
        and wanted.get("text", text).strip() == text.strip()
        and re.search(wanted.get("text_matches", ""), text, re.DOTALL) is not None
        and all(any(button.items() <= other.items() for other in offered) for button in wanted.get("buttons", ()))
    )


def _first(deeds: Sequence[Deed], start: int, fits: Callable[[Deed], bool]) -> int | None:
    return next((place + 1 for place in range(start, len(deeds)) if fits(deeds[place])), None)


def _all(places: Sequence[int | None]) -> int | None:
    found = [place for place in places if place is not None]
    return max(found) if len(found) == len(places) else None


def _any(places: Sequence[int | None]) -> int | None:
    return min((place for place in places if place is not None), default=None)


def _started(deed: Deed, flow: str) -> bool:
    return isinstance(deed.body, FlowStarted) and deed.body.flow == flow


def _ended(deed: Deed, outcome: str, wanted: Mapping[str, Any]) -> bool:
    body = deed.body
    if not isinstance(body, FlowEnded) or body.outcome != outcome or body.flow != wanted["flow_id"]:
        return False
    return bool(wanted.get("flow_step_id", body.step) == body.step)


def _set(deed: Deed, wanted: Mapping[str, Any]) -> bool:
    """Whether a slot was given this value, or any."""
    if not isinstance(deed.body, SlotSet) or deed.body.name != wanted["name"]:
        return False
    value = decoded(deed.body.value)
    if "value" not in wanted:
        return value is not None
    same = isinstance(value, bool) == isinstance(wanted["value"], bool)  # in Python, True is 1
    return same and bool(value == wanted["value"])


def _ran(deed: Deed, name: str) -> bool:
    """An action of the bot's own, a default one that a flow names, or a response."""
    match deed.body:
        case ActionRan(name=ran, ok=ok):
            return ok and ran == name
        case Sent(template=template):
            return template == name
    return deed.action == name and not name.startswith("utter_") and name in DEFAULT_ACTIONS


def _offers(deed: Deed, flows: Sequence[str]) -> bool:
    if not isinstance(deed.body, Sent):
        return False
    return {f"/StartFlow({flow})" for flow in flows} <= {button.payload for button in deed.body.buttons}
