"""Files on Telegram that do not come, and what holds up whom, against a stand-in of its HTTP API."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest

from bot.settings import Settings
from channels import telegram_files, telegram_poll
from channels.recent import Recent
from channels.telegram import TRIES, TelegramChannel
from tests.channels.desks import RoteBot, Running, running, until
from tests.channels.stands import Telegram
from tests.channels.test_telegram import OPUS, hooked, message, post, telegram, telegram_settings
from tests.channels.test_telegram_files import photo, received
from tests.channels.test_uploads import png

__all__ = ["hooked", "telegram", "telegram_settings"]  # fixtures

VOICE = {"file_id": "v1", "file_size": len(OPUS), "mime_type": "audio/ogg"}


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No long pauses."""
    monkeypatch.setattr(telegram_poll, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(telegram_poll, "GLANCE_SECONDS", 0.05)


async def test_by_webhook_a_file_that_keeps_failing_is_given_up_and_its_words_are_answered(
    hooked: Running[Any], telegram: Telegram
) -> None:
    telegram.files["p"] = png()
    telegram.broken_files.add("p")
    update = message(1, "", caption="what is this?", photo=photo(("p", 75)))
    codes = [await post(hooked, update) for _ in range(TRIES + 2)]
    assert codes == [503] * (TRIES - 1) + [200] * 3
    assert "what is this?" in (await telegram.next("sendMessage"))["text"]
    (one,) = await received(hooked)
    assert [(item.blob, item.kind, item.size) for item in one.attachments] == [("", "image", 75)]
    assert telegram.count("getFile") == TRIES


async def test_by_polling_it_holds_up_its_own_chat_for_a_while_and_no_other(
    telegram_settings: Callable[..., Settings], telegram: Telegram, hasty: None
) -> None:
    telegram.files["v1"] = OPUS
    telegram.broken_files.add("v1")
    telegram.updates = [message(5, "", voice=VOICE), message(6, "and this"), message(7, "two", chat=8)]
    async with running(RoteBot(telegram_settings())) as desk:
        assert (await telegram.next("sendMessage"))["chat_id"] == "8"
        assert telegram.count("getFile") < TRIES
        assert (await telegram.next("sendMessage"))["chat_id"] == "7"
        first, second = await received(desk)
        assert (first.attachments[0].kind, first.attachments[0].blob, second.text.text) == ("audio", "", "and this")
        assert telegram.count("getFile") == TRIES
        while (await telegram.next("getUpdates"))["offset"] != 8:
            pass


async def test_a_file_that_comes_at_last_is_there(
    telegram_settings: Callable[..., Settings], telegram: Telegram, hasty: None
) -> None:
    telegram.files["v1"] = OPUS
    telegram.broken_files.add("v1")
    telegram.updates = [message(5, "", voice=VOICE)]
    async with running(RoteBot(telegram_settings())) as desk:
        await until(lambda: telegram.count("getFile") == 2)
        telegram.broken_files.clear()
        await telegram.next("sendMessage")
        (one,) = await received(desk)
        assert await desk.bot.blobs.get(one.attachments[0].blob) == OPUS


async def test_nothing_is_lost_while_the_database_cannot_be_written(
    telegram_settings: Callable[..., Settings], telegram: Telegram, hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.errors import StoreError

    bot = RoteBot(telegram_settings())
    accept = bot.store.accept
    refused: list[int] = []

    async def full(*given: Any, **more: Any) -> Any:
        if len(refused) < 2 * TRIES:
            refused.append(1)
            raise StoreError("the disk is full")
        return await accept(*given, **more)

    monkeypatch.setattr(bot.store, "accept", full)
    telegram.updates = [message(5, "still here")]
    async with running(bot):
        assert "still here" in (await telegram.next("sendMessage"))["text"]


async def test_a_file_whose_bytes_drip_in_is_not_waited_for(
    hooked: Running[Any], telegram: Telegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telegram_files, "FETCH_SECONDS", 0.1)
    telegram.files["v1"] = OPUS
    telegram.slow_files = 1.0
    assert await post(hooked, message(1, "", voice=VOICE)) == 503
    assert await post(hooked, message(2, "hi", chat=8)) == 200


async def test_a_file_that_is_not_taken_is_said_beside_words_that_are_answered(
    hooked: Running[Any], telegram: Telegram
) -> None:
    telegram.files["d"] = b"\x7fELF" + bytes(100)
    update = message(1, "", caption="run this", document={"file_id": "d", "file_size": 104})
    for _ in range(2):
        assert await post(hooked, update) == 200
    texts = [(await telegram.next("sendMessage"))["text"] for _ in range(2)]
    assert {"can't open this kind of file" in text for text in texts} == {True, False}
    await asyncio.sleep(0.2)
    assert telegram.count("sendMessage") == 2


async def test_whoever_blocked_the_bot_is_not_told_of_their_file_again_and_again(
    hooked: Running[Any], telegram: Telegram
) -> None:
    telegram.refusals.append((403, {"ok": False, "description": "Forbidden: bot was blocked by the user"}))
    assert await post(hooked, message(1, "", photo=photo(("never was", 75)))) == 200


async def test_a_repeated_photo_is_fetched_once_and_counts_once(hooked: Running[Any], telegram: Telegram) -> None:
    telegram.files["p"] = png()
    for _ in range(20):
        assert await post(hooked, message(1, "", photo=photo(("p", 75)))) == 200
    await telegram.next("sendMessage")
    assert (telegram.count("getFile"), telegram.count("sendMessage")) == (1, 1)


async def test_many_chats_leave_no_locks_behind(hooked: Running[Any]) -> None:
    channel = hooked.desk.channels["telegram"]
    assert isinstance(channel, TelegramChannel)
    for chat in range(40):
        assert await post(hooked, message(chat, "", chat=chat)) == 200
    gc.collect()
    assert len(channel._order) == 0


def test_what_was_lately_is_bounded() -> None:
    recent: Recent[int, str] = Recent(2)
    for key in (1, 2, 1, 3):
        recent[key] = "x"
    assert list(recent) == [1, 3]
