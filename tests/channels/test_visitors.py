"""What a site tells of its visitor, whenever it tells it; and positions that mean nothing."""

from __future__ import annotations

from typing import Any

import httpx

from bot.state import State
from tests.channels.desks import Running
from tests.channels.widgets import session, tab


async def state_of(desk: Running[Any], visitor: str) -> State:
    conversation = await desk.bot.store.find("web", "demo", visitor)
    assert conversation is not None
    found: State = await desk.bot.store.load(conversation)
    return found


async def test_what_the_site_tells_before_the_first_message_is_kept_for_it(
    desk: Running, http: httpx.AsyncClient
) -> None:
    opened = await session(http)
    async with tab(desk.ws, opened["token"]) as widget:
        await widget.send(type="user", id="7", profile={"name": "Ada"})
        await widget.send(type="attributes", set={"plan": "gold", "seats": 3}, delete=[])
        await widget.send(type="attributes", set={}, delete=["seats"])
        await widget.send(type="labels", add=["vip", "trial"], remove=[])
        await widget.send(type="labels", add=[], remove=["trial"])
    async with tab(desk.ws, opened["token"]) as widget:  # another page
        await widget.say("hi")
        await widget.until("message", **{"from": "bot"})
        await widget.send(type="ping")
        await widget.until("pong")
        assert not [frame for frame in widget.frames if frame["type"] == "nack"]
    state = await state_of(desk, opened["visitor"])
    assert {key: words.text for key, words in state.contact.items()} == {"name": "Ada", "plan": "gold"}
    assert state.labels == ("vip",)


async def test_without_websockets_it_is_kept_too(desk: Running, http: httpx.AsyncClient) -> None:
    opened = await session(http)
    headers = {"Authorization": f"Bearer {opened['token']}"}
    for frame in (
        {"type": "user", "id": "7", "profile": {"name": "Ada"}},
        {"type": "attributes", "set": {"plan": "gold"}, "delete": []},
        {"type": "message", "client_id": "c1", "text": "hi"},
    ):
        answer = await http.post("/web/messages", json=frame, headers=headers)
        assert [each["type"] for each in answer.json()["frames"]] in ([], ["ack"])
    state = await state_of(desk, opened["visitor"])
    assert {key: words.text for key, words in state.contact.items()} == {"name": "Ada", "plan": "gold"}


async def test_a_contact_does_not_grow_without_end(desk: Running, http: httpx.AsyncClient) -> None:
    opened = await session(http)
    async with tab(desk.ws, opened["token"]) as widget:
        await widget.send(type="attributes", set={f"early{n}": "x" for n in range(50)}, delete=[])
        await widget.send(type="attributes", set={"one more": "x"}, delete=[])
        await widget.until("nack")
        await widget.say("hi")
        await widget.until("message", **{"from": "bot"})
        for batch in range(4):
            await widget.send(type="attributes", set={f"key{batch}-{n}": "x" for n in range(50)}, delete=[])
            await widget.send(type="labels", add=[f"label{batch}-{n}" for n in range(50)], remove=[])
        for _ in range(4):
            await widget.until("nack")
    state = await state_of(desk, opened["visitor"])
    assert (len(state.contact), len(state.labels)) == (100, 100)


async def test_frames_of_odd_shapes_are_refused_and_the_tab_stays_open(desk: Running, http: httpx.AsyncClient) -> None:
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    opened = await session(http)
    async with tab(desk.ws, opened["token"]) as widget:
        await widget.say("hi")
        await widget.until("message", **{"from": "bot"})
        for frame in ({"type": "feedback", "reply_id": "r", "rating": []}, {"type": "attributes", "set": {"a": deep}}):
            await widget.send(**frame)
            assert (await widget.until("nack"))["error"]["code"] == "rejected"


async def test_a_position_means_nothing_where_there_is_no_conversation(desk: Running, http: httpx.AsyncClient) -> None:
    opened = await session(http)
    async with tab(desk.ws, opened["token"], resume=57) as widget:
        await widget.say("hi", client_id="mine:1")
        assert (await widget.until("message"))["client_id"] == "mine:1"
        assert "you said" in (await widget.until("message", **{"from": "bot"}))["text"]
