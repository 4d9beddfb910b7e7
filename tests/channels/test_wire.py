"""The widget's wire over a real WebSocket and over plain HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bot.events import Actor, Delivery, Feedback, LabelsChanged
from bot.settings import Settings
from bot.types import Reply
from channels.writing import append, sent
from tests.channels.desks import RoteBot, Running, running
from tests.channels.widgets import session, tab


async def test_a_message_is_acknowledged_streamed_and_answered(desk: Running, http: httpx.AsyncClient) -> None:
    opened = await session(http)
    assert (opened["conversation"], opened["history"], opened["last_seq"]) == (None, [], 0)
    async with tab(desk.ws, opened["token"]) as widget:
        client_id = await widget.say("hi <b>there</b>")
        ack = await widget.until("ack", client_id=client_id)
        mine = await widget.until("message")
        assert (mine["from"], mine["client_id"], mine["id"]) == ("customer", client_id, ack["message_id"])
        assert mine["html"] == "hi &lt;b&gt;there&lt;/b&gt;"
        reply = await widget.until("message")
        assert reply["from"] == "bot"
        assert "<strong>" in reply["html"]
        assert "<b>" not in reply["html"]
        assert reply["buttons"] == [{"title": "Talk to a person", "payload": "/handover"}]
        (cited,) = reply["citations"]
        assert cited["href"] == "/source/help/returns/window?v=v1&start=10&end=17#cite"
        streamed = [frame["kind"] for frame in widget.frames if frame["type"] == "provisional"]
        assert streamed[:2] == ["typing", "sentence"]
        assert {frame["reply_id"] for frame in widget.frames if frame["type"] == "provisional"} == {reply["id"]}


async def test_two_tabs_of_one_visitor_both_get_everything_and_another_visitor_nothing(
    desk: Running, http: httpx.AsyncClient
) -> None:
    mine, other = await session(http), await session(http)
    opened = tab(desk.ws, mine["token"]), tab(desk.ws, mine["token"]), tab(desk.ws, other["token"])
    async with opened[0] as one, opened[1] as two, opened[2] as stranger:
        await one.say("first")
        await two.until("message", **{"from": "bot"})
        await two.say("second")
        for widget in (one, two):
            while len(widget.messages()) < 4:
                await widget.next()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stranger.next(), 0.3)
    shown = [[(frame["seq"], frame["id"]) for frame in widget.messages()] for widget in (one, two)]
    assert shown[0] == shown[1] == sorted(shown[0])


async def test_another_tab_and_a_page_that_is_loaded_again_show_what_waits_for_its_answer(
    desk: Running, http: httpx.AsyncClient
) -> None:
    opened, go = await session(http), asyncio.Event()
    desk.bot.turn.before = lambda _: go.wait()
    async with tab(desk.ws, opened["token"]) as one, tab(desk.ws, opened["token"]) as two:
        await one.say("first", client_id="c1")
        ack = await one.until("ack")
        shown = await two.until("waiting")
        assert (shown["text"], shown["client_id"], shown["message_id"]) == ("first", "c1", ack["message_id"])
        again = await session(http, token=opened["token"])
        assert (again["history"], again["waiting"]) == ([], [shown])
        go.set()
        committed = await two.until("message", **{"from": "customer"})
        assert (committed["id"], committed["client_id"]) == (shown["message_id"], "c1")
        await two.until("message", **{"from": "bot"})
    again = await session(http, token=opened["token"])
    assert (len(again["history"]), again["waiting"]) == (2, [])
    assert not any(frame["type"] == "waiting" for frame in one.frames)


async def test_a_message_sent_ten_times_is_stored_once(desk: Running, http: httpx.AsyncClient) -> None:
    opened = await session(http)
    async with tab(desk.ws, opened["token"]) as widget:
        for _ in range(10):
            await widget.say("hi", client_id="same")
        acks = [await widget.until("ack") for _ in range(10)]
        await widget.send(type="ping")
        await widget.until("pong")
    assert len({ack["message_id"] for ack in acks}) == 1
    assert len(desk.bot.turn.handled) == 1


async def test_a_client_id_of_another_visitor_is_no_key_to_their_conversation(
    desk: Running, http: httpx.AsyncClient
) -> None:
    ids = []
    for _ in range(2):
        opened = await session(http)
        async with tab(desk.ws, opened["token"]) as widget:
            await widget.say("hi", client_id="same")
            ids.append((await widget.until("ack"))["message_id"])
    assert len(set(ids)) == 2


async def test_a_visitor_finds_the_conversation_again(desk: Running, http: httpx.AsyncClient) -> None:
    opened = await session(http)
    async with tab(desk.ws, opened["token"]) as widget:
        await widget.say("hi")
        reply = await widget.until("message", **{"from": "bot"})
    again = await session(http, token=opened["token"])
    assert again["visitor"] == opened["visitor"]
    assert [frame["from"] for frame in again["history"]] == ["customer", "bot"]
    assert again["last_seq"] >= reply["seq"]
    async with tab(desk.ws, again["token"], resume=again["last_seq"]) as widget:
        await widget.send(type="ping")
        await widget.until("pong")
        assert widget.messages() == []


async def test_what_was_said_meanwhile_comes_after_a_reconnection_in_order(
    desk: Running, http: httpx.AsyncClient
) -> None:
    opened = await session(http)
    async with tab(desk.ws, opened["token"]) as widget:
        await widget.say("one")
        reply = await widget.until("message", **{"from": "bot"})
    for text in ("two", "three"):
        frame = {"type": "message", "client_id": text, "text": text}
        headers = {"Authorization": f"Bearer {opened['token']}"}
        answer = await http.post("/web/messages", json=frame, headers=headers)
        assert [frame["type"] for frame in answer.json()["frames"]] == ["ack"]
    async with tab(desk.ws, opened["token"], resume=reply["seq"]) as widget:
        while len(widget.messages()) < 4 and sum("three" in frame["text"] for frame in widget.messages()) < 2:
            await widget.next()
    sequence = [frame["seq"] for frame in widget.messages()]
    assert sequence == sorted(set(sequence))
    assert min(sequence) > reply["seq"]


async def test_the_same_works_without_websockets(desk: Running, http: httpx.AsyncClient) -> None:
    opened = await session(http)
    headers = {"Authorization": f"Bearer {opened['token']}"}
    poll = asyncio.create_task(http.get("/web/events", params={"after": 0, "wait": 10}, headers=headers))
    await asyncio.sleep(0.1)
    said = {"type": "message", "client_id": "c1", "text": "hi"}
    acked = (await http.post("/web/messages", json=said, headers=headers)).json()["frames"]
    assert acked[0]["type"] == "ack"
    seen: list[dict[str, Any]] = []
    after = 0
    seen += (await poll).json()["frames"]
    while sum(frame["type"] == "message" for frame in seen) < 2:
        after = max([after, *(frame.get("seq", 0) for frame in seen)])
        answer = await http.get("/web/events", params={"after": after, "wait": 5}, headers=headers)
        seen += answer.json()["frames"]
    assert [frame["from"] for frame in seen if frame["type"] == "message"] == ["customer", "bot"]


async def test_a_long_poll_ends_when_nothing_comes(http: httpx.AsyncClient) -> None:
    opened = await session(http)
    headers = {"Authorization": f"Bearer {opened['token']}"}
    answer = await http.get("/web/events", params={"after": 0, "wait": 0.2}, headers=headers)
    assert answer.json() == {"frames": [], "seq": 0, "status": "pending", "owner": "bot", "conversation": None}


async def test_an_agents_reply_from_another_process_reaches_the_open_widget_within_a_second(
    desk: Running, http: httpx.AsyncClient
) -> None:
    from bot.store.sql import SqlStore

    opened = await session(http)
    async with tab(desk.ws, opened["token"]) as widget:
        await widget.say("hi")
        await widget.until("message", **{"from": "bot"})
        elsewhere = SqlStore(desk.bot.settings.database_url)
        await elsewhere.open()
        conversation = await elsewhere.find("web", "demo", opened["visitor"])
        assert conversation is not None
        reply = Reply(text="Hello, *Mia* here")
        await append(elsewhere, conversation, Actor(kind="agent", id="mia"), lambda _: [sent(reply)])
        frame = await widget.until("message", patience=1, **{"from": "agent"})
        assert (frame["id"], frame["html"]) == (reply.id, "<p>Hello, <em>Mia</em> here</p>")
        from bot.events import Resolved

        await append(elsewhere, conversation, Actor(kind="agent", id="mia"), lambda _: [Resolved()])
        assert (await widget.until("status", patience=2))["status"] == "resolved"
        await elsewhere.close()


async def test_a_payload_counts_only_when_its_button_was_offered_here(desk: Running, http: httpx.AsyncClient) -> None:
    opened = await session(http)
    async with tab(desk.ws, opened["token"]) as widget:
        await widget.say("Talk to a person", payload="/handover")
        assert (await widget.until("nack"))["error"]["code"] == "rejected"
        await widget.say("hi")
        await widget.until("message", **{"from": "bot"})
        await widget.say("Talk to a person", payload="/handover")
        await widget.until("message", **{"from": "bot"})
    payloads = [message.payload for claim in desk.bot.turn.handled for message in claim.trigger.messages]
    assert payloads == [None, "/handover"]


async def test_too_fast_too_long_and_empty_are_said(quick: Callable[..., Settings]) -> None:
    bot = RoteBot(quick(limits={"messages_per_minute": 2, "message_characters": 10}))
    async with running(bot) as desk, httpx.AsyncClient(base_url=desk.url) as http:
        opened = await session(http, locale="zh-CN")
        async with tab(desk.ws, opened["token"]) as widget:
            await widget.say("x" * 11)
            assert (await widget.until("nack"))["error"]["code"] == "too_large"
            await widget.say("")
            assert (await widget.until("nack"))["error"]["code"] == "rejected"
            for _ in range(3):
                await widget.say("hi")
            nack = await widget.until("nack")
            assert nack["error"]["code"] == "rate_limited"
            assert "请稍等" in nack["error"]["text"]
            assert 0 < nack["retry_after"] <= 60


async def test_broken_frames_are_refused_and_the_connection_lives(desk: Running, http: httpx.AsyncClient) -> None:
    opened = await session(http)
    async with tab(desk.ws, opened["token"]) as widget:
        deep = "[" * 50_000 + "]" * 50_000
        for raw in ("{", "[]", "null", deep, '{"type":"unheard of"}', '{"type":["message"]}', "x" * 2_000_000):
            await widget.socket.send(raw)
            assert (await widget.until("nack"))["error"]["code"] in {"malformed", "rejected"}
        await widget.socket.send(json.dumps({"type": "message", "client_id": "s", "text": "half \ud83d of a sign\x00"}))
        mine = await widget.until("message", **{"from": "customer"})
        assert mine["text"] == "half \ufffd of a sign"


async def test_a_ten_megabyte_frame_is_refused_in_a_frame_and_a_larger_one_ends_the_connection(
    desk: Running, http: httpx.AsyncClient
) -> None:
    opened = await session(http)
    async with tab(desk.ws, opened["token"], max_size=None) as widget:
        await widget.say("x" * 10_000_000)
        assert "at most" in (await widget.until("nack"))["error"]["text"]
        await widget.send(type="ping")
        await widget.until("pong")
        with suppress(ConnectionClosed):
            await widget.say("x" * 13_000_000)
        with pytest.raises(ConnectionClosed) as closed:
            await widget.next()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


async def test_broken_utf8_ends_the_connection_with_its_code(desk: Running, http: httpx.AsyncClient) -> None:
    opened = await session(http)
    async with tab(desk.ws, opened["token"]) as widget:
        await widget.socket.send(b"\xff\xfe\xfd", text=True)
        with pytest.raises(ConnectionClosed) as closed:
            await widget.next()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1007


async def test_a_token_that_is_not_ours_is_refused(desk: Running, http: httpx.AsyncClient) -> None:
    good = (await session(http))["token"]
    for token in ("", "x", good[:-2] + "AA", good + "x"):
        async with connect(desk.ws, proxy=None) as socket:
            await socket.send(json.dumps({"type": "hello", "token": token, "resume": 0}))
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4401
        answer = await http.get("/web/events", headers={"Authorization": f"Bearer x{token}"})
        assert answer.status_code == 401


async def test_another_site_is_refused_and_a_configured_one_gets_cors(quick: Callable[..., Settings]) -> None:
    bot = RoteBot(quick(web={"origins": ("https://shop.example",)}))
    async with running(bot) as desk, httpx.AsyncClient(base_url=desk.url) as http:
        body = {"website_token": "demo"}
        evil = await http.post("/web/session", json=body, headers={"Origin": "https://evil.example"})
        assert evil.status_code == 403
        assert "access-control-allow-origin" not in evil.headers
        good = await http.post("/web/session", json=body, headers={"Origin": "https://shop.example"})
        assert good.headers["access-control-allow-origin"] == "https://shop.example"
        asked = await http.options("/web/session", headers={"Origin": "https://shop.example"})
        assert (asked.status_code, asked.headers["access-control-allow-methods"]) == (204, "GET, POST, OPTIONS")
        own = await http.post("/web/session", json=body, headers={"Origin": desk.url})
        assert own.status_code == 200
        with pytest.raises(InvalidStatus):
            async with connect(desk.ws, proxy=None, origin="https://evil.example"):
                pass
        assert (await http.post("/web/session", json={"website_token": "other"})).status_code == 403


async def test_forwarded_headers_are_believed_from_a_trusted_proxy_only(quick: Callable[..., Settings]) -> None:
    forwarded = {"Origin": "https://chat.example", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "chat.example"}
    for trusted, status in (((), 403), (("10.0.0.1",), 403), (("127.0.0.1",), 200)):
        bot = RoteBot(quick(web={"trusted_proxies": trusted}))
        async with running(bot) as desk, httpx.AsyncClient(base_url=desk.url) as http:
            answer = await http.post("/web/session", json={"website_token": "demo"}, headers=forwarded)
            assert answer.status_code == status


async def test_a_customer_is_known_only_with_a_right_hash(quick: Callable[..., Settings]) -> None:
    bot = RoteBot(quick(web={"identity_secret": "k"}))
    async with running(bot) as desk, httpx.AsyncClient(base_url=desk.url) as http:
        opened = await session(http)
        async with tab(desk.ws, opened["token"]) as widget:
            await widget.send(type="user", id="42", profile={"name": "Ada"}, identifier_hash="0" * 64)
            assert (await widget.until("nack"))["error"]["code"] == "unverified"
            proof = hmac.new(b"k", b"42", hashlib.sha256).hexdigest()
            await widget.send(type="user", id="42", profile={"name": "Ada"}, identifier_hash=proof)
            await widget.say("hi")
            await widget.until("message", **{"from": "bot"})
        conversation = await bot.store.find("web", "demo", opened["visitor"])
        assert conversation is not None
        state = await bot.store.load(conversation)
        assert state.verified
        assert state.contact["name"].text == "Ada"


async def test_labels_attributes_feedback_and_reading_become_events(desk: Running, http: httpx.AsyncClient) -> None:
    opened = await session(http)
    async with tab(desk.ws, opened["token"]) as widget:
        await widget.say("hi")
        reply = await widget.until("message", **{"from": "bot"})
        await widget.send(type="labels", add=["vip"], remove=[])
        await widget.send(type="attributes", set={"plan": "gold"}, delete=[])
        await widget.send(type="feedback", reply_id=reply["id"], rating="up")
        await widget.until("feedback", rating="up")
        await widget.send(type="feedback", reply_id="nobody's", rating="up")
        await widget.until("nack")
        await widget.send(type="read", seq=reply["seq"])
        await widget.send(type="ping")
        await widget.until("pong")
    conversation = await desk.bot.store.find("web", "demo", opened["visitor"])
    assert conversation is not None
    bodies = [event.body for event in await desk.bot.store.events(conversation)]
    assert [body.added for body in bodies if isinstance(body, LabelsChanged)] == [("vip",)]
    assert [body.rating for body in bodies if isinstance(body, Feedback)] == ["up"]
    assert [body.status for body in bodies if isinstance(body, Delivery)] == ["read"]
    state = await desk.bot.store.load(conversation)
    assert state.contact["plan"].text == "gold"
    again = await session(http, token=opened["token"])
    assert again["history"][-1]["feedback"] == "up"


async def test_after_a_reset_the_browser_is_somebody_new(desk: Running, http: httpx.AsyncClient) -> None:
    opened = await session(http)
    async with tab(desk.ws, opened["token"]) as widget:
        await widget.say("hi")
        await widget.until("message", **{"from": "bot"})
        await widget.send(type="reset")
        fresh = await widget.until("welcome")
        assert (fresh["conversation"], fresh["seq"]) == (None, 0)
        await widget.say("hello again")
        await widget.until("message", **{"from": "bot"})
    again = await session(http, token=fresh["token"])
    assert again["visitor"] != opened["visitor"]
    assert "hello again" in again["history"][0]["text"]


async def test_a_waiting_customer_is_told_once_that_it_takes_longer(
    quick: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    from channels import inbox

    monkeypatch.setattr(inbox, "SLOW_SECONDS", 0.2)
    monkeypatch.setattr(inbox, "IDLE_SECONDS", 0.1)
    bot = RoteBot(quick(turns={"workers": 1, "pause_seconds": 0.0}))
    bot.turn.before = lambda claim: asyncio.sleep(1.0)
    async with running(bot) as desk, httpx.AsyncClient(base_url=desk.url) as http:
        one, two = await session(http), await session(http)
        async with tab(desk.ws, one["token"]) as first, tab(desk.ws, two["token"]) as second:
            await first.say("hi")
            await second.say("hi")
            assert "longer" in (await second.until("status"))["text"]
            await second.until("message", **{"from": "bot"})
            assert sum("text" in frame for frame in second.frames if frame["type"] == "status") == 1


async def test_the_widget_script_is_one_file_compressed_and_cached(http: httpx.AsyncClient) -> None:
    answer = await http.get("/widget.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["content-encoding"] == "gzip"
    assert "customElements" in answer.text
    again = await http.get("/widget.js", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
