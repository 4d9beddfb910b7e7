"""A bot with intents as a stranger wrote it: rules, forms and stories in whole turns, actions in the process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from bot.actions.base import Actions
from bot.actions.fake import FakeActions
from bot.actions.local import LocalActions
from bot.assistant import Assistant
from bot.engines.base import Encoder
from bot.errors import ActionUnreachable
from bot.flows.load import load, with_base
from bot.flows.rasa_config import read_config
from bot.running import Running
from bot.settings import Settings
from bot.turn import TEMPLATES
from bot.types import Outcome, TurnResult
from bot.understanding.intents import Recognizer
from tests.bot.rig import Rig

RESTAURANT = Path(__file__).parents[1] / "bots" / "restaurant"


class Restaurant(Rig):
    """The stranger's bot; what customers write are examples of its own, so that no model is needed."""

    def __init__(
        self, settings: Settings, folder: Path, actions: Actions, bot: Path = RESTAURANT, encoder: Encoder | None = None
    ) -> None:
        super().__init__(settings, folder)
        loaded = load(bot)
        with_base(loaded.domain, TEMPLATES)
        thresholds = read_config(bot).thresholds
        events = partial(self.store.events, newest=300)
        self.turn.domain = self.turn.steps.domain = loaded.domain
        self.turn.steps.processes = Assistant(
            loaded,
            Recognizer(
                loaded.training.nlu, loaded.domain.entities, thresholds, encoder=encoder, clock=lambda: self.moment
            ),
            Running(loaded, actions, events),
            thresholds,
            clock=lambda: self.moment,
            events=events,
        )


Open = Callable[[Actions], Restaurant]


@pytest.fixture
async def restaurant(make_settings: Callable[..., Settings], tmp_path: Path) -> AsyncIterator[Restaurant]:
    actions = LocalActions(RESTAURANT)
    await actions.start()
    rig = Restaurant(make_settings(), tmp_path, actions)
    await rig.open()
    yield rig
    await rig.close()
    await actions.close()


def said(result: TurnResult) -> list[str | None]:
    return [reply.template or reply.text for reply in result.replies]


async def test_a_rule_answers_an_intent(restaurant: Restaurant) -> None:
    assert said(await restaurant.say("good morning")) == ["utter_greet"]
    assert said(await restaurant.say("are dogs allowed")) == ["utter_faq/ask_dogs"]


async def test_a_form_asks_until_it_has_everything_and_then_its_rule_goes_on(restaurant: Restaurant) -> None:
    asked = await restaurant.say("reserve a table for four please")
    assert (said(asked), asked.outcome) == (["utter_ask_cuisine"], Outcome.ASKED)
    assert (await restaurant.state()).loop == "restaurant_form"
    assert said(await restaurant.say("szechuan")) == ["utter_ask_restaurant_form_outdoor_seating"]
    assert said(await restaurant.say("yes")) == ["utter_ask_preferences"]
    done = await restaurant.say("a high chair")
    assert [reply.text for reply in done.replies] == [
        "All set, a table for 4, chinese food.",
        "Your booking number is T004.",
    ]
    state = await restaurant.state()
    assert (state.loop, state.slots["requested_slot"].text) == (None, "null")


async def test_what_the_validation_refuses_is_asked_for_again(restaurant: Restaurant) -> None:
    await restaurant.say("I am looking for a restaurant")
    assert said(await restaurant.say("mexican")) == ["We have no mexican kitchen.", "utter_ask_cuisine"]


async def test_another_intent_interrupts_a_form_which_then_asks_again(restaurant: Restaurant) -> None:
    await restaurant.say("I am looking for a restaurant")
    assert said(await restaurant.say("when do you open")) == ["utter_hours", "utter_ask_cuisine"]
    assert said(await restaurant.say("greek")) == ["utter_ask_num_people"]


async def test_a_button_fills_a_slot_of_the_form(restaurant: Restaurant) -> None:
    await restaurant.say("I am looking for a restaurant")
    assert said(await restaurant.say("", payload='/inform{"cuisine": "greek"}')) == ["utter_ask_num_people"]


async def test_a_story_leaves_a_form_or_goes_on_with_it(restaurant: Restaurant) -> None:
    await restaurant.say("I am looking for a restaurant")
    assert said(await restaurant.say("stop")) == ["utter_ask_continue"]
    assert said(await restaurant.say("yes")) == ["utter_ask_cuisine"]


async def test_a_story_closes_a_form(restaurant: Restaurant) -> None:
    await restaurant.say("I am looking for a restaurant")
    await restaurant.say("stop")
    assert said(await restaurant.say("no")) == ["utter_stopped"]
    assert (await restaurant.state()).loop is None
    assert said(await restaurant.say("hi")) == ["utter_greet"]


async def test_stories_go_on_at_their_checkpoints(restaurant: Restaurant) -> None:
    assert said(await restaurant.say("I am so sad")) == ["utter_cheer_up"]
    assert said(await restaurant.say("thanks")) == ["utter_noworries"]  # a rule comes before a story
    await restaurant.say("I am so sad")
    assert said(await restaurant.say("not really")) == ["utter_sorry"]


async def test_what_is_not_known_follows_the_rule_for_it_or_the_fallback_and_then_a_person(
    restaurant: Restaurant,
) -> None:
    assert said(await restaurant.say("colourless green ideas")) == ["utter_please_rephrase"]
    again = await restaurant.say("no")  # known, and nothing says what to do
    assert (said(again), again.outcome) == (["utter_default"], Outcome.ABSTAINED)
    third = await restaurant.say("no")
    assert said(third)[0] == "utter_default"
    assert third.outcome is Outcome.HANDED_OVER


async def test_a_failing_action_server_brings_a_person_in(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    gone = FakeActions({"validate_restaurant_form": ActionUnreachable("validate_restaurant_form", "nobody answers")})
    rig = await Restaurant(make_settings(), tmp_path, gone).open()
    try:
        result = await rig.say("I am looking for a restaurant")
        assert (result.outcome, result.details["reason"]) == (Outcome.HANDED_OVER, "error")
        assert (await rig.state()).loop is None
    finally:
        await rig.close()
