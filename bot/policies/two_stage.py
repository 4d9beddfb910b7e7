"""Rasa's two-stage fallback: what to do with the next message once one was not understood.

First the likeliest intent is offered ("Did you mean …?"); on a no, the customer is asked to put it another way; what is
not understood then is offered once more; and after the next no, or two messages in a row that nothing is made of, it is
given up. Whatever is understood meanwhile is taken up as if nothing had been in between.
Source: Rasa 3's `action_two_stage_fallback` (https://legacy-docs-oss.rasa.com/docs/rasa/fallback-handoff).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from bot.flows.story import Beat

NAME = "action_two_stage_fallback"
FALLBACK, NO = "nlu_fallback", "out_of_scope"

Step = Literal["affirm", "rephrase", "give_up", "understood"]


def step(told: Sequence[Beat]) -> Step:
    """What follows these beats of a conversation, the last of which the customer said."""
    opened = _opened(told)
    if opened is None:
        return "affirm"
    said = [FALLBACK, *(beat.name for beat in told[opened:] if beat.kind == "user")]
    if said[-1] not in (FALLBACK, NO):
        return "understood"
    if said[-2:] == [FALLBACK, FALLBACK] or said[-3:] == [NO, FALLBACK, NO]:
        return "give_up"
    return "affirm" if said[-1] == FALLBACK else "rephrase"


def interrupted(told: Sequence[Beat]) -> str | None:
    """The form that was open when the fallback began."""
    opened = _opened(told)
    before = told if opened is None else told[:opened]
    return next((beat.name for beat in reversed(before) if beat.kind == "loop"), None)


def _opened(told: Sequence[Beat]) -> int | None:
    """Where the fallback that is still going on began."""
    for at in range(len(told) - 1, -1, -1):
        if told[at].kind == "start" or (told[at].kind == "loop" and told[at].name != NAME):
            return None
        if told[at].kind == "loop":
            return at
    return None
