"""A server whose disk is full: customers get a clear word, nothing accepted is lost, and it recovers by itself."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from channels import rest
from tests.channels.desks import Running
from tests.channels.test_uploads import png, upload
from tests.channels.widgets import session, tab
from tests.scarce import no_room

WEBHOOK = "/webhooks/rest/webhook"


async def test_messages_and_uploads_are_refused_with_a_word_and_taken_again_when_there_is_room(
    desk: Running, http: httpx.AsyncClient
) -> None:
    opened = await session(http)
    large = png() + bytes(2_000_000)  # so large that it passes through a file of its own on its way in
    async with tab(desk.ws, opened["token"]) as widget:
        await widget.say("before", client_id="c0")
        while not any(frame["from"] == "bot" for frame in widget.messages()):
            await widget.next()
        with no_room():
            await widget.say("hi", client_id="c1")
            nack = await widget.until("nack")
            assert (nack["client_id"], nack["error"]["code"]) == ("c1", "unavailable")
            assert nack["error"]["text"] == "It's busy here right now. Please try again in a minute."
            assert nack["retry_after"] > 0
            answer = await http.post(WEBHOOK, json={"sender": "ada", "message": "hi"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
            for data in (png(), large):
                refused = await upload(http, opened["token"], data, "a.png")
                assert (refused.status_code, refused.json()["error"]["code"]) == (503, "unavailable"), refused.text
                assert refused.json()["error"]["text"] == nack["error"]["text"]
            assert (await http.get("/readyz")).status_code == 503
            assert (await http.get("/healthz")).status_code == 200
            assert len((await session(http, token=opened["token"]))["history"]) == 2  # what is there can be read
        assert not [path for path in desk.bot.blobs.path.rglob("*") if path.is_file()], "no half files"
        told = await upload(http, opened["token"], large, "a.png")
        assert told.status_code == 201
        await widget.say("hi", client_id="c1", attachments=[told.json()["id"]])
        await widget.until("ack", client_id="c1")
        async with asyncio.timeout(20):
            while len(widget.messages()) < 4:
                await widget.next()
    assert [frame["from"] for frame in widget.messages()] == ["customer", "bot"] * 2
    assert (await http.get("/readyz")).status_code == 200
    answer = await http.post(WEBHOOK, json={"sender": "ada", "message": "hi"})
    assert answer.json()[0]["text"] == "you said: **hi**"


async def test_a_turn_that_cannot_be_written_is_finished_once_when_there_is_room(
    desk: Running, http: httpx.AsyncClient
) -> None:
    written, full = asyncio.Event(), asyncio.Event()

    async def fill(_: object) -> None:
        written.set()
        await full.wait()

    desk.bot.turn.before = fill
    opened = await session(http)
    async with tab(desk.ws, opened["token"]) as widget:
        await widget.say("hi")
        await widget.until("ack")
        await written.wait()
        with no_room():
            full.set()
            async with asyncio.timeout(10):
                while 'error="StoreError"' not in (await http.get("/metrics")).text:  # noqa: ASYNC110 - over HTTP
                    await asyncio.sleep(0.05)
            await asyncio.sleep(1.0)  # the lease is given back in vain
            assert (await session(http, token=opened["token"]))["history"] == []
        async with asyncio.timeout(30):
            while len(widget.messages()) < 2:
                await widget.next()
        await asyncio.sleep(0.5)
    history = (await session(http, token=opened["token"]))["history"]
    assert [frame["from"] for frame in history] == ["customer", "bot"]
    assert history[1]["text"].startswith("you said")


async def test_a_caller_whose_turn_cannot_be_written_is_told_soon_and_gets_its_answer_later(
    desk: Running, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "TROUBLE_SECONDS", 1.0)
    written, full = asyncio.Event(), asyncio.Event()

    async def fill(_: object) -> None:
        written.set()
        await full.wait()

    desk.bot.turn.before = fill
    body = {"sender": "ada", "message": "hi", "metadata": {"message_id": "m1"}}
    told = asyncio.create_task(http.post(WEBHOOK, json=body))
    streamed = asyncio.create_task(http.post(WEBHOOK, json=body, params={"stream": "true"}))
    await written.wait()
    with no_room():
        full.set()
        async with asyncio.timeout(10):
            answer, lines = await told, await streamed
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "no_answer")
    assert "is stored" in answer.json()["error"]["text"]
    assert answer.headers["retry-after"] == "10"
    assert lines.json() == {"error": {"code": "no_answer", "text": answer.json()["error"]["text"]}}
    again = await http.post(WEBHOOK, json=body)
    assert (again.status_code, again.json()[0]["text"]) == (200, "you said: **hi**")
    assert desk.desk.inbox._callers == 0
