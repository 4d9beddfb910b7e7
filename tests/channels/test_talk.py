"""What a widget tells: written once whoever tells it how often, and looked up among what a visitor may see."""

from __future__ import annotations

import httpx
import pytest

from channels.web import channel, talk
from tests.channels.desks import Running
from tests.channels.widgets import session, tab


async def test_two_tabs_that_tell_the_same_write_it_once(desk: Running, http: httpx.AsyncClient) -> None:
    opened = await session(http)
    async with tab(desk.ws, opened["token"]) as one, tab(desk.ws, opened["token"]) as two:
        await one.say("hi")
        for widget in (one, two):
            reply = await widget.until("message", **{"from": "bot"})
        for widget in (one, two):
            await widget.send(type="read", seq=reply["seq"])
            await widget.send(type="labels", add=["vip"], remove=["new"])
            await widget.send(type="attributes", set={"plan": "gold"}, delete=["age"])
        for widget in (one, two):
            await widget.send(type="ping")
            await widget.until("pong")
    conversation = await desk.bot.store.find("web", "demo", opened["visitor"]) or ""
    told = [event.body.type for event in await desk.bot.store.events(conversation, after=reply["seq"])]
    assert sorted(told) == ["contact_changed", "delivery", "labels_changed", "turn_ended"]


async def test_a_long_conversation_is_not_read_from_its_beginning(
    desk: Running, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (channel, talk):
        monkeypatch.setattr(module, "SHOWN", 6)
    opened = await session(http)
    async with tab(desk.ws, opened["token"]) as widget:
        await widget.say("the first")
        first = await widget.until("message", **{"from": "bot"})
        for text in ("second", "third"):
            await widget.say(text)
            last = await widget.until("message", **{"from": "bot"})
        again = await session(http, token=opened["token"])
        assert [frame["text"] for frame in again["history"]] == [
            "second",
            "you said: **second**",
            "third",
            "you said: **third**",
        ]
        assert again["last_seq"] > last["seq"]
        await widget.send(type="feedback", reply_id=first["id"], rating="up")
        assert (await widget.until("nack"))["error"]["code"] == "rejected"
        await widget.send(type="feedback", reply_id=last["id"], rating="up")
        await widget.until("feedback", reply_id=last["id"])
