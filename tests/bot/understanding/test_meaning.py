"""Messages to commands, by the rules and the fake engines: real models are measured with `bench understand`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

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
from bot.engines.fake import FakeEncoder
from bot.errors import EngineTimeout
from bot.flows.expecting import Expecting, Startable, Wanted
from bot.flows.model import Flow, Slot
from bot.state import State
from bot.understanding.meaning import Knowledge, Understanding

FLOWS = (
    Startable("transfer_money", "transfer money", "Send money to a contact"),
    Startable("check_balance", "check balance", "Tell the balance of an account"),
)


def wanted(
    name: str, type_: Any = "text", description: str = "", value: Any = None, values: tuple[str, ...] = ()
) -> Wanted:
    return Wanted(Slot(name, type_, values=values), description, "", (), value)


AMOUNT = wanted("amount", "float", "amount of money to send")
DATE = wanted("date", description="when to send it")
RECIPIENT = wanted("recipient", description="name of the person who gets the money")
OPEN = Flow("transfer_money", "transfer money", "", {})


async def meant(text: str, **said: Any) -> list[Command]:
    encoder = FakeEncoder()
    await encoder.start()
    understanding = Understanding(encoder=encoder, clock=lambda: datetime(2026, 11, 23, 12))
    return await understanding(text, Expecting(flows=FLOWS, **said), State(conversation="c"), "en")


async def test_a_process_that_is_named_begins() -> None:
    assert await meant("I want to transfer money") == [StartFlow("transfer_money")]


async def test_what_the_same_message_tells_is_filled() -> None:
    found = await meant("transfer money on Friday", collects={"transfer_money": (AMOUNT, DATE)})
    assert found == [StartFlow("transfer_money"), SetSlot("date", "2026-11-27")]


async def test_a_question_for_the_documents_is_no_business_of_processes() -> None:
    assert await meant("What are your opening hours?") == []
    assert await meant("What are your opening hours?", open_flow=OPEN, asking=AMOUNT) == []


async def test_a_request_and_a_question_in_one_message_are_both_heard() -> None:
    found = await meant("Please transfer money. What are your opening hours?")
    assert found == [StartFlow("transfer_money"), Ask("What are your opening hours?")]


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("never mind", CancelFlow()),
        ("cancel that please", CancelFlow()),
        ("取消", CancelFlow()),
        ("why do you need that?", AskWhy()),
        ("为什么要问这个？", AskWhy()),
        ("sorry, what?", Repeat()),
        ("再说一遍", Repeat()),
        ("I'd rather not say", SkipQuestion()),
        ("I don't know", SkipQuestion()),
        ("不知道", SkipQuestion()),
        ("purple", CannotHandle()),
    ],
)
async def test_words_that_steer_fill_no_slot(text: str, command: Command) -> None:
    assert await meant(text, open_flow=OPEN, asking=AMOUNT) == [command]


async def test_several_slots_are_filled_from_one_sentence() -> None:
    found = await meant("around 20 on Friday", open_flow=OPEN, asking=AMOUNT, others=(DATE,))
    assert found == [SetSlot("amount", 20.0), SetSlot("date", "2026-11-27")]


async def test_a_name_beside_an_amount_is_the_name_that_was_asked_for() -> None:
    found = await meant("50 dollars to John", open_flow=OPEN, asking=RECIPIENT, others=(AMOUNT, DATE))
    assert found == [SetSlot("amount", 50.0), SetSlot("recipient", "John")]


async def test_what_is_negated_is_not_the_value() -> None:
    assert await meant("not 50, 30", open_flow=OPEN, asking=AMOUNT) == [SetSlot("amount", 30.0)]


@pytest.mark.parametrize("text", ["no, I meant 30", "not 50, 30", "change the amount to 30", "不对，改成三十"])
async def test_a_correction_changes_the_slot_and_is_no_refusal(text: str) -> None:
    filled = (
        wanted("amount", "float", "amount of money to send", 50.0),
        wanted("date", description="when", value="2026-11-24"),
    )
    found = await meant(text, open_flow=OPEN, asking=wanted("confirmation", "bool"), filled=filled)
    assert found == [SetSlot("amount", 30.0)]


async def test_a_bare_yes_or_no_answers_the_confirmation() -> None:
    asking = wanted("confirmation", "bool")
    assert await meant("yes please go ahead", open_flow=OPEN, asking=asking) == [SetSlot("confirmation", True)]
    assert await meant("不是", open_flow=OPEN, asking=asking) == [SetSlot("confirmation", False)]


async def test_where_everything_said_is_the_value_it_is_taken_whole() -> None:
    found = await meant("cancel it all", open_flow=OPEN, asking=RECIPIENT, forced=True)
    assert found == [SetSlot("recipient", "cancel it all")]


async def test_the_choice_among_processes_is_taken_by_place_or_name() -> None:
    offered = ("transfer_money", "check_balance")
    assert await meant("the second one", choosing=offered) == [StartFlow("check_balance")]


async def test_two_processes_that_are_as_likely_are_asked_about() -> None:
    twins = (Startable("a", "card order", "Order a new card"), Startable("b", "card block", "Block a lost card"))
    encoder = FakeEncoder()
    await encoder.start()
    understanding = Understanding(encoder=encoder, clock=lambda: datetime(2026, 11, 23, 12))
    found = await understanding("card card card", Expecting(flows=twins), State(conversation="c"), "en")
    assert found in ([Clarify(("a", "b"))], [Clarify(("b", "a"))])


async def test_where_an_engine_fails_the_rules_go_on() -> None:
    encoder = FakeEncoder()
    await encoder.start()
    encoder.error = EngineTimeout("encoder did not answer")
    understanding = Understanding(encoder=encoder, clock=lambda: datetime(2026, 11, 23, 12))
    expecting = Expecting(flows=FLOWS, open_flow=OPEN, asking=DATE)
    found = await understanding("could you perhaps do it next Friday for us?", expecting, State(conversation="c"), "en")
    assert found == [SetSlot("date", "2026-12-04")]


async def said_of(text: str, knowledge: Knowledge, **said: Any) -> list[Command]:
    understanding = Understanding(knowledge=knowledge, clock=lambda: datetime(2026, 11, 23, 12))
    return await understanding(text, Expecting(flows=FLOWS, **said), State(conversation="c"), "en")


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("How do I transfer money?", False),
        ("Can I transfer money abroad?", False),
        ("How long does it take to transfer money?", False),
        ("I want to transfer money", True),
        ("transfer money", True),
    ],
)
async def test_where_documents_answer_a_question_of_how_it_goes_begins_nothing(text: str, begins: bool) -> None:
    assert await meant(text, documents=True) == ([StartFlow("transfer_money")] if begins else [])


async def test_without_documents_a_question_of_how_it_goes_is_a_wish() -> None:
    assert await meant("How do I transfer money?") == [StartFlow("transfer_money")]


async def test_chinese_wishes_begin_a_process_and_chinese_questions_do_not() -> None:
    known = Knowledge(examples={"transfer_money": ("我要转账",)})
    assert await said_of("帮我转账", known, documents=True) == [StartFlow("transfer_money")]
    for question in ("怎么转账？", "转账要多久？", "可以转账到国外吗？", "转账手续费"):
        assert await said_of(question, known, documents=True) == [], question


async def test_a_text_of_a_shape_that_the_bot_gives_is_noticed_in_passing() -> None:
    known = Knowledge(patterns={"recipient": (r"\b[A-Z][a-z]+ Weber\b",)})
    found = await said_of("transfer money to Jonas Weber", known, collects={"transfer_money": (AMOUNT, RECIPIENT)})
    assert found == [StartFlow("transfer_money"), SetSlot("recipient", "Jonas Weber")]


async def test_what_resembles_an_earlier_text_puts_it_right() -> None:
    street = wanted("street", description="the street", value="Kerkstraat 5")
    found = await meant(
        "sorry, I meant Kerkstraat 7", open_flow=OPEN, asking=wanted("city"), filled=(street,), others=(AMOUNT,)
    )
    assert found == [SetSlot("street", "Kerkstraat 7")]


async def test_of_two_addresses_the_one_that_was_asked_for_is_given() -> None:
    old = wanted("proof", description="the e-mail address of the order")
    new = wanted("new_email", description="the new e-mail address")
    found = await meant("my email is ann@example.com", open_flow=OPEN, asking=old, others=(new,))
    assert found == [SetSlot("proof", "ann@example.com")]


@pytest.mark.parametrize(
    ("text", "kind"), [("ok thanks", "thanks"), ("hello", "greeting"), ("this is ridiculous, you are useless", "anger")]
)
async def test_small_talk_is_no_answer_to_an_open_question(text: str, kind: str) -> None:
    order = wanted("order_number", description="the order number")
    assert await meant(text, open_flow=OPEN, asking=order) == [SmallTalk(kind)]


async def test_the_open_process_asked_for_anew_changes_its_values() -> None:
    paid = wanted("amount", "float", "amount of money to send", value=50.0)
    found = await meant("can you transfer money, the amount is 80?", open_flow=OPEN, asking=RECIPIENT, filled=(paid,))
    assert found == [SetSlot("amount", 80.0)]
