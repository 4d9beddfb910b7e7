"""A bot with Rasa's two-stage fallback, in whole turns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.actions.fake import FakeActions
from bot.engines.fake import FakeEncoder
from bot.flows.load import load
from bot.results import ActionResponse, ActionResult
from bot.settings import Settings
from bot.types import Outcome
from tests.bot.test_assistant import Restaurant, said

DOMAIN = """
version: "3.1"
intents: [order, hours, out_of_scope]
responses:
  utter_order: [{text: "What would you like?"}]
  utter_hours: [{text: "From noon to ten."}]
  utter_default: [{text: "I give up."}]
"""
RULES = """
version: "3.1"
rules:
  - rule: order
    steps: [{intent: order}, {action: utter_order}]
  - rule: hours
    steps: [{intent: hours}, {action: utter_hours}]
  - rule: two stages
    steps:
      - intent: nlu_fallback
      - action: action_two_stage_fallback
      - active_loop: action_two_stage_fallback
"""
NLU = """
version: "3.1"
nlu:
  - intent: order
    examples: |
      - I want to order a pizza
  - intent: hours
    examples: |
      - when do you open today
"""
AFFIRM, REPHRASE = "utter_ask_affirmation", "utter_ask_rephrase"
UNCLEAR = "pizza pizza qwerty"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bot = tmp_path / "bot"
    (bot / "data").mkdir(parents=True)
    (bot / "domain.yml").write_text(DOMAIN, encoding="utf-8")
    (bot / "config.yml").write_text(
        "language: en\npipeline: [{name: FallbackClassifier, threshold: 0.99}]\npolicies: [{name: RulePolicy}]\n",
        encoding="utf-8",
    )
    (bot / "data" / "rules.yml").write_text(RULES, encoding="utf-8")
    (bot / "data" / "nlu.yml").write_text(NLU, encoding="utf-8")
    return bot


@pytest.fixture
async def shop(folder: Path, make_settings: Callable[..., Settings], tmp_path: Path) -> AsyncIterator[Restaurant]:
    encoder = FakeEncoder()
    await encoder.start()
    rig = Restaurant(make_settings(), tmp_path, FakeActions(), folder, encoder)
    await rig.open()
    yield rig
    await rig.close()


def test_it_is_at_home_here(folder: Path) -> None:
    assert load(folder).problems == ()


async def test_what_may_be_meant_is_offered_and_a_yes_is_taken_up(shop: Restaurant) -> None:
    asked = await shop.say(UNCLEAR)
    assert (said(asked), asked.outcome) == ([AFFIRM], Outcome.ASKED)
    assert "I want to order a pizza" in asked.replies[0].text
    assert [button.payload for button in asked.replies[0].buttons] == ["/order", "/out_of_scope"]
    assert said(await shop.say("", payload="/order")) == ["utter_order"]
    assert (await shop.state()).loop is None
    assert said(await shop.say("when do you open today")) == ["utter_hours"]


async def test_after_a_no_it_is_to_be_said_differently_and_is_understood_then(shop: Restaurant) -> None:
    await shop.say(UNCLEAR)
    assert said(await shop.say("", payload="/out_of_scope")) == [REPHRASE]
    assert said(await shop.say("when do you open today")) == ["utter_hours"]


async def test_after_the_second_no_a_person_takes_over(shop: Restaurant) -> None:
    await shop.say(UNCLEAR)
    await shop.say("", payload="/out_of_scope")
    assert said(await shop.say(UNCLEAR)) == [AFFIRM]
    last = await shop.say("", payload="/out_of_scope")
    assert (said(last)[0], last.outcome) == ("utter_default", Outcome.HANDED_OVER)


async def test_two_in_a_row_that_nothing_is_made_of_are_enough(shop: Restaurant) -> None:
    await shop.say(UNCLEAR)
    last = await shop.say("zxcvb asdf")
    assert (said(last)[0], last.outcome) == ("utter_default", Outcome.HANDED_OVER)
    assert (await shop.state()).loop is None


async def test_a_bot_may_ask_in_its_own_words(
    folder: Path, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    domain = folder / "domain.yml"
    domain.write_text(domain.read_text() + "actions: [action_default_ask_affirmation]\n")
    shown: list[list[str]] = []

    def ask(call: object) -> ActionResult:
        ranking = call.tracker["latest_message"]["intent_ranking"]  # type: ignore[attr-defined]
        shown.append([each["name"] for each in ranking])
        return ActionResult(responses=(ActionResponse(text="An order?"),))

    encoder = FakeEncoder()
    await encoder.start()
    actions = FakeActions({"action_default_ask_affirmation": ask})
    await actions.start()
    rig = Restaurant(make_settings(), tmp_path, actions, folder, encoder)
    await rig.open()
    try:
        assert said(await rig.say(UNCLEAR)) == ["An order?"]
        assert shown == [["nlu_fallback", "order"]]
    finally:
        await rig.close()
