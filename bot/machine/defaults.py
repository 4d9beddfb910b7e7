"""The actions that every bot has. Each takes the walk and the frame that runs it; a bot's own of the same name wins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.flows.model import Call, Collect
from bot.machine.effects import Answer, HandOver, SayAgain, SmallTalk
from bot.machine.walk import Open, Walk
from bot.types import Button, Outcome


def correct_slots(walk: Walk, frame: Open) -> None:
    """Give the slots what they should have had, and go back to the first question that this concerns."""
    corrected: dict[str, Any] = frame.context.get("corrected_slots") or {}
    for name, value in corrected.items():
        walk.set(name, value, "customer")
        for process in reversed(walk.open):
            if process.is_user and name in process.flow.collects:
                _go_back(walk, process, name)
                break


def _go_back(walk: Walk, process: Open, name: str) -> None:
    """Put a process where it asks for the slot, if it is past that; what follows is done again with the new value."""
    for frame in walk.family(process):
        asks = _asks(walk, frame, name)
        inner = walk.family(frame)[walk.family(frame).index(frame) + 1 :]
        steps = list(frame.flow.steps)
        if asks is None or not frame.step or steps.index(asks) > steps.index(frame.step):
            return
        if asks == frame.step and inner:
            continue  # the flow that it called is at work there, and goes back itself
        for item in reversed(inner):
            walk.drop(item, "reset")
        step = frame.flow.steps[asks]
        walk.at(frame, asks, "asked" if isinstance(step, Collect) and step.ask_before_filling else "")
        return


def _asks(walk: Walk, frame: Open, name: str) -> str | None:
    """The step of the flow that asks for the slot, itself or through a flow that it calls."""
    for id, step in frame.flow.steps.items():
        if isinstance(step, Collect) and step.slot == name:
            return id
        if isinstance(step, Call) and step.flow in walk.flows and name in walk.flows[step.flow].collects:
            return id
    return None


def cancel(walk: Walk, frame: Open) -> None:
    """End the processes that the customer gave up."""
    given_up = set(frame.context.get("canceled_frames") or ())
    for item in reversed(list(walk.open)):
        if item.id in given_up:
            walk.close(item, "cancelled")


def clarify(walk: Walk, frame: Open) -> None:
    """The choices as text for the response; the buttons come with it."""
    names = [walk.flows[id].name for id in frame.context.get("names", ()) if id in walk.flows]
    frame.context = {**frame.context, "clarification_options": ", ".join(names)}


def choices(walk: Walk, frame: Open) -> tuple[Button, ...]:
    """A button for each flow that may be meant."""
    flows = [walk.flows[id] for id in frame.context.get("names", ()) if id in walk.flows]
    return tuple(Button(title=flow.name, payload=f"/StartFlow({flow.id})") for flow in flows)


def explain(walk: Walk, frame: Open) -> None:
    """Why something is asked: the bot's own words for it (`utter_why_<slot>`), else what it is for."""
    own = f"utter_why_{frame.context.get('slot')}"
    walk.say(own if own in walk.domain.responses else "utter_question_reason", frame)


def search(walk: Walk, frame: Open) -> None:
    """A question is answered from the documents."""
    walk.outside = Answer(str(frame.context.get("question", "")))


def small_talk(walk: Walk, frame: Open) -> None:
    walk.items.append(SmallTalk(str(frame.context.get("kind", "unclear"))))


def cannot_handle(walk: Walk, frame: Open) -> None:
    reason = frame.context.get("reason")
    known = {"cannot_handle_not_supported": "utter_cannot_handle", "not_allowed": "utter_cannot_handle"}
    walk.say(known.get(str(reason), "utter_ask_rephrase"), frame, outcome=Outcome.ABSTAINED)


def hand_over(walk: Walk, frame: Open) -> None:
    reason: Any = frame.context.get("reason", "asked")
    if frame.flow.id == "pattern_internal_error":
        reason = "error"
    walk.outside = HandOver(reason)


def repeat(walk: Walk, frame: Open) -> None:
    walk.items.append(SayAgain())


def restart(walk: Walk, frame: Open) -> None:
    """Nothing is open any more, and nothing is known."""
    for item in reversed(list(walk.open)):
        walk.drop(item, "cancelled")
    for name in list(walk.slots):
        walk.set(name, walk.initial(name), "reset")


def clean_stack(walk: Walk, frame: Open) -> None:
    """Nothing else is open any more."""
    for item in reversed(list(walk.open)):
        if item is not frame:
            walk.close(item, "cancelled")


def fallback(walk: Walk, frame: Open) -> None:
    walk.say("utter_default" if "utter_default" in walk.domain.responses else "utter_ask_rephrase", frame)


def nothing(walk: Walk, frame: Open) -> None:
    """What has no more to do here: the machine does it by itself."""


ACTIONS: dict[str, Callable[[Walk, Open], None]] = {
    "action_session_start": nothing,
    "action_correct_flow_slot": correct_slots,
    "action_cancel_flow": cancel,
    "action_clarify_flows": clarify,
    "action_explain_question": explain,
    "action_trigger_search": search,
    "action_small_talk": small_talk,
    "action_trigger_chitchat": small_talk,
    "action_cannot_handle": cannot_handle,
    "action_human_handoff": hand_over,
    "action_hangup": nothing,
    "action_repeat_bot_messages": repeat,
    "action_restart": restart,
    "action_clean_stack": clean_stack,
    "action_default_fallback": fallback,
    "action_default_ask_rephrase": fallback,
    "action_two_stage_fallback": fallback,
    "action_run_slot_rejections": nothing,
    "action_extract_slots": nothing,
    "action_validate_slot_mappings": nothing,
    "action_block_digressions": nothing,
    "action_continue_digression": nothing,
    "action_deactivate_loop": nothing,
    "action_unlikely_intent": nothing,
    "action_back": repeat,
}
