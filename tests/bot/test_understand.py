"""What customers write, and what it is understood as."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import Ask, Nothing, SmallTalk, WantPerson
from bot.state import State
from bot.types import Button, Outcome
from bot.understand import detect_language, understand

PERSON = Button(title="Talk to a person", payload="/handover")
PRICES = Button(title="What does express cost?", payload="/SetSlots(topic=express)")


def read(text: str, **known: Any) -> object:
    (command,) = understand(text, None, State(conversation="c", **known), "en")
    return command


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Hi!", "greeting"),
        ("hellooo there", "greeting"),
        ("Good morning :)", "greeting"),
        ("您好，在吗？", "greeting"),
        ("Hi! How are you today?", "how_are_you"),
        ("Thanks a lot for your help!!", "thanks"),
        ("thx, bye", "goodbye"),
        ("谢谢您的帮助", "thanks"),
        ("再见", "goodbye"),
        ("Are you a real person or a bot?", "identity"),
        ("what's your name", "identity"),
        ("你是机器人吗？", "identity"),
        ("What can you do?", "capabilities"),
        ("help", "capabilities"),
        ("你能做什么", "capabilities"),
        ("you are awesome", "compliment"),
        ("ok great 👍", "acknowledgement"),
        ("好的", "acknowledgement"),
        ("This is ridiculous, your service is terrible!", "anger"),
        ("you are useless", "anger"),
        ("气死我了，垃圾服务！", "anger"),
        ("???", "unclear"),
        ("yes", "unclear"),
    ],
)
def test_small_talk_is_small_talk(text: str, kind: str) -> None:
    assert read(text) == SmallTalk(kind)


@pytest.mark.parametrize(
    "text",
    [
        "I want to talk to a person",
        "can i speak with someone please",
        "connect me to an agent",
        "HUMAN!!",
        "I don't want to talk to a bot",
        "let me speak to your manager",
        "Is there a real person I can chat with?",
        "I don't want to write to a machine, I need a human",
        "转人工",
        "我要找真人客服",
        "叫你们经理来",
    ],
)
def test_a_wish_for_a_person_is_one(text: str) -> None:
    assert read(text) == WantPerson("asked")


@pytest.mark.parametrize(
    "text",
    [
        "Where is my parcel?",
        "what the hell is the return window?",
        "Do I have to hand it over in person?",
        "Can someone else collect my parcel?",
        "Can I transfer a gift card to another person?",
        "I talked to an agent yesterday and he promised a refund. When does it come?",
        "I don't want to talk to a person, just tell me the price",
        "How do I descale the kettle? Thanks!",
        "Is the agent in the descaler safe?",
        "The kettle is dead",
        "E4",
        "42",
        "怎么退货？",
        "你好，我的包裹到哪里了？",
        "保修期多长",
    ],
)
def test_a_question_is_a_question(text: str) -> None:
    assert isinstance(read(text), Ask)


def test_the_greeting_before_a_question_is_left_out_and_nothing_else() -> None:
    assert read("Hi there, Where is my parcel?") == Ask("Where is my parcel?")
    assert read("你好，怎么退货？") == Ask("怎么退货？")
    assert read("Thanks for the kettle, but it leaks") == Ask("Thanks for the kettle, but it leaks")
    assert read("Hide the price, please") == Ask("Hide the price, please")


def test_a_payload_counts_only_when_it_was_offered() -> None:
    state = State(conversation="c", offered=(PERSON, PRICES))
    assert understand("", "/handover", state, "en") == [WantPerson("asked")]
    assert understand("", PRICES.payload, state, "en") == [Ask("What does express cost?")]
    assert understand("", "/handover", State(conversation="c"), "en") == [Nothing()]
    assert understand("/handover", None, state, "en") == [Ask("/handover")]


def test_a_choices_title_typed_is_the_choice() -> None:
    assert read("what does express cost?", choices=(PRICES,)) == Ask("What does express cost?")


@pytest.mark.parametrize("text", ["yes", "Yes please!", "ok", "sure", "好的", "要", "👍"])
def test_a_yes_to_an_offered_person_brings_one(text: str) -> None:
    assert read(text, last_outcome=Outcome.ABSTAINED) == WantPerson("asked")
    assert read(text, choices=(PERSON,)) == WantPerson("asked")


@pytest.mark.parametrize("text", ["no", "No thanks", "不用了"])
def test_a_no_to_an_offered_person_brings_none(text: str) -> None:
    assert read(text, last_outcome=Outcome.ABSTAINED) == SmallTalk("acknowledgement")


def test_an_empty_message_is_nothing() -> None:
    assert read("") == Nothing()
    assert read(" \n ") == Nothing()


@given(st.text(max_size=200))
def test_any_text_is_understood_as_one_command(text: str) -> None:
    assert len(understand(text, None, State(conversation="c"), "en")) == 1


@pytest.mark.parametrize(
    ("text", "default", "language"),
    [
        ("Where is my parcel?", "zh", "en"),
        ("我的包裹在哪里？", "en", "zh"),
        ("我的 iPhone 充电器坏了", "en", "zh"),
        ("ok", "zh", "zh"),
        ("liwei@example.com", "zh", "zh"),
        ("订单 TW-48210102，邮箱 liwei@example.com", "en", "zh"),
        ("E4", "zh", "zh"),
        ("12345", "zh", "zh"),
        ("", "zh", "zh"),
        ("荷物はどこですか", "en", "en"),
        ("택배 어디에 있나요", "en", "en"),
        ("Где моя посылка?", "en", "en"),
        ("¿Dónde está mi paquete?", "en", "en"),
    ],
)
def test_the_language_is_the_scripts(text: str, default: str, language: str) -> None:
    assert detect_language(text, default) == language


def test_a_language_that_the_bot_does_not_speak_is_never_chosen() -> None:
    assert detect_language("我的包裹在哪里？", "en", ["en"]) == "en"
    assert detect_language("Where is my parcel?", "zh", ["zh"]) == "zh"
