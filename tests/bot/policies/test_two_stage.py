"""The two-stage fallback: what follows what the customer said since one message was not understood."""

from __future__ import annotations

import pytest

from bot.flows.story import Beat
from bot.policies import two_stage
from bot.policies.two_stage import FALLBACK, NAME, NO, Step

BEGUN = [Beat("loop", "order_form"), Beat("user", FALLBACK), Beat("action", NAME), Beat("loop", NAME)]


@pytest.mark.parametrize(
    ("said", "follows"),
    [
        (["order"], "understood"),
        ([NO], "rephrase"),
        ([FALLBACK], "give_up"),
        ([NO, "order"], "understood"),
        ([NO, FALLBACK], "affirm"),
        ([NO, FALLBACK, NO], "give_up"),
        ([NO, FALLBACK, FALLBACK], "give_up"),
        ([NO, NO], "rephrase"),
    ],
)
def test_each_answer_leads_on_as_in_rasa(said: list[str], follows: Step) -> None:
    assert two_stage.step([*BEGUN, *(Beat("user", name) for name in said)]) == follows


def test_the_first_message_that_is_not_understood_is_asked_about() -> None:
    assert two_stage.step([Beat("user", "order"), Beat("user", FALLBACK)]) == "affirm"
    closed = [*BEGUN, Beat("user", "order"), Beat("loop", "order_form"), Beat("user", FALLBACK)]
    assert two_stage.step(closed) == "affirm"


def test_the_form_that_was_open_goes_on_afterwards() -> None:
    assert two_stage.interrupted([*BEGUN, Beat("user", "order")]) == "order_form"
    assert two_stage.interrupted(BEGUN[1:]) is None
