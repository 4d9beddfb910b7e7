"""Rules and approvals in whole turns: refused, waiting across restarts, approved, denied, withdrawn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.flows.conditions import parse
from bot.flows.load import with_base
from bot.rules import NOT_APPROVED, WAITING, Approve, Deny, Rule, Rules, utters
from bot.settings import Settings
from bot.store.base import Approval
from bot.types import Outcome, TurnResult
from tests.bot.test_processes import Bank, texts, transfer

MUCH = Rule(("action_execute_transfer",), Approve("finance", "More than 20."), if_=parse("slots.amount > 20"))
NEVER = Rule(("action_execute_transfer",), Deny("Not verified."), unless=parse("context.verified"))
YES = "/SetSlots(confirmation=true)"


@pytest.fixture
async def bank(make_settings: Callable[..., Settings], tmp_path: Path) -> AsyncIterator[Bank]:
    rig = Bank(make_settings(), tmp_path)
    obey(rig, MUCH)
    await rig.open()
    yield rig
    await rig.close()


def obey(bank: Bank, *rules: Rule) -> None:
    processes = bank.turn.steps.processes
    assert processes is not None
    processes.running._rules = Rules(rules)
    with_base(processes.bot.domain, utters(Rules(rules)))


def templates(result: TurnResult) -> list[str | None]:
    return [reply.template for reply in result.replies]


async def waiting(bank: Bank) -> Approval:
    """The transfer was confirmed and waits for a person."""
    await transfer(bank)
    result = await bank.say("", payload=YES)
    assert templates(result) == [WAITING]
    (found,) = await bank.store.approvals()
    return found


def ran(bank: Bank) -> int:
    return [call.action for call in bank.acts.calls].count("action_execute_transfer")


async def test_what_the_rules_deny_is_not_done_and_the_process_is_over(bank: Bank) -> None:
    obey(bank, NEVER)
    await transfer(bank)
    result = await bank.say("", payload=YES)
    assert templates(result)[0] == "utter_action_denied"
    assert ran(bank) == 0
    assert (await bank.state()).stack == ()


async def test_a_flow_waits_across_restarts_and_goes_on_when_a_person_says_yes(
    bank: Bank, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    asked = await waiting(bank)
    assert (asked.queue, asked.action, asked.reason) == ("finance", "action_execute_transfer", "More than 20.")
    assert ran(bank) == 0
    await bank.close()
    again = Bank(make_settings(), tmp_path)
    obey(again, MUCH)
    again.conversation = bank.conversation
    await again.open()
    await again.store.decide(asked.id, True, author="mia")
    done = await again.run()
    assert texts(done)[0] == "Sent."
    assert ran(again) == 1
    state = await again.state()
    assert (state.stack, state.approvals) == ((), ())
    await again.close()
    await bank.open()


async def test_a_no_is_told_and_nothing_is_done(bank: Bank) -> None:
    asked = await waiting(bank)
    await bank.store.decide(asked.id, False, author="mia")
    result = await bank.run()
    assert templates(result)[0] == NOT_APPROVED
    assert ran(bank) == 0
    state = await bank.state()
    assert (state.stack, state.approvals) == ((), ())


async def test_questions_meanwhile_are_answered_and_the_flow_still_waits(bank: Bank) -> None:
    asked = await waiting(bank)
    answered = await bank.say("How long does a parcel take?")
    assert answered.outcome is Outcome.ANSWERED
    assert ran(bank) == 0
    assert [one.id for one in await bank.store.approvals()] == [asked.id]
    await bank.store.decide(asked.id, True, author="mia")
    assert texts(await bank.run())[0] == "Sent."


async def test_what_was_cancelled_meanwhile_is_not_done(bank: Bank) -> None:
    asked = await waiting(bank)
    await bank.say("cancel")
    assert (await bank.state()).stack == ()
    await bank.store.decide(asked.id, True, author="mia")
    assert (await bank.run()).replies == ()
    assert ran(bank) == 0
    assert (await bank.state()).approvals == ()


async def test_a_decision_while_a_person_talks_is_acted_upon_when_the_bot_has_the_word_again(bank: Bank) -> None:
    from bot.events import HandedOver, Returned

    asked = await waiting(bank)
    await bank.write(HandedOver(reason="asked"))
    await bank.store.decide(asked.id, True, author="mia")
    assert (await bank.run()).outcome is Outcome.SILENT
    assert ran(bank) == 0
    await bank.write(Returned())
    await bank.store.trigger(bank.conversation, "returned", {})
    assert "Sent." in texts(await bank.run())
    assert ran(bank) == 1


async def test_an_approval_is_for_the_call_that_was_shown_and_no_other(bank: Bank) -> None:
    from bot.events import SlotSet
    from bot.stack import encoded

    asked = await waiting(bank)
    await bank.write(SlotSet(name="amount", value=encoded(5000.0)))
    await bank.store.decide(asked.id, True, author="mia")
    assert templates(await bank.run()) == [WAITING]
    assert ran(bank) == 0
    (newer,) = await bank.store.approvals()
    assert newer.key != asked.key
    await bank.store.decide(newer.id, True, author="mia")
    assert texts(await bank.run())[0] == "Sent."
    assert ran(bank) == 1


async def test_what_another_process_fills_meanwhile_asks_nobody_anew(bank: Bank) -> None:
    asked = await waiting(bank)
    await bank.say("", payload='/SetSlots(card="gold")')
    await bank.store.decide(asked.id, True, author="mia")
    assert texts(await bank.run())[0] == "Sent."
    assert ran(bank) == 1
