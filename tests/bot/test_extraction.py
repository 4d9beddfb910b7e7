"""Slots that actions of the bot's own fill from a message, and its own check of all that was filled."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.actions.base import ActionCall, Actions
from bot.actions.fake import FakeActions
from bot.actions.local import LocalActions
from bot.errors import ActionUnreachable
from bot.flows.load import load
from bot.results import ActionResponse, ActionResult, SlotWasSet
from bot.settings import Settings
from bot.types import Outcome
from tests.bot.test_assistant import Restaurant, said

DOMAIN = """
version: "3.1"
intents: [order]
entities: [size]
slots:
  size:
    type: text
    mappings: [{type: from_entity, entity: size}]
  mood:
    type: text
    mappings: [{type: custom, action: action_read_mood}]
  shouting:
    type: bool
    mappings: [{type: custom, action: action_read_mood}]
  length:
    type: float
    mappings: [{type: custom}]
actions: [action_read_mood, action_validate_slot_mappings]
responses:
  utter_taken: [{text: "A {size} one, {mood}, {length}."}]
  utter_ask_rephrase: [{text: "Again?"}]
"""
RULES = """
version: "3.1"
rules:
  - rule: taken
    steps: [{intent: order}, {action: utter_taken}]
"""
NLU = """
version: "3.1"
nlu:
  - intent: order
    examples: |
      - a [large](size) pizza
      - a [tiny](size) pizza
"""
ACTIONS = """
from rasa_sdk import Action, ValidationAction
from rasa_sdk.events import SlotSet


class ReadMood(Action):
    def name(self):
        return "action_read_mood"

    def run(self, dispatcher, tracker, domain):
        return [SlotSet("mood", "hungry"), SlotSet("shouting", tracker.latest_message["text"].isupper())]


class Check(ValidationAction):
    def validate_size(self, value, dispatcher, tracker, domain):
        if value == "tiny":
            dispatcher.utter_message(text="We have no tiny ones.")
            return {"size": None}
        return {"size": value.upper()}

    def extract_length(self, dispatcher, tracker, domain):
        return {"length": len(tracker.latest_message["text"])}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bot = tmp_path / "bot"
    (bot / "data").mkdir(parents=True)
    (bot / "actions").mkdir()
    (bot / "domain.yml").write_text(DOMAIN, encoding="utf-8")
    (bot / "config.yml").write_text("language: en\npolicies: [{name: RulePolicy}]\n", encoding="utf-8")
    (bot / "data" / "rules.yml").write_text(RULES, encoding="utf-8")
    (bot / "data" / "nlu.yml").write_text(NLU, encoding="utf-8")
    (bot / "actions" / "__init__.py").write_text(ACTIONS, encoding="utf-8")
    return bot


@pytest.fixture
def opened(folder: Path, make_settings: Callable[..., Settings], tmp_path: Path) -> Callable[[Actions], object]:
    @asynccontextmanager
    async def with_actions(actions: Actions) -> AsyncIterator[Restaurant]:
        await actions.start()
        rig = Restaurant(make_settings(), tmp_path, actions, folder)
        await rig.open()
        yield rig
        await rig.close()
        await actions.close()

    return with_actions


async def test_custom_mappings_are_filled_by_their_action_and_all_is_checked(folder: Path, opened: Callable) -> None:
    async with opened(LocalActions(folder)) as rig:
        assert [reply.text for reply in (await rig.say("a large pizza")).replies] == ["A LARGE one, hungry, 13."]
        slots = {name: json.loads(value.text or "null") for name, value in (await rig.state()).slots.items()}
        assert (slots["size"], slots["shouting"]) == ("LARGE", False)


async def test_what_the_check_refuses_is_not_kept_and_it_says_why(folder: Path, opened: Callable) -> None:
    async with opened(LocalActions(folder)) as rig:
        replies = (await rig.say("a tiny pizza")).replies
        assert replies[0].text == "We have no tiny ones."
        assert (await rig.state()).slots["size"].text == "null"


async def test_an_action_that_several_slots_name_runs_once_and_the_check_is_shown_what_it_set(
    opened: Callable,
) -> None:
    def check(call: ActionCall) -> ActionResult:
        newest = call.tracker["events"][-2:]
        assert [(event["name"], event["value"]) for event in newest] == [("size", "large"), ("mood", "glad")]
        return ActionResult(responses=(ActionResponse(text="checked"),))

    actions = FakeActions(
        {
            "action_read_mood": ActionResult(events=(SlotWasSet("mood", "glad"),)),
            "action_validate_slot_mappings": check,
        }
    )
    async with opened(actions) as rig:
        assert said(await rig.say("a large pizza")) == ["checked", "utter_taken"]
        assert [call.action for call in actions.calls] == ["action_read_mood", "action_validate_slot_mappings"]


@pytest.mark.parametrize("broken", ["action_read_mood", "action_validate_slot_mappings"])
async def test_where_such_an_action_is_gone_a_person_takes_over(broken: str, opened: Callable) -> None:
    actions = FakeActions(
        {name: ActionResult() for name in ("action_read_mood", "action_validate_slot_mappings")}
        | {broken: ActionUnreachable(broken, "nobody answers")}
    )
    async with opened(actions) as rig:
        assert (await rig.say("a large pizza")).outcome is Outcome.HANDED_OVER


def lines(folder: Path) -> Iterator[tuple[str, str]]:
    return ((problem.code, problem.message) for problem in load(folder).problems)


def test_a_mapping_whose_action_is_not_listed_is_said(folder: Path) -> None:
    domain = folder / "domain.yml"
    domain.write_text(domain.read_text().replace("actions: [action_read_mood, ", "actions: ["))
    assert any(code == "unknown_action" and "slot 'mood'" in message for code, message in lines(folder))


def test_in_a_bot_of_flows_alone_it_is_said_that_nothing_runs_it(folder: Path) -> None:
    domain = folder / "domain.yml"
    domain.write_text(domain.read_text().replace("intents: [order]\n", ""))
    for file in (folder / "data").iterdir():
        file.unlink()
    assert any(code == "mapping_action" and "flow's step" in message for code, message in lines(folder))
