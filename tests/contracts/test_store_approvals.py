"""What every store does with actions that wait for a person's yes."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import Conflict, NotFound
from bot.events import ApprovalAsked, ApprovalDecided
from bot.store.base import Approval
from bot.store.sql import SqlStore
from tests.store.stores import Another, Clock, claimed, event, hello


async def waiting(store: SqlStore, sender: str = "anna", **more: str) -> Approval:
    """An approval that a turn asked for."""
    accepted = await store.accept(hello(sender=sender), bot="demo")
    claim = await claimed(store, conversation=accepted.conversation)
    state = await store.load(accepted.conversation)
    given = {"action": "action_start_return", "step": "return/start", "queue": "returns", "key": "k1", **more}
    asked = ApprovalAsked(reason="More than 200 euros.", **given)
    await store.commit(
        accepted.conversation,
        state.version,
        [event(accepted.conversation, asked)],
        lease=claim.lease,
        done=claim.inbox,
    )
    (found,) = [one for one in await store.approvals() if one.id == asked.id]
    return found


async def test_what_was_asked_waits_in_its_queue_across_restarts(store: SqlStore, another: Another) -> None:
    first = await waiting(store)
    second = await waiting(store, "jonas", queue="finance")
    other = await another()
    assert await other.approvals() == [first, second]
    assert await other.approvals(queue="finance") == [second]
    assert await other.approvals(limit=1) == [first]
    assert (first.action, first.reason, first.granted) == ("action_start_return", "More than 200 euros.", None)
    state = await other.load(first.conversation)
    assert [(owed.asked.id, owed.granted) for owed in state.approvals] == [(first.id, None)]


@pytest.mark.parametrize("granted", [True, False])
async def test_a_decision_is_told_in_the_conversation_and_begins_its_turn(
    store: SqlStore, clock: Clock, granted: bool
) -> None:
    asked = await waiting(store)
    clock.turn(60)
    decided = await store.decide(asked.id, granted, author="mia", note="she called")
    assert (decided.granted, decided.author, decided.decided) == (granted, "mia", clock())
    assert await store.approvals() == []
    assert await store.approvals(waiting=False) == [decided]
    state = await store.load(asked.conversation)
    assert [owed.granted for owed in state.approvals] == [granted]
    (*_, last) = await store.events(asked.conversation)
    assert isinstance(last.body, ApprovalDecided)
    assert (last.actor.kind, last.actor.id, last.body.note.text) == ("agent", "mia", "she called")
    trigger = (await claimed(store, conversation=asked.conversation)).trigger
    assert trigger.kind == "approval"
    assert trigger.data == {
        "approval": asked.id,
        "granted": granted,
        "action": "action_start_return",
        "step": "return/start",
        "key": "k1",
    }


async def test_what_is_asked_for_anew_withdraws_what_was_asked_before(store: SqlStore) -> None:
    asked = await waiting(store)
    state = await store.load(asked.conversation)
    anew = ApprovalAsked(action=asked.action, step=asked.step, queue=asked.queue, key="k2")
    other = ApprovalAsked(action=asked.action, step="other/step", queue=asked.queue)
    await store.commit(asked.conversation, state.version, [event(asked.conversation, one) for one in (anew, other)])
    assert {one.id for one in await store.approvals()} == {anew.id, other.id}
    assert {owed.asked.id for owed in (await store.load(asked.conversation)).approvals} == {anew.id, other.id}
    with pytest.raises(Conflict, match="asked for anew"):
        await store.decide(asked.id, True, author="mia")


async def test_of_two_decisions_one_counts(store: SqlStore, another: Another) -> None:
    asked = await waiting(store)
    other = await another()
    decisions = [store.decide(asked.id, True, author="mia"), other.decide(asked.id, False, author="tom")]
    results = await asyncio.gather(*decisions, return_exceptions=True)
    assert {type(result) for result in results} == {Approval, Conflict}
    with pytest.raises(Conflict, match="decided already"):
        await store.decide(asked.id, True, author="late")


async def test_an_approval_that_nobody_asked_for_is_not_found(store: SqlStore) -> None:
    with pytest.raises(NotFound):
        await store.decide("0" * 32, True, author="mia")


async def test_what_a_person_noted_can_be_erased(store: SqlStore) -> None:
    asked = await waiting(store)
    await store.decide(asked.id, True, author="mia", note="she called")
    await store.erase(asked.conversation)
    notes = [
        told.body.note.text for told in await store.events(asked.conversation) if isinstance(told.body, ApprovalDecided)
    ]
    assert notes == [None]
