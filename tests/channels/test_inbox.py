"""The inbox: order, bursts, crashes, leases, overload and shutting down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest

from bot.errors import Overloaded
from bot.events import Sent
from bot.settings import Settings
from bot.store.base import Claim
from bot.types import Message
from channels import inbox as inbox_module
from tests.channels.desks import RoteBot, running, until


def message(sender: str, text: str, number: int = 0) -> Message:
    return Message(channel="web", account="demo", sender=sender, external_id=f"{sender}:{text}:{number}", text=text)


async def replies(bot: RoteBot, conversation: str) -> list[str]:
    found = [event.body for event in await bot.store.events(conversation)]
    return [body.text.text or "" for body in found if isinstance(body, Sent)]


async def test_a_burst_within_the_pause_is_one_turn(make_settings: Callable[..., Settings]) -> None:
    bot = RoteBot(make_settings(turns={"pause_seconds": 2}))
    async with running(bot) as found:
        for text in ("hello", "I have", "a question"):
            await found.desk.inbox.accept(message("ada", text))
        await until(lambda: len(bot.turn.handled) == 1)
        assert [each.text for each in bot.turn.handled[0].trigger.messages] == ["hello", "I have", "a question"]


async def test_messages_of_one_conversation_are_never_worked_on_at_once(quick: Callable[..., Settings]) -> None:
    bot = RoteBot(quick())
    busy: set[str] = set()

    async def before(claim: Claim) -> None:
        conversation = claim.lease.conversation
        assert conversation not in busy
        busy.add(conversation)
        await asyncio.sleep(0.01)
        busy.remove(conversation)

    bot.turn.before = before
    async with running(bot) as found:
        for number in range(12):
            for sender in ("ada", "bob", "cyd"):
                await found.desk.inbox.accept(message(sender, f"m{number}"))
        await until(lambda: sum(len(claim.trigger.messages) for claim in bot.turn.handled) == 36)
        for sender in ("ada", "bob", "cyd"):
            said = [each.text for claim in bot.turn.handled for each in claim.trigger.messages if each.sender == sender]
            assert said == [f"m{number}" for number in range(12)]


async def test_no_more_turns_run_than_there_are_workers(quick: Callable[..., Settings]) -> None:
    bot = RoteBot(quick(turns={"workers": 3, "pause_seconds": 0.0}))
    most = 0

    async with running(bot) as found:

        async def before(_: Claim) -> None:
            nonlocal most
            most = max(most, found.desk.inbox.in_flight)
            await asyncio.sleep(0.02)

        bot.turn.before = before
        for number in range(20):
            await found.desk.inbox.accept(message(f"s{number}", "hi"))
        await until(lambda: len(bot.turn.handled) == 20)
    assert most == 3


async def test_a_delivery_repeated_ten_times_and_out_of_order_is_one_message_each(
    quick: Callable[..., Settings],
) -> None:
    bot = RoteBot(quick())
    async with running(bot) as found:
        sent = [message("ada", text) for text in ("two", "one", "three")] * 10
        accepted = await asyncio.gather(*(found.desk.inbox.accept(each) for each in sent))
        assert sum(each.new for each in accepted) == 3
        await until(lambda: sum(len(claim.trigger.messages) for claim in bot.turn.handled) == 3)
        await asyncio.sleep(0.1)
        assert sum(len(claim.trigger.messages) for claim in bot.turn.handled) == 3


async def test_a_turn_that_always_dies_does_not_keep_others_from_being_served(
    quick: Callable[..., Settings],
) -> None:
    bot = RoteBot(quick(turns={"workers": 1, "pause_seconds": 0.0}))

    def die(claim: Claim) -> None:
        if claim.trigger.messages[0].sender == "poison":
            raise RuntimeError("a bug")

    bot.turn.before = die
    async with running(bot) as found:
        await found.desk.inbox.accept(message("poison", "hi"))
        accepted = await found.desk.inbox.accept(message("ada", "hi"))
        await until(lambda: any(claim.lease.conversation == accepted.conversation for claim in bot.turn.handled))
        page = await found.desk.prometheus(None)  # type: ignore[arg-type]
        assert 'frontdesk_errors_total{edge="turn",error="RuntimeError"}' in bytes(page.body).decode()


async def test_stopping_lets_a_turn_finish_and_hands_back_one_that_does_not(
    quick: Callable[..., Settings],
) -> None:
    settings = quick()
    bot = RoteBot(settings)
    bot.turn.before = lambda claim: asyncio.sleep(0.3 if claim.trigger.messages[0].text == "short" else 60)
    async with running(bot) as found:
        found.desk._grace = 1.0
        short = await found.desk.inbox.accept(message("ada", "short"))
        long = await found.desk.inbox.accept(message("bob", "long"))
        await until(lambda: len(bot.turn.handled) == 2)
    again = RoteBot(settings)
    await again.store.open()
    assert await replies(again, short.conversation) == ["you said: **short**"]
    claim = await again.store.claim("another", lease_seconds=5)
    assert claim is not None
    assert claim.lease.conversation == long.conversation
    assert claim.attempt == 2
    await again.store.close()


async def test_what_a_dead_process_was_at_is_finished_by_its_next_life_once(quick: Callable[..., Settings]) -> None:
    settings = quick(turns={"lease_seconds": 600, "pause_seconds": 0.0})
    dead = RoteBot(settings)
    await dead.store.open()
    accepted = await dead.store.accept(message("ada", "hi"), bot="b")
    assert await dead.store.claim("me", lease_seconds=600) is not None  # and then the power went
    await dead.store.close()
    bot = RoteBot(settings)
    async with running(bot, worker="me"):
        await until(lambda: len(bot.turn.handled) == 1)
        await asyncio.sleep(0.1)
        assert await replies(bot, accepted.conversation) == ["you said: **hi**"]
        assert bot.turn.handled[0].attempt == 2


async def test_a_place_in_the_queue_is_given_back_whatever_happens(quick: Callable[..., Settings]) -> None:
    async with running(RoteBot(quick(limits={"turns_waiting": 2}))) as found:
        inbox = found.desk.inbox
        for _ in range(5):
            with pytest.raises(RuntimeError):
                async with inbox.place("rest"):
                    raise RuntimeError("the caller died")
        async with inbox.place("rest"), inbox.place("rest"):
            with pytest.raises(Overloaded):
                async with inbox.place("rest"):
                    pass
        async with inbox.place("rest"):
            pass


async def test_a_hundred_widgets_messages_wait_their_turn_and_none_is_refused(quick: Callable[..., Settings]) -> None:
    bot = RoteBot(quick(limits={"turns_waiting": 32}))
    async with running(bot) as found:
        await asyncio.gather(*(found.desk.inbox.accept(message(f"s{number}", "hi")) for number in range(100)))
        await until(lambda: len(bot.turn.handled) == 100, patience=30)


async def test_a_database_that_fails_for_a_while_stops_nothing_for_good(
    quick: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.errors import StoreError

    bot = RoteBot(quick())
    claim, failures = bot.store.claim, [StoreError("database is locked"), OSError("disk")]

    async def shaky(worker: str, **given: object) -> Claim | None:
        if failures:
            raise failures.pop()
        return await claim(worker, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(bot.store, "claim", shaky)
    async with running(bot) as found, httpx.AsyncClient(base_url=found.url) as http:
        answer = await http.post("/webhooks/rest/webhook", json={"sender": "a", "message": "hi"})
        assert answer.status_code == 200


async def test_nobody_is_told_to_wait_for_what_another_process_has_answered(
    make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_module, "SLOW_SECONDS", 0.3)
    monkeypatch.setattr(inbox_module, "IDLE_SECONDS", 0.1)
    bot = RoteBot(make_settings(turns={"pause_seconds": 30.0}))
    async with running(bot) as found:
        inbox, told = found.desk.inbox, []

        async def slow(conversation: str, waits: Message, begun: bool) -> None:
            told.append(waits.text)

        monkeypatch.setattr(inbox, "_slow", slow)
        await inbox.accept(message("ada", "answered elsewhere"))
        claim = await bot.store.claim("another", lease_seconds=30)
        assert claim is not None
        await bot.turn.handle(claim)
        await inbox.accept(message("bob", "still waiting"))
        await until(lambda: told != [])
        await asyncio.sleep(0.5)
        assert told == ["still waiting"]
