"""Generative assertions: which reply they are about, and how it scores."""

from __future__ import annotations

from typing import Any

import pytest

from bot.engines.fake import FakeChecker, FakeEncoder
from bot.events import Sent
from bot.flows.model import NOWHERE
from bot.scripted import judge
from bot.scripted.happened import Deed
from bot.scripted.matching import holds
from bot.scripted.script import Assertion
from bot.types import Citation, Words

CITED = Citation(
    collection="help",
    document="delivery",
    version="1",
    title="Delivery",
    quote="A parcel takes two working days.",
    start=0,
    end=32,
)
ANSWER = Sent(reply_id="1", text=Words(text="A parcel takes two working days."), citations=(CITED,))
SCRIPTED = Sent(reply_id="2", text=Words(text="Goodbye."), template="utter_goodbye")


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        ({}, 2),
        ({"utter_source": "EnterpriseSearchPolicy"}, 2),
        ({"utter_source": "ContextualResponseRephraser"}, 1),
        ({"utter_name": "utter_goodbye"}, 1),
        ({"utter_name": "utter_hello"}, None),
    ],
)
def test_a_generative_assertion_is_about_an_answer_or_the_response_that_it_names(
    wanted: dict[str, Any], place: int | None
) -> None:
    assertion = Assertion("generative_response_is_grounded", {"threshold": 0.5, **wanted}, NOWHERE)
    assert holds(assertion, [Deed(SCRIPTED), Deed(ANSWER)]) == place


async def test_an_answer_is_grounded_in_what_it_cites_or_in_the_given_truth() -> None:
    checker = FakeChecker()
    await checker.start()
    question = "How long does a parcel take?"
    assert await judge.grounded(checker, question, ANSWER, None) > 0.8
    assert await judge.grounded(checker, question, ANSWER, "Bicycles are green.") < 0.5
    assert await judge.grounded(checker, question, SCRIPTED, None) == 0.0


async def test_an_answer_is_relevant_where_it_is_close_to_the_question() -> None:
    encoder = FakeEncoder()
    await encoder.start()
    near = await judge.relevant(encoder, "How many working days takes a parcel?", ANSWER)
    far = await judge.relevant(encoder, "How many working days takes a parcel?", SCRIPTED)
    assert near > far + 0.2
