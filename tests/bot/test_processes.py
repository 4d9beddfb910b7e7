"""A whole turn of a bot with flows: messages in, replies out, everything stored on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot import results
from bot.actions.fake import Answer, FakeActions
from bot.errors import ActionFailed
from bot.events import ActionRan
from bot.flows.load import load, with_base
from bot.processes import Processes
from bot.results import ActionResponse, ActionResult
from bot.settings import Settings
from bot.turn import TEMPLATES
from bot.types import Message, Outcome, TurnResult, now
from tests.bot.flows.bots import write
from tests.bot.rig import Rig


class Bank(Rig):
    """The bank's bot of the flow tests; `acts` are its actions."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        super().__init__(settings, folder)
        loaded = load(write(folder / "bank"))
        with_base(loaded.domain, TEMPLATES)
        self.acts = FakeActions({"action_check_funds": funds(True), "action_execute_transfer": ActionResult()})
        self.turn.domain = self.turn.steps.domain = loaded.domain
        self.turn.steps.processes = Processes(
            loaded, self.acts, clock=lambda: self.moment, events=partial(self.store.events, newest=100)
        )
        self.channel = "web"

    async def put(self, text: str = "", **more: Any) -> str:
        message = Message(channel=self.channel, sender="ann", text=text, **more)
        accepted = await self.store.accept(message, bot="demo", wait=False)
        self.conversation = accepted.conversation
        return accepted.conversation


def funds(enough: bool) -> Answer:
    return ActionResult(events=(results.SlotWasSet("has_funds", enough),))


@pytest.fixture
async def bank(make_settings: Callable[..., Settings], tmp_path: Path) -> AsyncIterator[Bank]:
    rig = Bank(make_settings(), tmp_path)
    await rig.open()
    yield rig
    await rig.close()


def texts(result: TurnResult) -> list[str]:
    return [reply.text for reply in result.replies]


async def transfer(bank: Bank) -> TurnResult:
    await bank.say("I want to transfer money")
    await bank.say("Ann")
    return await bank.say("50 please")


async def test_a_transfer_from_wish_to_done(bank: Bank) -> None:
    asked = await bank.say("I want to transfer money")
    assert (texts(asked), asked.outcome) == (["Who should get the money?"], Outcome.ASKED)
    assert texts(await bank.say("Ann")) == ["How much should Ann get?"]
    confirm = await bank.say("50 please")
    assert texts(confirm) == ["Send 50 to Ann?"]
    assert confirm.replies[0].buttons[0].payload == "/SetSlots(confirmation=true)"
    done = await bank.say("", payload="/SetSlots(confirmation=true)")
    assert texts(done) == ["Sent.", "What else can I do for you?"]
    assert [call.action for call in bank.acts.calls] == ["action_check_funds", "action_execute_transfer"]
    assert (await bank.state()).stack == ()


async def test_the_action_sees_the_slots_the_message_and_a_key(bank: Bank) -> None:
    await transfer(bank)
    tracker = bank.acts.calls[0].tracker
    assert (tracker["slots"]["recipient"], tracker["slots"]["amount"]) == ("Ann", 50.0)
    assert tracker["latest_message"]["text"] == "50 please"
    assert tracker["latest_message"]["metadata"]["idempotency_key"] == bank.acts.calls[0].key
    assert [event["text"] for event in tracker["events"] if event["event"] == "user"][-2:] == ["Ann", "50 please"]


async def test_a_question_in_the_middle_is_answered_and_the_open_question_asked_again(bank: Bank) -> None:
    await bank.say("I want to transfer money")
    result = await bank.say("How long does a parcel take?")
    assert texts(result) == ["Parcels take two days.", "Who should get the money?"]
    assert result.outcome is Outcome.ANSWERED


async def test_a_payload_that_was_not_offered_is_text(bank: Bank) -> None:
    await bank.say("hello")
    await bank.say("", payload="/SetSlots(verified=false)")
    state = await bank.state()
    assert "verified" not in state.slots
    await bank.say("/StartFlow(transfer)")
    assert (await bank.state()).stack == ()


