"""Edited messages on Telegram, in whatever order they come."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.events import Edited
from tests.channels.desks import Running, until
from tests.channels.stands import Telegram
from tests.channels.test_telegram import hooked, message, post, telegram, telegram_settings

__all__ = ["hooked", "telegram", "telegram_settings"]  # fixtures


def edit(update: int, of: int, text: str) -> dict[str, Any]:
    """An edit of `message(of)`."""
    told = {**message(of)["message"], "text": text, "edit_date": 1_790_000_000 + update}
    return {"update_id": update, "edited_message": told}


async def words(desk: Running[Any]) -> list[str | None]:
    """The customer's lines as they stand now."""
    conversation = await desk.bot.store.find("telegram", "123", "7")
    state = await desk.bot.store.load(conversation)
    return [line.text.text for line in state.history if line.role == "customer"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_the_newest_edit_stands_whatever_the_order(
    hooked: Running[Any], telegram: Telegram, order: tuple[int, ...]
) -> None:
    await post(hooked, message(1, "helo"))
    await telegram.next("sendMessage")
    edits = [edit(2, 1, "hell"), edit(3, 1, "hello"), edit(4, 1, "hello!")]
    for _ in range(2):
        for which in order:
            assert await post(hooked, edits[which]) == 200
    assert await words(hooked) == ["hello!"]
    assert len(hooked.bot.turn.handled) == 1


async def test_an_edit_that_comes_before_its_message_is_the_message(hooked: Running[Any], telegram: Telegram) -> None:
    for update in (edit(2, 1, "hello"), message(1, "helo"), edit(2, 1, "hello"), message(1, "helo")):
        assert await post(hooked, update) == 200
    assert "hello" in (await telegram.next("sendMessage"))["text"]
    await asyncio.sleep(0.3)
    assert await words(hooked) == ["hello"]
    assert telegram.count("sendMessage") == 1


async def test_an_edit_of_a_message_that_still_waits_is_answered(hooked: Running[Any], telegram: Telegram) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def hold(_: object) -> None:
        begun.set()
        await go.wait()

    hooked.bot.turn.before = hold
    await post(hooked, message(1, "where is my parcl"))
    await begun.wait()
    for _ in range(3):
        assert await post(hooked, edit(2, 1, "where is my parcel")) == 200
    go.set()
    await until(lambda: telegram.count("sendMessage") == 2)
    assert await words(hooked) == ["where is my parcl", "where is my parcel"]


async def test_an_edit_known_from_before_a_restart_comes_to_nothing(hooked: Running[Any], telegram: Telegram) -> None:
    await post(hooked, message(1, "helo"))
    await telegram.next("sendMessage")
    channel: Any = hooked.desk.channels["telegram"]
    for _ in range(2):
        assert await post(hooked, edit(2, 1, "hello")) == 200
        assert await post(hooked, message(1, "helo")) == 200
        channel._taken.clear()
        channel._edits.clear()
    conversation = await hooked.bot.store.find("telegram", "123", "7")
    bodies = [event.body for event in await hooked.bot.store.events(conversation)]
    assert len([body for body in bodies if isinstance(body, Edited)]) == 1
    assert await words(hooked) == ["hello"]
