"""Photos and other files on Telegram, both ways, against a stand-in of its HTTP API."""

from __future__ import annotations

from typing import Any

from bot.events import Actor, Received
from bot.types import Attachment, Reply
from channels.writing import append, sent
from tests.channels.desks import Running, until
from tests.channels.stands import Telegram
from tests.channels.test_telegram import hooked, message, post, telegram, telegram_settings
from tests.channels.test_uploads import png

__all__ = ["hooked", "telegram", "telegram_settings"]  # fixtures


def photo(*sizes: tuple[str, int]) -> list[dict[str, Any]]:
    """One photo in several sizes, the largest last."""
    return [{"file_id": name, "file_size": size} for name, size in sizes]


async def received(desk: Running[Any]) -> list[Received]:
    conversation = await desk.bot.store.find("telegram", "123", "7")
    events = await desk.bot.store.events(conversation) if conversation else []
    return [event.body for event in events if isinstance(event.body, Received)]


async def test_a_photo_is_fetched_in_its_largest_size_that_may_come_in_and_answered(
    hooked: Running[Any], telegram: Telegram
) -> None:
    telegram.files |= {"small": png(), "large": png() + b"\0" * 100}
    update = message(1, "", caption="what is this?", photo=photo(("small", 75), ("large", 175), ("huge", 50_000_000)))
    for _ in range(10):  # Telegram may deliver it again and again
        assert await post(hooked, update) == 200
    assert "what is this?" in (await telegram.next("sendMessage"))["text"]
    (one,) = await received(hooked)
    assert one.text.text == "what is this?"
    (attachment,) = one.attachments
    assert (attachment.kind, attachment.media_type) == ("image", "image/png")
    assert await hooked.bot.blobs.get(attachment.blob) == telegram.files["large"]
    assert telegram.count("sendMessage") == 1


async def test_a_file_that_is_gone_at_telegram_is_said_and_does_not_come_again(
    hooked: Running[Any], telegram: Telegram
) -> None:
    telegram.files["gone"] = b""
    for number, name in enumerate(("never was", "gone")):
        assert await post(hooked, message(number, "", photo=photo((name, 75)))) == 200
        assert "can't open this picture" in (await telegram.next("sendMessage"))["text"]
    assert await post(hooked, message(5, "hi")) == 200
    assert "hi" in (await telegram.next("sendMessage"))["text"]


async def test_a_persons_picture_and_paper_go_out_as_what_they_are(hooked: Running[Any], telegram: Telegram) -> None:
    assert await post(hooked, message(1, "hi")) == 200
    await telegram.next("sendMessage")
    bot = hooked.bot
    conversation = await bot.store.find("telegram", "123", "7")
    made = []
    for data, kind in ((png(), "image/png"), (b"%PDF-1.7", "application/pdf")):
        blob = await bot.blobs.put(data)
        made.append(Attachment(blob=blob, media_type=kind, size=len(data)))
    reply = Reply(text="Here is how it looks.", attachments=tuple(made))
    await append(bot.store, conversation, Actor(kind="agent", id="mia"), lambda _: [sent(reply)])
    await until(lambda: len(telegram.sent_files) == 2)
    assert [(field, data) for field, _, data in telegram.sent_files] == [("photo", png()), ("document", b"%PDF-1.7")]
    assert (await telegram.next("sendPhoto"))["chat_id"] == "7"