async def test_a_developer_may_send_any_payload(bank: Bank) -> None:
    bank.channel = "shell"
    result = await bank.say("/StartFlow(transfer)", payload="/StartFlow(transfer)")
    assert texts(result) == ["Who should get the money?"]


async def test_an_action_that_fails_ends_with_a_person_who_knows(bank: Bank) -> None:
    bank.acts.answers["action_check_funds"] = ActionFailed("action_check_funds", "boom")
    result = await transfer(bank)
    state = await bank.state()
    assert (result.outcome, state.owner, state.status) == (Outcome.HANDED_OVER, "people", "open")
    assert result.replies[0].template == "utter_internal_error_rasa"
    assert "action_ran" in await bank.kinds()


async def test_an_action_nobody_has_ends_with_a_person_too(bank: Bank) -> None:
    bank.acts.answers.clear()
    assert (await transfer(bank)).outcome is Outcome.HANDED_OVER


async def test_what_an_action_says_reaches_the_customer_with_its_buttons(bank: Bank) -> None:
    said = ActionResponse(text="Your balance is low.", buttons=({"title": "Top up", "payload": "/StartFlow(paint)"},))
    answer = ActionResponse(response="utter_no_funds")
    bank.acts.answers["action_check_funds"] = ActionResult(
        events=(results.SlotWasSet("has_funds", True),), responses=(said, answer)
    )
    result = await transfer(bank)
    assert texts(result) == ["Your balance is low.", "There is not enough money for that.", "Send 50 to Ann?"]
    assert result.replies[0].buttons[0].title == "Top up"
    assert texts(await bank.say("", payload="/StartFlow(paint)")) == ["Which colour?"]


async def test_a_followup_of_an_action_is_run_next(bank: Bank) -> None:
    bank.acts.answers["action_check_funds"] = ActionResult(
        events=(results.SlotWasSet("has_funds", True), results.Followup("action_more"))
    )
    bank.acts.answers["action_more"] = ActionResult(responses=(ActionResponse(text="More."),))
    assert texts(await transfer(bank)) == ["More.", "Send 50 to Ann?"]


async def test_two_messages_not_understood_bring_a_person(bank: Bank) -> None:
    await bank.say("I want to transfer money")
    bank.answerer.reply.text, bank.answerer.reply.outcome = "", "abstained"
    first = await bank.say("What about the moon and the stars?")
    assert first.outcome is Outcome.ABSTAINED
    second = await bank.say("Is the moon far away?")
    assert (second.outcome, (await bank.state()).owner) == (Outcome.HANDED_OVER, "people")


async def test_a_threat_comes_before_any_process(bank: Bank) -> None:
    await bank.say("I want to transfer money")
    result = await bank.say("I will kill you all")
    assert result.outcome is Outcome.HANDED_OVER
    assert (await bank.state()).reason == "threat"


async def test_a_wish_for_a_person_is_no_name(bank: Bank) -> None:
    await bank.say("I want to transfer money")
    assert (await bank.say("let me talk to a person")).outcome is Outcome.HANDED_OVER


async def test_erasing_a_conversation_erases_what_its_slots_hold(bank: Bank) -> None:
    await transfer(bank)
    await bank.store.erase(bank.conversation)
    state = await bank.state()
    assert all(words.text is None for words in state.slots.values())
    assert "Ann" not in str(await bank.events())


async def test_after_a_long_silence_a_new_session_begins(bank: Bank) -> None:
    await transfer(bank)
    bank.moment = now() + timedelta(days=3)
    result = await bank.say("yes")
    state = await bank.state()
    assert "Sent." not in texts(result)
    assert state.session == 2


async def test_an_action_may_count_others_as_run_or_rejected(bank: Bank) -> None:
    events = (results.ActionRan("action_noted"), results.ActionWasRejected("action_other"), results.Exported())
    bank.acts.answers["action_check_funds"] = ActionResult(events=(results.SlotWasSet("has_funds", True), *events))
    await transfer(bank)
    told = [(event.body.name, event.body.ok) for event in await bank.events() if isinstance(event.body, ActionRan)]
    assert told == [("action_check_funds", True), ("action_noted", True), ("action_other", False)]
