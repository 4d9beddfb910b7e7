"""What every store does, second half: the outbox, people, erasing, uploads, changes. Run over SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import time

import pytest

from bot.errors import NotFound
from bot.events import (
    ContactChanged,
    Delivery,
    Erased,
    Merged,
    Received,
    Understood,
)
from bot.store.base import Outgoing
from bot.store.blobs import FolderBlobs
from bot.store.sql import SqlStore
from bot.types import Attachment, Words
from tests.store.stores import Another, Clock, answer, claimed, event, hello, said

WEB = ["web"]


async def spoken(store: SqlStore, *replies: str, sender: str = "anna") -> str:
    """A conversation in which the bot gave these replies."""
    accepted = await store.accept(hello(sender=sender), bot="demo")
    await answer(store, await claimed(store, conversation=accepted.conversation), *replies)
    return accepted.conversation


async def next_out(store: SqlStore, worker: str = "w") -> Outgoing:
    (outgoing,) = await store.due(worker, channels=WEB)
    return outgoing


# -- the outbox


async def test_replies_go_out_in_order_one_at_a_time(store: SqlStore) -> None:
    conversation = await spoken(store, "one", "two", "three")
    texts = []
    for _ in range(3):
        outgoing = await next_out(store)
        assert await store.due("other", channels=WEB) == []
        texts.append(outgoing.reply.text)
        await store.sent(outgoing.id, external_id="x")
    assert texts == ["one", "two", "three"]
    assert await store.due("w", channels=WEB) == []
    assert (outgoing.conversation, outgoing.recipient, outgoing.author) == (conversation, "anna", "bot")
    assert outgoing.sequence == (await store.load(conversation)).version


async def test_a_postponed_reply_holds_back_the_later_ones_of_its_conversation_only(
    store: SqlStore, clock: Clock
) -> None:
    await spoken(store, "a1", "a2")
    await spoken(store, "b1", sender="bert")
    first, other = await store.due("w", channels=WEB)
    await store.postponed(first.id, "busy", 10)
    await store.sent(other.id)
    assert await store.due("w", channels=WEB) == []
    clock.turn(9)
    assert await store.due("w", channels=WEB) == []
    clock.turn(2)
    again = await next_out(store)
    assert (again.reply.text, first.attempts, again.attempts) == ("a1", 0, 1)
    await store.sent(again.id)
    assert (await next_out(store)).reply.text == "a2"


async def test_a_clock_set_back_does_not_postpone_for_ever(store: SqlStore, clock: Clock) -> None:
    await spoken(store, "a1")
    await store.postponed((await next_out(store)).id, "busy", 10)
    clock.turn(-3600 * 24)
    assert (await next_out(store)).reply.text == "a1"


async def test_what_a_dead_sender_took_goes_out_after_a_while_or_at_once_when_it_is_known(
    store: SqlStore, clock: Clock
) -> None:
    await spoken(store, "a1")
    await store.due("dead", channels=WEB, hold=30)
    clock.turn(31)
    await store.due("dead", channels=WEB, hold=30)
    assert await store.due("w", channels=WEB) == []
    await store.release_worker("dead")
    assert (await next_out(store)).attempts == 2


async def test_giving_up_is_told_in_the_conversation_and_frees_the_later_replies(store: SqlStore) -> None:
    conversation = await spoken(store, "a1", "a2")
    await store.failed((await next_out(store)).id, "the platform said no")
    last = (await store.events(conversation))[-1]
    assert last.body == Delivery(reply_id="a1", status="failed", error="the platform said no")
    assert (await next_out(store)).reply.text == "a2"


async def test_senders_take_only_their_channels_and_no_more_than_they_ask_for(store: SqlStore) -> None:
    for sender in ("anna", "bert", "carl"):
        await spoken(store, f"to {sender}", sender=sender)
    assert await store.due("w", channels=["telegram"]) == []
    assert await store.due("w", channels=[]) == []
    assert len(await store.due("w", channels=WEB, limit=2)) == 2
    assert len(await store.due("w", channels=WEB, limit=2)) == 1


async def test_two_senders_never_take_the_same_reply(store: SqlStore, another: Another) -> None:
    other = await another()
    for n in range(6):
        await spoken(store, f"r{n}", sender=f"s{n}")
    batches = await asyncio.gather(*((store, other)[n % 2].due(f"w{n}", channels=WEB, limit=3) for n in range(8)))
    taken = [outgoing.id for batch in batches for outgoing in batch]
    taken += [outgoing.id for outgoing in await store.due("late", channels=WEB)]
    assert len(taken) == len(set(taken)) == 6


async def test_an_agents_reply_goes_out_by_the_same_door(store: SqlStore) -> None:
    conversation = await spoken(store)
    version = (await store.load(conversation)).version
    await store.commit(conversation, version, [said(conversation, "I am Eve", "e1", "agent")], send=["e1"])
    assert (await next_out(store)).author == "agent"


async def test_a_reply_whose_words_were_erased_is_not_sent(store: SqlStore) -> None:
    conversation = await spoken(store, "a1", "a2")
    (first, _) = [line for line in (await store.load(conversation)).history if line.role == "bot"]
    await store.erase(conversation, [first.text.ref])
    assert (await next_out(store)).reply.text == "a2"


# -- changes


async def test_a_change_wakes_those_who_wait_in_this_process_and_in_others(store: SqlStore, another: Another) -> None:
    other = await another()
    marks = [await one.changes(0, 5) for one in (store, other)]
    await asyncio.sleep(0.3)
    marks = [await one.changes(mark, 0.3) for one, mark in zip((store, other), marks, strict=True)]
    waits = [asyncio.create_task(one.changes(mark, 5)) for one, mark in zip((store, other), marks, strict=True)]
    await asyncio.sleep(0.05)
    began = time.monotonic()
    await store.accept(hello(), bot="demo")
    woken = await asyncio.gather(*waits)
    assert time.monotonic() - began < 1
    assert all(new != old for new, old in zip(woken, marks, strict=True))


async def test_without_a_change_the_wait_runs_out(store: SqlStore) -> None:
    mark = await store.changes(0, 1)
    await asyncio.sleep(0.2)
    mark = await store.changes(mark, 0.2)
    assert await store.changes(mark, 0.1) == mark


# -- people


async def test_a_visitor_who_proves_to_be_a_customer_is_merged_and_unmerged(store: SqlStore) -> None:
    conversation = await spoken(store)
    known = await store.identify(conversation, "customer-7")
    assert await store.identify(conversation, "customer-7") == known
    other = await spoken(store, sender="annas-phone")
    assert await store.identify(other, "customer-7") == known
    before = await store.unmerge(conversation)
    assert before != known
    merges = [one.body for one in await store.events(conversation) if isinstance(one.body, Merged)]
    assert [(one.from_person, one.to_person, one.undone) for one in merges] == [
        (before, known, False),
        (before, known, True),
    ]
    with pytest.raises(NotFound):
        await store.unmerge(conversation)
    assert await store.identify(conversation, "customer-7") == known


async def test_merges_are_undone_one_by_one_also_from_a_later_conversation(store: SqlStore) -> None:
    first = await spoken(store)
    seven = await store.identify(first, "customer-7")
    await store.end(first)
    second = await spoken(store)
    eight = await store.identify(second, "customer-8")
    assert seven != eight
    assert await store.unmerge(second) == seven
    assert await store.unmerge(second) not in (seven, eight)
    with pytest.raises(NotFound):
        await store.unmerge(first)


# -- erasing


async def test_erased_words_leave_a_tombstone_and_the_rest(store: SqlStore) -> None:
    conversation = await spoken(store, "answer")
    (question, _) = (await store.load(conversation)).history
    assert await store.erase(conversation, [question.text.ref, "unknown"], by="agent-1") == 1
    assert await store.erase(conversation, [question.text.ref]) == 0
    state = await store.load(conversation)
    assert [line.text.text for line in state.history] == [None, "answer"]
    events = await store.events(conversation)
    assert events[-1].body == Erased(refs=(question.text.ref,), by="agent-1")
    assert [one.sequence for one in events] == [1, 2, 3, 4]
    assert isinstance(events[1].body, Received)
    assert events[1].body.text == Words(ref=question.text.ref, text=None)
    assert (await store.conversations())[0].last == ""


async def test_erasing_everything_takes_uploads_contact_and_waiting_messages_too(
    store: SqlStore, blobs: FolderBlobs
) -> None:
    sent, unsent = await blobs.put(b"a picture"), await blobs.put(b"never sent")
    about = {"channel": "web", "account": "default", "sender": "anna", "media_type": "image/png", "size": 9}
    for blob in (sent, unsent):
        await store.attach(blob, **about)
    name = Words(text="holiday.png")
    picture = Attachment(blob=sent, media_type="image/png", size=9, name=name)
    accepted = await store.accept(hello(attachments=(picture,)), bot="demo")
    conversation = accepted.conversation
    claim = await claimed(store)
    heard = Understood(message_id="m", attachment=picture.id, kind="caption", text=Words(text="a beach"))
    happened = [
        event(conversation, Received(message_id="m", text=Words(text="see"), attachments=(picture,)), "customer"),
        event(conversation, heard),
        event(conversation, ContactChanged(fields={"email": Words(text="anna@example.org")}), "customer"),
    ]
    await store.commit(conversation, 1, happened, lease=claim.lease, done=claim.inbox)
    await store.accept(hello("again", text="still waiting"), bot="demo")
    assert await store.owner(sent) == ("web", "default", "anna", "image/png")

    assert await store.erase(conversation) == 6  # four texts, two uploads

    assert await store.waiting() == 0
    assert not (await store.accept(hello("again"), bot="demo")).new
    for blob in (sent, unsent):
        with pytest.raises(NotFound):
            await store.owner(blob)
        with pytest.raises(NotFound):
            await blobs.get(blob)
    dumped = "".join(one.model_dump_json() for one in await store.events(conversation))
    dumped += (await store.load(conversation)).model_dump_json()
    for secret in ("holiday", "beach", "anna@example.org", "see"):
        assert secret not in dumped


async def test_erasing_one_upload_leaves_the_words(store: SqlStore, blobs: FolderBlobs) -> None:
    blob = await blobs.put(b"a picture")
    await store.attach(blob, channel="web", account="default", sender="anna", media_type="image/png", size=9)
    picture = Attachment(blob=blob, media_type="image/png", size=9)
    accepted = await store.accept(hello(text="keep me", attachments=(picture,)), bot="demo")
    await answer(store, await claimed(store))
    assert await store.erase(accepted.conversation, [blob]) == 1
    assert (await store.load(accepted.conversation)).history[0].text.text == "keep me"
    with pytest.raises(NotFound):
        await blobs.get(blob)


async def test_another_conversations_words_are_out_of_reach(store: SqlStore) -> None:
    mine = await spoken(store)
    other = await spoken(store, sender="bert")
    ref = (await store.load(other)).history[0].text.ref
    assert await store.erase(mine, [ref]) == 0
    assert (await store.load(other)).history[0].text.text == "Hello"


async def test_an_upload_stays_whose_it_was_first(store: SqlStore) -> None:
    about = {"channel": "web", "account": "default", "media_type": "image/png", "size": 1}
    await store.attach("b" * 32, sender="anna", **about)
    await store.attach("b" * 32, sender="mallory", **about)
    assert (await store.owner("b" * 32))[2] == "anna"
