"""The outbox: order, retries, giving up, and what another process wrote."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import DeliveryError, StoreError
from bot.events import Actor, Delivery
from bot.store.base import Outgoing
from bot.store.sql import SqlStore
from bot.types import Message, Reply
from channels import outbox as outbox_module
from channels.metrics import Metrics
from channels.outbox import LONGEST_PAUSE, Outbox, pause_after
from channels.writing import append, sent
from tests.channels.desks import until


class Out:
    """A channel that fails as told: `plan` gives an error, or None, for each attempt."""

    name = "out"

    def __init__(self, plan: list[Exception | None]) -> None:
        self.plan = plan
        self.tried: list[str] = []
        self.delivered: list[str] = []

    async def send(self, outgoing: Outgoing) -> str | None:
        self.tried.append(outgoing.reply.text)
        error = self.plan.pop(0) if self.plan else None
        if error is not None:
            raise error
        self.delivered.append(outgoing.reply.text)
        return f"x{len(self.delivered)}"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    found = SqlStore(f"sqlite:///{tmp_path / 'test.db'}")
    await found.open()
    yield found
    await found.close()


async def said(store: SqlStore, *texts: str, sender: str = "ada") -> str:
    """A conversation in which an agent said these."""
    accepted = await store.accept(Message(channel="out", sender=sender, text="hi"), bot="b")
    for text in texts:
        reply = Reply(text=text)
        await append(store, accepted.conversation, Actor(kind="agent"), lambda _, reply=reply: [sent(reply)])
    return accepted.conversation


async def run(store: SqlStore, channel: Out, done: Callable[[], bool], patience: float = 8) -> None:
    box = Outbox(store=store, channels={"out": channel}, metrics=Metrics(), worker="w")  # type: ignore[dict-item]
    await box.start()
    try:
        await until(done, patience)
    finally:
        await box.stop()


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(outbox_module, "IDLE_SECONDS", 0.02)


async def test_replies_leave_in_order_and_a_failing_one_holds_back_the_later(store: SqlStore) -> None:
    await said(store, "one", "two", "three")
    channel = Out([None, DeliveryError("away"), DeliveryError("away"), RuntimeError("a bug"), None])
    await run(store, channel, lambda: len(channel.delivered) == 3)
    assert channel.delivered == ["one", "two", "three"]
    assert channel.tried == ["one", "two", "two", "two", "two", "three"]


async def test_one_conversations_trouble_is_not_anothers(store: SqlStore) -> None:
    await said(store, "stuck", sender="ada")
    await said(store, "fine", sender="bob")
    channel = Out([DeliveryError("away", retry_after=60), None])
    await run(store, channel, lambda: len(channel.tried) == 2)
    assert channel.delivered == ["fine"]


async def test_a_permanent_refusal_is_written_down_and_the_next_reply_goes_out(store: SqlStore) -> None:
    conversation = await said(store, "no", "yes")
    channel = Out([DeliveryError("blocked by the customer", permanent=True)])
    await run(store, channel, lambda: channel.delivered == ["yes"])
    bodies = [event.body for event in await store.events(conversation)]
    failed = [(body.status, body.error) for body in bodies if isinstance(body, Delivery)]
    assert failed == [("failed", "blocked by the customer")]


async def test_after_too_many_tries_a_reply_is_given_up(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "ATTEMPTS", 3)
    await said(store, "no", "yes")
    channel = Out([DeliveryError("away")] * 3)
    await run(store, channel, lambda: channel.delivered == ["yes"])
    assert channel.tried == ["no", "no", "no", "yes"]


async def test_what_was_being_sent_when_the_process_died_is_sent_by_its_next_life(store: SqlStore) -> None:
    await said(store, "once")
    (held,) = await store.due("w", channels=["out"], hold=600)
    assert held.reply.text == "once"
    channel = Out([])
    await store.release_worker("w")
    await run(store, channel, lambda: channel.delivered == ["once"])


async def test_what_is_being_sent_is_not_sent_again_however_long_the_platform_takes(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "AT_ONCE", 2)
    monkeypatch.setattr(outbox_module, "HOLD_SECONDS", 0.5)

    class Slow(Out):
        async def send(self, outgoing: Outgoing) -> str | None:
            await asyncio.sleep(0.2)
            return await super().send(outgoing)

    channel = Slow([])
    for number in range(8):
        await said(store, f"r{number}", sender=f"s{number}")
    await run(store, channel, lambda: len(set(channel.delivered)) == 8)
    assert sorted(channel.delivered) == [f"r{number}" for number in range(8)]


async def test_what_was_sent_and_could_not_be_marked_is_marked_later_and_not_sent_again(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "HOLD_SECONDS", 0.1)
    await said(store, "once", "then")
    mark, refusals = store.sent, [StoreError("locked"), StoreError("locked")]

    async def sent_at_last(outgoing: int, *, external_id: str | None = None) -> None:
        if refusals:
            raise refusals.pop()
        await mark(outgoing, external_id=external_id)

    monkeypatch.setattr(store, "sent", sent_at_last)
    channel = Out([])
    await run(store, channel, lambda: "then" in channel.delivered)
    assert channel.tried == ["once", "then"]


@given(st.integers(1, 100), st.floats(0, 1), st.none() | st.floats(0, 10_000))
def test_the_pause_grows_to_a_limit_and_respects_the_platforms_own(
    attempts: int, jitter: float, retry_after: float | None
) -> None:
    pause = pause_after(attempts, retry_after, jitter)
    assert pause >= (retry_after or 0)
    assert pause <= max(LONGEST_PAUSE, retry_after or 0)
