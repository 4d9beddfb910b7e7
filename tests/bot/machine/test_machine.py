"""The machine: flows, digressions, corrections and repairs, from commands alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.commands import (
    Ask,
    AskWhy,
    CancelFlow,
    CannotHandle,
    Clarify,
    Command,
    Repeat,
    SetSlot,
    SkipQuestion,
    SmallTalk,
    StartFlow,
)
from bot.flows.load import Loaded, load
from bot.machine import expecting
from bot.machine.walk import Walk
from tests.bot.flows.bots import write
from tests.bot.machine.talk import Talk, same

ACTS = {"action_check_funds": lambda slots: {"has_funds": (slots.get("amount") or 0) <= 100}}


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load(write(tmp_path_factory.mktemp("bank")))


@pytest.fixture
def talk(bank: Loaded) -> Talk:
    return Talk(bank, ACTS)


@pytest.fixture
def confirming(talk: Talk) -> Talk:
    talk.say(StartFlow("transfer"), SetSlot("recipient", "Ann"), SetSlot("amount", "50"))
    return talk


def test_several_slots_in_one_message_are_asked_for_no_more(confirming: Talk) -> None:
    assert confirming.say(SetSlot("confirmation", True)) == [
        "run: action_execute_transfer",
        "utter_sent",
        "utter_can_do_something_else",
    ]
    assert confirming.open == []
    assert "recipient" not in confirming.slots


def test_a_refused_value_is_told_and_asked_for_again(talk: Talk) -> None:
    talk.say(StartFlow("transfer"))
    assert talk.say(SetSlot("recipient", "1Ann")) == ["utter_bad_recipient", "utter_ask_recipient"]


def test_a_correction_goes_back_and_does_again_what_follows(confirming: Talk) -> None:
    told = confirming.say(SetSlot("amount", 60))
    assert told == ["utter_corrected_previous_input", "run: action_check_funds", "utter_ask_confirmation"]
    assert confirming.told["utter_ask_confirmation"] == "Send 60 to Ann?"


def test_a_branch_may_lead_back(talk: Talk) -> None:
    told = talk.say(StartFlow("transfer"), SetSlot("recipient", "Ann"), SetSlot("amount", 500))
    assert told == ["run: action_check_funds", "utter_no_funds", "utter_ask_amount"]


def test_a_digression_returns_to_the_open_question(confirming: Talk) -> None:
    assert confirming.say(StartFlow("paint")) == ["utter_ask_colour"]
    assert confirming.open == ["transfer", "paint"]
    assert confirming.say(SetSlot("colour", "RED")) == [
        "utter_coloured",
        "utter_flow_continue_interrupted",
        "utter_ask_confirmation",
    ]
    assert confirming.slots["colour"] == "red"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (Ask("is it free?"), ["answer: is it free?", "utter_ask_confirmation"]),
        (SmallTalk("thanks"), ["talk: thanks", "utter_ask_confirmation"]),
        (SkipQuestion(), ["utter_skip_question_answer", "utter_ask_confirmation"]),
        (AskWhy(), ["utter_question_reason", "utter_ask_confirmation"]),
        (CannotHandle(), ["utter_ask_rephrase", "utter_ask_confirmation"]),
        (Repeat(), ["again"]),
        (Clarify(("paint", "block")), ["utter_clarification_options_rasa"]),
        (CancelFlow(), ["utter_flow_cancelled_rasa"]),
    ],
)
def test_a_repair_in_the_middle(confirming: Talk, command: Command, told: list[str]) -> None:
    assert confirming.say(command) == told


def test_a_clarification_offers_its_choices_as_buttons(talk: Talk) -> None:
    talk.say(Clarify(("paint", "block")))
    assert talk.buttons == ["/StartFlow(paint)", "/StartFlow(block)"]


def test_twice_not_understood_brings_a_person(talk: Talk) -> None:
    assert talk.say(CannotHandle()) == ["utter_ask_rephrase"]
    assert talk.say(CannotHandle()) == ["person: failures"]


def test_a_flow_is_called_and_another_linked_to(talk: Talk) -> None:
    assert talk.say(StartFlow("block")) == ["utter_ask_card"]
    assert talk.open == ["block", "which_card"]
    assert talk.say(SetSlot("card", "visa")) == ["utter_ask_reason"]
    assert talk.say(SetSlot("reason", "paint")) == ["utter_ask_colour"]
    assert talk.open == ["paint"]


def test_what_must_not_be_started_is_not(talk: Talk) -> None:
    talk.say(SetSlot("verified", False))
    assert talk.say(StartFlow("transfer")) == ["utter_cannot_handle"]
    assert talk.say(StartFlow("which_card")) == ["person: failures"]


def test_an_action_that_fails_ends_everything_with_a_person(bank: Loaded) -> None:
    talk = Talk(bank, {"action_check_funds": None})
    told = talk.say(StartFlow("transfer"), SetSlot("recipient", "Ann"), SetSlot("amount", 5))
    assert told == ["run: action_check_funds", "utter_internal_error_rasa", "person: error"]


def test_a_flow_that_goes_in_circles_ends_with_a_person(tmp_path: Path) -> None:
    steps = "      - {id: a, noop: true, next: b}\n      - {id: b, noop: true, next: a}"
    circle = f"flows:\n  f:\n    description: d\n    steps:\n{steps}"
    told = Talk(load(write(tmp_path, flows=circle))).say(StartFlow("f"))
    assert told == ["utter_internal_error_rasa", "person: error"]


def test_understanding_is_told_what_may_be_said(confirming: Talk) -> None:
    told = expecting(confirming.bot, confirming.state)
    assert told.asking is not None
    assert (told.asking.name, told.asking.choices) == ("confirmation", (("Yes", True), ("No", False)))
    assert [item.name for item in told.filled] == ["recipient", "amount"]
    assert {flow.id for flow in told.flows} == {"transfer", "paint", "block"}


commands = st.sampled_from(
    [
        StartFlow("transfer"),
        StartFlow("paint"),
        StartFlow("block"),
        StartFlow("nowhere"),
        CancelFlow(),
        SetSlot("recipient", "Ann"),
        SetSlot("recipient", "1"),
        SetSlot("amount", 7),
        SetSlot("amount", "many"),
        SetSlot("amount", 900),
        SetSlot("confirmation", False),
        SetSlot("colour", "blue"),
        SetSlot("card", "visa"),
        SetSlot("reason", "paint"),
        SetSlot("reason", None),
        Ask("why?"),
        Clarify(("paint", "block")),
        Repeat(),
        SkipQuestion(),
        CannotHandle(),
    ]
)


@settings(max_examples=60, deadline=None)
@given(turns=st.lists(st.lists(commands, max_size=3), max_size=8))
def test_whatever_is_said_the_folded_state_is_the_walks_and_a_question_is_open(
    bank: Loaded, turns: list[list[Command]]
) -> None:
    talk, again = Talk(bank, ACTS), Talk(bank, ACTS)
    for turn in turns:
        assert talk.say(*turn) == again.say(*turn)
        assert same(Walk(bank, talk.state), talk.state)
        assert len(talk.state.stack) < 20
