"""Rasa's REST channel, through a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest

from bot.events import Event
from bot.settings import Settings
from tests.channels.desks import RoteBot, Running, running

WEBHOOK = "/webhooks/rest/webhook"


async def test_the_health_of_the_channel_is_rasas(http: httpx.AsyncClient) -> None:
    for path in ("/webhooks/rest/", "/webhooks/rest"):
        assert (await http.get(path)).json() == {"status": "ok"}


async def test_a_message_gets_its_reply_as_rasas_objects(http: httpx.AsyncClient) -> None:
    answer = await http.post(WEBHOOK, json={"sender": "ada", "message": "hi"})
    assert answer.status_code == 200
    said, cited = answer.json()
    assert said == {
        "recipient_id": "ada",
        "text": "you said: **hi**",
        "buttons": [{"title": "Talk to a person", "payload": "/handover"}],
    }
    (citation,) = cited["custom"]["citations"]
    assert citation["quote"] == "30 days"
    assert citation["href"] == f"{str(http.base_url).rstrip('/')}/source/help/returns/window?v=v1&start=10&end=17#cite"


async def test_streaming_gives_one_object_a_line(http: httpx.AsyncClient) -> None:
    async with http.stream("POST", WEBHOOK, params={"stream": "true"}, json={"sender": "a", "message": "hi"}) as answer:
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        lines = [json.loads(line) async for line in answer.aiter_lines()]
    assert [sorted(line) for line in lines] == [["buttons", "recipient_id", "text"], ["custom", "recipient_id"]]


async def test_a_delivery_repeated_ten_times_gets_the_same_replies_and_one_turn(
    http: httpx.AsyncClient, desk: Running
) -> None:
    body = {"sender": "ada", "message": "hi", "metadata": {"message_id": "m1"}}
    answers = await asyncio.gather(*(http.post(WEBHOOK, json=body) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert len(desk.bot.turn.handled) == 1


async def test_the_same_message_id_of_another_sender_is_another_message(http: httpx.AsyncClient) -> None:
    for sender in ("ada", "bob"):
        body = {"sender": sender, "message": f"I am {sender}", "metadata": {"message_id": "m1"}}
        assert sender in (await http.post(WEBHOOK, json=body)).text


async def test_a_typed_payload_is_text_until_its_button_was_offered(http: httpx.AsyncClient, desk: Running) -> None:
    for _ in range(2):
        await http.post(WEBHOOK, json={"sender": "ada", "message": "/handover"})
    before, after = (claim.trigger.messages[0].payload for claim in desk.bot.turn.handled)
    assert (before, after) == (None, "/handover")


async def test_the_bearer_token_is_asked_for(quick: Callable[..., Settings]) -> None:
    async with running(RoteBot(quick(rest={"token": "s3cret"}))) as desk, httpx.AsyncClient(base_url=desk.url) as http:
        body = {"sender": "ada", "message": "hi"}
        assert (await http.post(WEBHOOK, json=body)).status_code == 401
        assert (await http.post(WEBHOOK, json=body, headers={"Authorization": "Bearer wrong"})).status_code == 401
        answer = await http.post(WEBHOOK, json=body, headers={"Authorization": "Bearer s3cret"})
        assert answer.status_code == 200


async def test_nonsense_is_refused_and_nothing_hangs(http: httpx.AsyncClient) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    for raw in (
        b"",
        b"\xff\xfe",
        b"[]",
        b'{"sender": 1, "message": "x"}',
        b'{"message": {"a": 1}}',
        deep,
        b'{"a": NaN',
    ):
        answer = await http.post(WEBHOOK, content=raw)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed"), raw[:40]


async def test_ten_megabytes_are_answered_with_413(http: httpx.AsyncClient) -> None:
    answer = await http.post(WEBHOOK, json={"sender": "a", "message": "x" * 10_000_000})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")

    async def pieces():  # type: ignore[no-untyped-def]
        for _ in range(100):
            yield b"x" * 100_000

    answer = await http.post(WEBHOOK, content=pieces())
    assert answer.status_code == 413


async def test_too_long_a_message_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post(WEBHOOK, json={"sender": "a", "message": "x" * 4_001})
    assert answer.status_code == 413


async def test_a_hundred_at_once_on_a_queue_of_32_are_answered_or_told_busy(quick: Callable[..., Settings]) -> None:
    bot = RoteBot(quick(limits={"turns_waiting": 32}))
    bot.turn.before = lambda claim: asyncio.sleep(0.05)
    limits = httpx.Limits(max_connections=200)
    async with running(bot) as desk, httpx.AsyncClient(base_url=desk.url, timeout=60, limits=limits) as http:
        asked = [http.post(WEBHOOK, json={"sender": f"s{n}", "message": "hi"}) for n in range(100)]
        answers = await asyncio.gather(*asked)
    codes = [answer.status_code for answer in answers]
    assert set(codes) == {200, 503}
    assert codes.count(200) >= 32
    busy = next(answer for answer in answers if answer.status_code == 503)
    assert busy.json()["error"]["code"] == "busy"
    assert busy.headers["retry-after"] == "5"


async def test_what_a_person_writes_later_goes_to_the_callback_url(quick: Callable[..., Settings]) -> None:
    from bot.events import Actor
    from bot.types import Reply
    from channels.writing import append, sent
    from tests.channels.stands import Catcher

    async with Catcher() as catcher:
        bot = RoteBot(quick(rest={"callback_url": catcher.url}))
        async with running(bot) as desk, httpx.AsyncClient(base_url=desk.url) as http:
            await http.post(WEBHOOK, json={"sender": "ada", "message": "hi"})
            conversation = await bot.store.find("rest", "default", "ada")
            assert conversation is not None
            reply = Reply(text="Hello, this is Mia.\n\nHow can I help?")
            await append(bot.store, conversation, Actor(kind="agent", id="mia"), lambda _: [sent(reply)])
            posted = [await catcher.next() for _ in range(2)]
    assert [each["text"] for each in posted] == ["Hello, this is Mia.", "How can I help?"]
    assert posted[0]["recipient_id"] == "ada"


async def test_a_turn_that_dies_is_tried_again_and_the_caller_gets_its_answer(quick: Callable[..., Settings]) -> None:
    bot = RoteBot(quick())
    deaths = iter([True, False])

    def die(_: object) -> None:
        if next(deaths):
            raise RuntimeError("a bug")

    bot.turn.before = die
    async with running(bot) as desk, httpx.AsyncClient(base_url=desk.url, timeout=30) as http:
        answer = await http.post(WEBHOOK, json={"sender": "ada", "message": "hi"})
    assert answer.json()[0]["text"] == "you said: **hi**"
    assert [claim.attempt for claim in bot.turn.handled] == [1, 2]


async def test_a_long_conversation_is_not_read_from_its_beginning_for_every_message(
    http: httpx.AsyncClient, desk: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    await http.post(WEBHOOK, json={"sender": "ada", "message": "hi"})
    conversation = await desk.bot.store.find("rest", "default", "ada")
    newest, read, asked = (await desk.bot.store.load(conversation)).version, desk.bot.store.events, []

    async def events(conversation: str, after: int = 0) -> list[Event]:
        asked.append(after)
        found: list[Event] = await read(conversation, after)
        return found

    monkeypatch.setattr(desk.bot.store, "events", events)
    answer = await http.post(WEBHOOK, json={"sender": "ada", "message": "again"})
    assert answer.json()[0]["text"] == "you said: **again**"
    assert set(asked) == {newest}
