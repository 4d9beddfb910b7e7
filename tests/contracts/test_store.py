"""What every store does, first half: the inbox, the lease, the commit. Run over SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.errors import Conflict, LeaseLost, NotFound, StoreError
from bot.events import HandedOver, Reopened, Resolved, Started
from bot.store.sql import SqlStore
from tests.store.stores import Another, Clock, answer, claimed, event, hello, received, said

# -- accept


async def test_a_message_is_stored_once(store: SqlStore) -> None:
    first = await store.accept(hello("1"), bot="demo")
    again = await store.accept(hello("1"), bot="demo")
    assert first.new
    assert not again.new
    assert (again.conversation, again.message) == (first.conversation, first.message)
    assert await store.waiting() == 1


async def test_ten_deliveries_at_once_are_one_message(store: SqlStore, another: Another) -> None:
    other = await another()
    accepts = [(store, other)[n % 2].accept(hello("1"), bot="demo") for n in range(10)]
    accepted = await asyncio.gather(*accepts)
    assert [one.new for one in accepted].count(True) == 1
    assert len({(one.conversation, one.message) for one in accepted}) == 1
    assert await store.waiting() == 1


async def test_a_delivery_is_known_after_it_was_answered_and_the_conversation_ended(store: SqlStore) -> None:
    first = await store.accept(hello("1"), bot="demo")
    await answer(store, await claimed(store))
    await store.end(first.conversation)
    again = await store.accept(hello("1"), bot="demo")
    assert not again.new
    assert again.conversation == first.conversation
    assert await store.find("web", "default", "anna") is None


async def test_the_same_id_on_another_channel_or_account_is_another_message(store: SqlStore) -> None:
    await store.accept(hello("1"), bot="demo")
    assert (await store.accept(hello("1", account="second"), bot="demo")).new
    assert (await store.accept(hello("1").model_copy(update={"channel": "telegram"}), bot="demo")).new


async def test_messages_without_an_external_id_are_all_new(store: SqlStore) -> None:
    assert (await store.accept(hello(), bot="demo")).new
    assert (await store.accept(hello(), bot="demo")).new


async def test_new_senders_at_once_get_a_conversation_each(store: SqlStore, another: Another) -> None:
    other = await another()
    messages = [hello(sender=f"s{n % 4}", text=str(n)) for n in range(12)]
    accepted = await asyncio.gather(*((store, other)[n % 2].accept(m, bot="demo") for n, m in enumerate(messages)))
    assert len({one.conversation for one in accepted}) == 4


async def test_a_conversation_begins_with_its_first_event(store: SqlStore) -> None:
    accepted = await store.accept(hello(), bot="demo")
    (first,) = await store.events(accepted.conversation)
    state = await store.load(accepted.conversation)
    assert isinstance(first.body, Started)
    assert (state.version, state.bot, state.channel) == (1, "demo", "web")
    assert state.identity == first.body.identity


async def test_a_resolved_conversation_stays_its_senders(store: SqlStore) -> None:
    first = await store.accept(hello(), bot="demo")
    await answer(store, await claimed(store))
    version = (await store.load(first.conversation)).version
    await store.commit(first.conversation, version, [event(first.conversation, Resolved())])
    again = await store.accept(hello(), bot="demo")
    assert again.conversation == first.conversation
    assert (await store.load(first.conversation)).status == "resolved"
    await store.commit(first.conversation, version + 1, [event(first.conversation, Reopened())])
    assert (await store.load(first.conversation)).status == "pending"


async def test_after_the_end_the_next_message_begins_a_new_conversation(store: SqlStore) -> None:
    first = await store.accept(hello(), bot="demo")
    await store.end(first.conversation)
    assert await store.find("web", "default", "anna") is None
    second = await store.accept(hello(), bot="demo")
    assert second.conversation != first.conversation
    assert await store.find("web", "default", "anna") == second.conversation
    await store.end(first.conversation)
    assert await store.find("web", "default", "anna") == second.conversation


async def test_what_does_not_exist_is_not_found(store: SqlStore) -> None:
    lookups = [
        store.load("none"),
        store.events("none"),
        store.events("none", newest=1),
        store.commit("none", 0, []),
        store.end("none"),
        store.trigger("none", "silence", {}),
        store.erase("none"),
        store.identify("none", "key"),
        store.unmerge("none"),
        store.sent(99),
        store.failed(99, "x"),
        store.owner("none"),
    ]
    for lookup in lookups:
        with pytest.raises(NotFound):
            await lookup
    assert await store.find("web", "default", "nobody") is None


# -- claim


async def test_a_burst_is_one_claim_in_order(store: SqlStore, clock: Clock) -> None:
    for text in "abc":
        await store.accept(hello(text=text), bot="demo")
        clock.turn(0.2)
    assert await store.claim("w", lease_seconds=30, pause=0.3) is None
    clock.turn(0.2)
    claim = await claimed(store, pause=0.3)
    assert [message.text for message in claim.trigger.messages] == ["a", "b", "c"]
    assert len(claim.inbox) == 3


async def test_a_message_that_cannot_wait_does_not(store: SqlStore) -> None:
    await store.accept(hello(), bot="demo", wait=False)
    assert await store.claim("w", lease_seconds=30, pause=60) is not None


async def test_a_burst_without_end_is_claimed_all_the_same(store: SqlStore, clock: Clock) -> None:
    for _ in range(40):
        await store.accept(hello(), bot="demo")
        clock.turn(0.1)
    assert len((await claimed(store, pause=0.3)).inbox) == 40


async def test_triggers_keep_their_place_between_messages(store: SqlStore) -> None:
    accepted = await store.accept(hello(text="a"), bot="demo")
    await store.trigger(accepted.conversation, "returned", {"by": "agent"})
    await store.accept(hello(text="b"), bot="demo")
    await store.accept(hello(text="c"), bot="demo")
    seen = []
    for _ in range(3):
        claim = await claimed(store)
        seen.append((claim.trigger.kind, [m.text for m in claim.trigger.messages], claim.trigger.data))
        await answer(store, claim)
    assert seen == [("message", ["a"], {}), ("returned", [], {"by": "agent"}), ("message", ["b", "c"], {})]
    assert await store.claim("w", lease_seconds=30) is None


async def test_a_trigger_of_an_unknown_kind_is_refused(store: SqlStore) -> None:
    accepted = await store.accept(hello(), bot="demo")
    for kind in ("nonsense", "message"):
        with pytest.raises(ValueError, match=r"kind|accept"):
            await store.trigger(accepted.conversation, kind, {})


async def test_a_held_conversation_is_not_claimed_and_the_oldest_comes_first(store: SqlStore) -> None:
    first = await store.accept(hello(), bot="demo")
    second = await store.accept(hello(sender="bert"), bot="demo")
    await store.accept(hello(), bot="demo")
    assert (await claimed(store)).lease.conversation == first.conversation
    await store.accept(hello(), bot="demo")
    assert (await claimed(store)).lease.conversation == second.conversation
    assert await store.claim("w", lease_seconds=30) is None


async def test_a_claim_may_name_its_conversation(store: SqlStore) -> None:
    await store.accept(hello(), bot="demo")
    second = await store.accept(hello(sender="bert"), bot="demo")
    assert (await claimed(store, conversation=second.conversation)).lease.conversation == second.conversation
    assert await store.claim("w", lease_seconds=30, conversation=second.conversation) is None


async def test_two_workers_never_get_the_same_work(store: SqlStore, another: Another) -> None:
    other = await another()
    for n in range(6):
        await store.accept(hello(sender=f"s{n}"), bot="demo")
    claims = await asyncio.gather(*((store, other)[n % 2].claim(f"w{n}", lease_seconds=30) for n in range(12)))
    taken = [claim.lease.conversation for claim in claims if claim]
    while (claim := await store.claim("late", lease_seconds=30)) is not None:
        taken.append(claim.lease.conversation)
    assert len(taken) == len(set(taken)) == 6


async def test_work_whose_lease_ran_out_comes_again_with_the_next_attempt(store: SqlStore, clock: Clock) -> None:
    await store.accept(hello(text="a"), bot="demo")
    first = await claimed(store, "dead")
    clock.turn(29)
    assert await store.claim("w", lease_seconds=30) is None
    clock.turn(2)
    await store.accept(hello(text="b"), bot="demo")
    second = await claimed(store, "alive")
    assert (first.attempt, second.attempt) == (1, 2)
    assert second.trigger.id == first.trigger.id
    assert [message.text for message in second.trigger.messages] == ["a", "b"]
    with pytest.raises(LeaseLost):
        await answer(store, first)
    await answer(store, second)
    assert await store.waiting() == 0


async def test_a_lease_can_be_renewed_and_given_back(store: SqlStore, clock: Clock) -> None:
    await store.accept(hello(), bot="demo")
    claim = await claimed(store)
    clock.turn(29)
    lease = await store.renew(claim.lease, 30)
    clock.turn(29)
    assert await store.claim("w", lease_seconds=30) is None
    await store.release(lease)
    again = await claimed(store)
    assert again.attempt == 2
    await store.release(lease)
    with pytest.raises(LeaseLost):
        await store.renew(lease, 30)
    await answer(store, again)


async def test_a_dead_workers_leases_are_given_back_at_once(store: SqlStore) -> None:
    for sender in ("anna", "bert", "carl"):
        await store.accept(hello(sender=sender), bot="demo")
    await claimed(store, "dead")
    await claimed(store, "dead")
    await claimed(store, "alive")
    assert await store.release_worker("dead") == 2
    assert await store.release_worker("dead") == 0
    assert (await claimed(store)).attempt == 2


@pytest.mark.parametrize("jump", [-3600 * 24 * 365, 3600 * 24 * 365])
async def test_a_clock_that_jumps_holds_nothing_for_ever(store: SqlStore, clock: Clock, jump: float) -> None:
    await store.accept(hello(), bot="demo")
    claim = await claimed(store)
    await store.accept(hello(sender="bert"), bot="demo")
    clock.turn(jump)
    again = await claimed(store, pause=5)
    assert again.lease.conversation == claim.lease.conversation
    assert (await claimed(store, pause=5)).trigger.messages[0].sender == "bert"


async def test_a_clock_set_back_a_little_takes_no_lease_away(store: SqlStore, clock: Clock) -> None:
    await store.accept(hello(), bot="demo")
    claim = await claimed(store)
    clock.turn(-2)
    assert await store.claim("w", lease_seconds=30) is None
    await answer(store, claim)


# -- commit


async def test_a_commit_appends_numbers_and_folds(store: SqlStore) -> None:
    await store.accept(hello(text="Hi"), bot="demo")
    claim = await claimed(store)
    stored = await answer(store, claim, "Good morning")
    conversation = claim.lease.conversation
    assert [one.sequence for one in stored] == [2, 3]
    assert (await store.events(conversation))[1:] == stored
    assert await store.events(conversation, after=2) == stored[1:]
    assert await store.events(conversation, newest=1) == stored[-1:]
    assert await store.events(conversation, after=2, newest=5) == stored[1:]
    assert len(await store.events(conversation, newest=5)) == 3
    state = await store.load(conversation)
    assert [(line.role, line.text.text) for line in state.history] == [("customer", "Hi"), ("bot", "Good morning")]
    assert state.version == 3


async def test_who_writes_second_has_to_load_again(store: SqlStore) -> None:
    conversation = (await store.accept(hello(), bot="demo")).conversation
    await store.commit(conversation, 1, [said(conversation, "one", "r1")])
    with pytest.raises(Conflict):
        await store.commit(conversation, 1, [said(conversation, "two", "r2")], send=["r2"])
    assert len(await store.events(conversation)) == 2
    assert await store.due("w", channels=["web"]) == []


async def test_of_many_writers_at_once_one_wins(store: SqlStore, another: Another) -> None:
    other = await another()
    conversation = (await store.accept(hello(), bot="demo")).conversation
    writes = [(store, other)[n % 2].commit(conversation, 1, [said(conversation, "x", f"r{n}")]) for n in range(8)]
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert sum(isinstance(result, list) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 7
    assert (await store.load(conversation)).version == 2


async def test_a_failed_commit_leaves_nothing(store: SqlStore) -> None:
    await store.accept(hello(), bot="demo")
    claim = await claimed(store)
    conversation = claim.lease.conversation
    with pytest.raises(StoreError):
        await store.commit(conversation, 1, [received(conversation, "x")], send=["missing"], done=claim.inbox)
    with pytest.raises(StoreError):
        await store.commit(conversation, 1, [said("other", "x", "r")])
    assert len(await store.events(conversation)) == 1
    assert await store.waiting() == 1


async def test_work_is_committed_only_once(store: SqlStore) -> None:
    await store.accept(hello(), bot="demo")
    claim = await claimed(store)
    await answer(store, claim, "r1")
    with pytest.raises(LeaseLost):
        await answer(store, claim, "r2")
    with pytest.raises(Conflict):
        await store.commit(claim.lease.conversation, 3, [], done=claim.inbox)


async def test_the_state_after_a_long_conversation_is_the_fold_of_its_events(store: SqlStore, another: Another) -> None:
    for n in range(25):
        await store.accept(hello(text=f"q{n}"), bot="demo")
        await answer(store, await claimed(store), f"a{n}", f"b{n}")
    conversation = await store.find("web", "default", "anna")
    assert conversation
    state = await (await another()).load(conversation)
    assert state.version == 1 + 75
    assert [line.text.text for line in state.history][-3:] == ["q24", "a24", "b24"]


async def test_conversations_are_listed_newest_first(store: SqlStore, clock: Clock) -> None:
    for sender in ("anna", "bert", "carl"):
        await store.accept(hello(sender=sender, text=f"I am {sender}"), bot="demo")
        await answer(store, await claimed(store))
        clock.turn(60)
    conversation = await store.find("web", "default", "anna")
    assert conversation
    handed = event(conversation, HandedOver(reason="asked", priority="high"))
    await store.commit(conversation, 2, [handed])
    everyone = await store.conversations()
    assert [one.sender for one in everyone] == ["anna", "carl", "bert"]
    (waiting,) = await store.conversations(status="open")
    assert (waiting.owner, waiting.priority, waiting.reason) == ("people", "high", "asked")
    assert waiting.last == "I am anna"
    older = await store.conversations(before=everyone[0].updated, limit=1)
    assert [one.sender for one in older] == ["carl"]


async def test_opening_again_finds_everything(store: SqlStore, another: Another, tmp_path: Path) -> None:
    accepted = await store.accept(hello("1", text="naïve 你好 🙂 \x00"), bot="demo")
    await store.open()
    await store.close()
    reopened = await another()
    claim = await claimed(reopened)
    await answer(reopened, claim)
    state = await reopened.load(accepted.conversation)
    assert state.history[0].text.text == "naïve 你好 🙂 \ufffd"
    await reopened.check()
