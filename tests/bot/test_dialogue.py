"""From commands to steps: which of several wishes comes first."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import Ask, Command, Nothing, Refuse, SmallTalk, WantPerson
from bot.dialogue import (
    QUESTIONS,
    SMALL_TALK,
    Answer,
    Decline,
    HandOver,
    Say,
    after_abstaining,
    decide,
)
from bot.state import State
from bot.types import Outcome


def state(**given: Any) -> State:
    return State(conversation="c", **given)


commands = st.lists(
    st.one_of(
        st.builds(Ask, st.text(min_size=1, max_size=5)),
        st.builds(SmallTalk, st.sampled_from(sorted(SMALL_TALK))),
        st.builds(WantPerson, st.sampled_from(["asked", "threat", "crisis", "policy"])),
        st.builds(Refuse, st.sampled_from(["abuse", "injection", "too_long"]), st.booleans()),
        st.just(Nothing()),
    ),
    max_size=6,
)


@given(commands, st.integers(0, 5))
def test_there_is_always_one_kind_of_step_and_never_too_many(given: list[Command], strikes: int) -> None:
    steps = decide(state(strikes=strikes), given)
    assert len({type(step) for step in steps}) <= 1
    assert len(steps) <= QUESTIONS
    assert bool(steps) == any(not isinstance(command, Nothing) for command in given)


def test_a_question_is_answered_and_the_greeting_around_it_is_not() -> None:
    assert decide(state(), [SmallTalk("greeting"), Ask("where?"), SmallTalk("thanks")]) == [Answer("where?")]


def test_a_wish_for_a_person_goes_before_everything_and_the_gravest_reason_counts() -> None:
    steps = decide(state(), [Ask("where?"), Refuse("abuse", True), WantPerson("asked"), WantPerson("crisis")])
    assert steps == [HandOver("crisis", "urgent")]


def test_questions_beyond_the_third_are_asked_with_it() -> None:
    asked = [Ask(name) for name in "abcde"]
    assert decide(state(), asked) == [Answer("a"), Answer("b"), Answer("c d e")]


def test_the_same_question_twice_is_one() -> None:
    assert decide(state(), [Ask("a"), Ask("a")]) == [Answer("a")]


@pytest.mark.parametrize(
    ("strikes", "step"),
    [
        (0, Decline("abuse", True, "utter_blocked")),
        (1, Decline("abuse", True, "utter_blocked")),
        (2, HandOver("abuse", "medium")),
    ],
)
def test_the_third_strike_is_for_people(strikes: int, step: object) -> None:
    assert decide(state(strikes=strikes), [Refuse("abuse", True)]) == [step]


def test_an_attack_is_declined_however_often() -> None:
    declined = decide(state(strikes=9, last_outcome=Outcome.BLOCKED), [Refuse("injection")])
    assert declined == [Decline("injection", False, "utter_blocked_again")]


def test_a_refusal_with_words_of_its_own_uses_them() -> None:
    assert decide(state(), [Refuse("too_long")]) == [Decline("too_long", False, "utter_too_long")]


def test_a_greeting_later_on_welcomes_back() -> None:
    assert decide(state(), [SmallTalk("greeting")]) == [Say("utter_greeting")]
    assert decide(state(turns=3), [SmallTalk("greeting")]) == [Say("utter_welcome_back")]


def test_of_several_courtesies_the_weightiest_is_answered() -> None:
    assert decide(state(), [SmallTalk("greeting"), SmallTalk("anger")]) == [Say("utter_anger")]


@pytest.mark.parametrize(("failures", "follows"), [(0, None), (1, HandOver("failures", "medium"))])
def test_two_failures_in_a_row_bring_a_person(failures: int, follows: object) -> None:
    assert after_abstaining(state(failures=failures), 2) == follows
