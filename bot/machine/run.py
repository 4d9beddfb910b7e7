"""Walks: from step to step until the customer has the word, or the outside something to do."""

from __future__ import annotations

from collections.abc import Sequence

from bot.commands import Command
from bot.events import SessionStarted
from bot.flows.load import Loaded
from bot.machine.commands import apply
from bot.machine.effects import Batch, HandOver
from bot.machine.session import STARTS
from bot.machine.steps import after, take
from bot.machine.walk import Walk
from bot.state import State

STEPS = 200
"""So many steps may one turn take; a flow that takes more goes in circles."""


def begin(
    bot: Loaded, state: State, commands: Sequence[Command], *, expired: bool = False, failures_in_a_row: int = 2
) -> Batch:
    """What follows from the commands of one message (or of a trigger that is none).

    `expired`: the last session ended before it. The first time, and after that, a session begins.
    """
    walk = Walk(bot, state, failures_in_a_row)
    fresh = state.session == 0 or expired
    if fresh:
        # What slots hold before the first session, somebody wants it to begin with.
        _new_session(walk, keep=bot.domain.session.carry_over_slots if state.session else bool(state.slots))
    apply(walk, commands)
    if fresh and any(pattern in walk.overridden for pattern in STARTS):
        walk.repair("pattern_session_start")
    return _walked(walk)


def resume(
    bot: Loaded,
    state: State,
    *,
    steps: int = 0,
    failed: str | None = None,
    refused: bool = False,
    failures_in_a_row: int = 2,
) -> Batch:
    """What follows after the outside has done its part. `steps` were taken in this turn; `failed`: it could not be
    done, and why (a word for the context of `pattern_internal_error`); `refused`: it may not be done, and the process
    that wanted it is over."""
    walk = Walk(bot, state, failures_in_a_row)
    walk.steps = steps
    if failed is not None:
        fail(walk, failed)
    elif refused and walk.top is not None:
        family = walk.family(walk.top)
        for frame in reversed(family):
            walk.close(frame, "cancelled")
        after(walk, family[0])
    return _walked(walk)


def fail(walk: Walk, why: str) -> None:
    """Everything that was open is given up, and the repair for it begins. A repair that fails itself: a person."""
    broken = any(frame.flow.id == "pattern_internal_error" for frame in walk.open)
    for frame in reversed(list(walk.open)):
        walk.close(frame, "failed")
    if broken:
        walk.outside = HandOver("error")
    else:
        walk.repair("pattern_internal_error", error_type=why, info={})


def _new_session(walk: Walk, *, keep: bool) -> None:
    walk.open.clear()
    if not keep:
        walk.slots = {name: slot.initial_value for name, slot in walk.domain.slots.items()}
    walk.items.append(SessionStarted(keep=keep))


def _walked(walk: Walk) -> Batch:
    circles = False
    while walk.outside is None and (frame := walk.top) is not None:
        walk.steps += 1
        if walk.steps > STEPS * (2 if circles else 1):
            if circles:
                walk.outside = HandOver("error")
                break
            circles = True
            fail(walk, "too_many_steps")
            continue
        if frame.phase == "waiting" or not take(walk, frame):
            break
    return Batch(tuple(walk.items), walk.outside, walk.steps)
