"""One step of a flow. `take` says whether the walk goes on; where it does not, the customer has the word."""

from __future__ import annotations

from bot.flows.conditions import fill_in
from bot.flows.model import END, Act, Call, Collect, LinkTo, Noop, SetSlots, Step
from bot.machine import defaults
from bot.machine.effects import RunAction
from bot.machine.values import Unfit, fitted
from bot.machine.walk import Open, Walk
from bot.types import Outcome

WAITING = ("pattern_clarification", "pattern_repeat_bot_messages")
"""After these the customer has the word, and the open question is not asked again: a choice is to be made, or the
question was among what was said again."""


def take(walk: Walk, frame: Open) -> bool:
    """Take the step that the frame on top stands at."""
    if not frame.step:
        walk.at(frame, frame.flow.first)
    step = frame.flow.steps[frame.step]
    match step:
        case Collect():
            return _collect(walk, frame, step)
        case Act():
            return _act(walk, frame, step)
        case SetSlots():
            for name, value in step.values:
                slot = walk.domain.slots.get(name)
                fit = fitted(slot, value) if slot is not None else value
                walk.set(name, value if isinstance(fit, Unfit) else fit)
            return leave(walk, frame, step)
        case Call():
            return _call(walk, frame, step)
        case LinkTo():
            return _link(walk, frame, step)
        case Noop():
            return leave(walk, frame, step)


def leave(walk: Walk, frame: Open, step: Step) -> bool:
    """Go where the step's branches lead."""
    for branch in step.next:
        if branch.condition is None or branch.condition.holds(walk.slots, frame.context):
            if branch.target == END:
                break
            walk.at(frame, branch.target)
            return True
    finish(walk, frame)
    return frame.flow.id not in WAITING


def finish(walk: Walk, frame: Open) -> None:
    """A flow has reached its end: what waits below goes on, or the conversation is where it began."""
    walk.close(frame, "completed")
    after(walk, frame)


def after(walk: Walk, frame: Open) -> None:
    """What follows a flow that is off the stack, completed or cancelled."""
    if not frame.is_user or frame.kind == "call":
        return
    below = walk.top
    if below is None:
        if frame.flow.run_pattern_completed:
            walk.repair("pattern_completed", previous_flow_name=frame.flow.name)
    elif below.is_user and below.step:
        name = walk.family(below)[0].flow.name
        walk.repair("pattern_continue_interrupted", previous_flow_name=name, interrupted_flow_names=[name])


# -- collect -----------------------------------------------------------------------------------------------------------


def _collect(walk: Walk, frame: Open, step: Collect) -> bool:
    if frame.phase == "" and step.ask_before_filling:
        walk.set(step.slot, None)
    if frame.phase == "asking":  # the action that asks has run
        walk.at(frame, step.id, "asked")
        return False
    if walk.slots.get(step.slot) is None:
        return _ask(walk, frame, step)
    if frame.phase != "validating":
        if _rejected(walk, frame, step):
            walk.set(step.slot, None)
            return _ask(walk, frame, step, refill=True)
        check = f"validate_{step.slot}"
        if check in walk.domain.actions:
            walk.at(frame, step.id, "validating")
            walk.outside = RunAction(check, f"{frame.flow.id}/{step.id}")
            return False
    return leave(walk, frame, step)


def _ask(walk: Walk, frame: Open, step: Collect, *, refill: bool = False) -> bool:
    slot = walk.domain.slots.get(step.slot)
    template = step.utter or f"utter_ask_{step.slot}"
    if refill and slot is not None and slot.refill_utter:
        template = slot.refill_utter
    action = f"action_ask_{step.slot}"
    if action in walk.domain.actions and (step.utter is None or template not in walk.domain.responses):
        walk.at(frame, step.id, "asking")
        walk.outside = RunAction(action, f"{frame.flow.id}/{step.id}")
        return False
    if frame.phase != "asked":
        walk.at(frame, step.id, "asked")
    walk.say(template, frame, outcome=Outcome.ASKED)
    return False


def _rejected(walk: Walk, frame: Open, step: Collect) -> bool:
    """Whether the value is refused; the customer is told why."""
    slot = walk.domain.slots.get(step.slot)
    for rejection in [*step.rejections, *(slot.rejections if slot is not None else ())]:
        if rejection.condition.holds(walk.slots, frame.context):
            walk.say(rejection.utter, frame, context={"value": walk.slots.get(step.slot)}, outcome=Outcome.ASKED)
            return True
    return False


# -- actions and other flows -------------------------------------------------------------------------------------------


def _act(walk: Walk, frame: Open, step: Act) -> bool:  # noqa: PLR0911 - one a kind of action
    if frame.phase in ("running", "listening"):
        return leave(walk, frame, step)
    name = fill_in(step.action, frame.context)
    if name in walk.domain.actions and not (name.startswith("utter_") and name in walk.domain.responses):
        walk.at(frame, step.id, "running")
        walk.outside = RunAction(name, f"{frame.flow.id}/{step.id}")
        return False
    if name.startswith("utter_"):
        buttons = defaults.choices(walk, frame) if frame.flow.id == "pattern_clarification" else ()
        walk.say(name, frame, buttons=buttons, outcome=Outcome.ASKED if buttons else Outcome.DONE)
        return leave(walk, frame, step)
    if name == "action_listen":
        walk.at(frame, step.id, "listening")
        return False
    known = defaults.ACTIONS.get(name)
    if known is None:  # a form or an action that the domain does not list: whoever runs actions may know it
        walk.at(frame, step.id, "running")
        walk.outside = RunAction(name, f"{frame.flow.id}/{step.id}")
        return False
    known(walk, frame)
    if walk.outside is not None:
        walk.at(frame, step.id, "running")
        return False
    return leave(walk, frame, step) if frame in walk.open else True


def _call(walk: Walk, frame: Open, step: Call) -> bool:
    if frame.phase == "called":
        return leave(walk, frame, step)
    walk.at(frame, step.id, "called")
    called = walk.flows.get(step.flow)
    if called is not None:
        walk.push(called, "call")
    return True


def _link(walk: Walk, frame: Open, step: LinkTo) -> bool:
    """The linked flow takes this one's place, and its caller's: a link does not come back."""
    family = walk.family(frame)
    linked = walk.flows.get(step.flow)
    for item in reversed(family):
        walk.close(item, "linked")
    if linked is None:
        after(walk, family[0])
    else:
        walk.push(linked, "pattern" if linked.is_pattern else "link")
    return True
