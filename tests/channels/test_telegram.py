"""Telegram, against a stand-in of its HTTP API on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from bot.errors import ConfigError, DeliveryError
from bot.events import Actor, Edited, HandedOver, Received
from bot.settings import Settings
from bot.types import Button, Citation, Reply
from channels.telegram_api import callback_data, messages_of, to_html
from channels.writing import append, sent
from tests.channels.desks import RoteBot, Running, running
from tests.channels.stands import Telegram

OPUS = b"OggS\x00\x02" + bytes(22) + b"\x01\x13OpusHead" + bytes(40)
SECRET = {"X-Telegram-Bot-Api-Secret-Token": "s3cret"}


def message(update: int, text: str = "hi", chat: int = 7, **more: Any) -> dict[str, Any]:
    """A private message as Telegram sends it."""
    told = {
        "message_id": 100 + update,
        "date": 1_790_000_000 + update,
        "chat": {"id": chat, "type": "private"},
        "from": {"id": chat, "is_bot": False, "first_name": "Ada", "language_code": "en"},
        **({"text": text} if text else {}),
        **more,
    }
    return {"update_id": update, "message": told}


@pytest.fixture
async def telegram() -> AsyncIterator[Telegram]:
    async with Telegram() as stand:
        yield stand


@pytest.fixture
def telegram_settings(quick: Callable[..., Settings], telegram: Telegram) -> Callable[..., Settings]:
    def make(**given: Any) -> Settings:
        told = {"token": "123:abc", "secret": "s3cret", "api": telegram.url, **given.pop("telegram", {})}
        return quick(telegram=told, public_url="https://chat.example", **given)

    return make


@pytest.fixture
async def hooked(telegram_settings: Callable[..., Settings]) -> AsyncIterator[Running]:
    """A desk that is called by webhook."""
    async with running(RoteBot(telegram_settings(telegram={"mode": "webhook"}))) as desk:
        yield desk


async def post(desk: Running, update: dict[str, Any], headers: dict[str, str] | None = None) -> int:
    async with httpx.AsyncClient(base_url=desk.url, timeout=20) as http:
        answer = await http.post("/webhooks/telegram", json=update, headers=SECRET if headers is None else headers)
    return answer.status_code


async def test_the_webhook_is_set_with_its_secret(hooked: Running, telegram: Telegram) -> None:
    call = await telegram.next("setWebhook")
    assert call["url"] == "https://chat.example/webhooks/telegram"
    assert call["secret_token"] == "s3cret"
    assert "callback_query" in call["allowed_updates"]


async def test_a_message_is_answered_with_buttons_and_linked_citations(hooked: Running, telegram: Telegram) -> None:
    assert await post(hooked, message(1, "hello")) == 200
    call = await telegram.next("sendMessage")
    assert call["chat_id"] == "7"
    assert call["text"].startswith("you said: <strong>hello</strong>")
    link = 'href="https://chat.example/source/help/returns/window?v=v1&amp;start=10&amp;end=17#cite"'
    assert link in call["text"]
    (button,) = call["reply_markup"]["inline_keyboard"][0]
    assert button == {"text": "Talk to a person", "callback_data": callback_data("/handover")}


async def test_without_the_secret_nothing_is_stored(hooked: Running) -> None:
    for headers in ({}, {"X-Telegram-Bot-Api-Secret-Token": "wrong"}, {"X-Telegram-Bot-Api-Secret-Token": ""}):
        assert await post(hooked, message(1), headers) == 401
    assert await hooked.bot.store.find("telegram", "123", "7") is None


async def test_an_update_delivered_ten_times_out_of_order_is_answered_once(hooked: Running, telegram: Telegram) -> None:
    updates = [message(number, f"m{number}", chat=number) for number in (3, 1, 2)]
    codes = await asyncio.gather(*(post(hooked, update) for _ in range(10) for update in updates))
    assert set(codes) == {200}
    texts = {(await telegram.next("sendMessage"))["text"][:28] for _ in range(3)}
    assert len(texts) == 3
    await asyncio.sleep(0.3)
    assert telegram.count("sendMessage") == 3


async def test_messages_of_one_chat_keep_their_order_though_a_download_is_slow(
    hooked: Running, telegram: Telegram
) -> None:
    telegram.files["v1"] = OPUS
    telegram.slow_files = 0.3
    voice = asyncio.create_task(post(hooked, message(1, "", voice={"file_id": "v1", "file_size": len(OPUS)})))
    await asyncio.sleep(0.1)
    assert await post(hooked, message(2, "and this")) == 200
    assert await voice == 200
    conversation = await hooked.bot.store.find("telegram", "123", "7")
    assert conversation is not None
    await telegram.next("sendMessage")
    events = [event.body for event in await hooked.bot.store.events(conversation)]
    first = next(body for body in events if isinstance(body, Received))
    assert first.attachments[0].kind == "audio"
    assert await hooked.bot.blobs.get(first.attachments[0].blob) == OPUS


async def test_a_file_that_cannot_be_read_is_said(hooked: Running, telegram: Telegram) -> None:
    telegram.files["d1"] = b"\x7fELF" + bytes(100)
    update = message(1, "", document={"file_id": "d1", "file_size": 104, "file_name": "tool.exe"})
    for _ in range(3):
        assert await post(hooked, update) == 200
    assert "can't open this kind of file" in (await telegram.next("sendMessage"))["text"]
    await asyncio.sleep(0.2)
    assert telegram.count("sendMessage") == 1
    huge = message(2, "", photo=[{"file_id": "p", "file_size": 50_000_000}])
    assert await post(hooked, huge) == 200
    assert "picture" in (await telegram.next("sendMessage"))["text"]


async def test_a_pressed_button_brings_its_payload_and_a_made_up_one_nothing(
    hooked: Running, telegram: Telegram
) -> None:
    await post(hooked, message(1))
    await telegram.next("sendMessage")

    def press(update: int, data: str) -> dict[str, Any]:
        told = message(update)["message"]
        return {"update_id": update, "callback_query": {"id": "q", "from": told["from"], "message": told, "data": data}}

    assert await post(hooked, press(2, "p:0000")) == 200
    await telegram.next("answerCallbackQuery")
    assert await post(hooked, press(3, callback_data("/handover"))) == 200
    await telegram.next("sendMessage")
    last = hooked.bot.turn.handled[-1].trigger.messages[0]
    assert (len(hooked.bot.turn.handled), last.payload, last.text) == (2, "/handover", "Talk to a person")


async def test_an_edited_message_changes_what_stands_there(hooked: Running, telegram: Telegram) -> None:
    await post(hooked, message(1, "helo"))
    await telegram.next("sendMessage")
    edited = {"update_id": 2, "edited_message": {**message(1)["message"], "text": "hello"}}
    for _ in range(2):
        assert await post(hooked, edited) == 200
    conversation = await hooked.bot.store.find("telegram", "123", "7")
    assert conversation is not None
    bodies = [event.body for event in await hooked.bot.store.events(conversation)]
    assert [body.text.text for body in bodies if isinstance(body, Edited)] == ["hello"]


async def test_nonsense_with_the_right_secret_is_swallowed(hooked: Running) -> None:
    for update in ({}, {"update_id": 1}, {"update_id": "x", "message": {"chat": 3}}, {"message": None}):
        assert await post(hooked, update) == 200
    group = message(1)
    group["message"]["chat"]["type"] = "group"
    assert await post(hooked, group) == 200
    assert hooked.bot.turn.handled == []


async def test_too_many_requests_waits_as_long_as_telegram_says(hooked: Running, telegram: Telegram) -> None:
    telegram.refusals.append((429, {"ok": False, "description": "Too Many", "parameters": {"retry_after": 1}}))
    telegram.refusals.append((500, {"ok": False, "description": "oops"}))
    began = asyncio.get_running_loop().time()
    await post(hooked, message(1))
    await telegram.next("sendMessage")
    assert asyncio.get_running_loop().time() - began >= 1.0
    assert telegram.count("sendMessage") == 1


async def test_a_customer_who_blocked_the_bot_ends_the_tries(hooked: Running, telegram: Telegram) -> None:
    telegram.refusals.append((403, {"ok": False, "description": "Forbidden: bot was blocked by the user"}))
    await post(hooked, message(1))
    conversation = await hooked.bot.store.find("telegram", "123", "7")
    assert conversation is not None
    kinds: set[str] = set()
    async with asyncio.timeout(5):
        while "delivery" not in kinds:
            kinds = {event.body.type for event in await hooked.bot.store.events(conversation)}
    assert telegram.count("sendMessage") == 0


async def test_a_persons_reply_goes_out_too(hooked: Running, telegram: Telegram) -> None:
    await post(hooked, message(1))
    await telegram.next("sendMessage")
    conversation = await hooked.bot.store.find("telegram", "123", "7")
    assert conversation is not None
    reply = Reply(text="Mia here")
    bodies = [HandedOver(reason="asked"), sent(reply)]
    await append(hooked.bot.store, conversation, Actor(kind="agent", id="mia"), lambda _: bodies)
    assert (await telegram.next("sendMessage"))["text"] == "Mia here"


async def test_a_long_reply_that_broke_off_goes_on_where_it_was(hooked: Running, telegram: Telegram) -> None:
    await post(hooked, message(1))
    await telegram.next("sendMessage")
    conversation = await hooked.bot.store.find("telegram", "123", "7")
    assert conversation is not None
    telegram.refusals.extend([(200, {"ok": True, "result": {"message_id": 1}}), (500, {"ok": False})])
    reply = Reply(text=f"{'one ' * 800}\n\n{'two ' * 800}")
    await append(hooked.bot.store, conversation, Actor(kind="agent", id="mia"), lambda _: [sent(reply)])
    assert (await telegram.next("sendMessage"))["text"].startswith("two")  # the first piece was taken as told above


async def test_long_polling_needs_no_public_address(
    telegram_settings: Callable[..., Settings], telegram: Telegram
) -> None:
    telegram.updates = [message(5, "one"), message(6, "two", chat=8), message(5, "one")]
    async with running(RoteBot(telegram_settings())) as desk:
        await telegram.next("deleteWebhook")
        texts = {(await telegram.next("sendMessage"))["chat_id"] for _ in range(2)}
        assert texts == {"7", "8"}
        assert (await telegram.next("getUpdates"))["offset"] == 0
        while (await telegram.next("getUpdates"))["offset"] != 7:
            pass
        assert len(desk.bot.turn.handled) == 2


async def test_a_webhook_without_a_secret_or_address_is_refused_at_start(
    telegram_settings: Callable[..., Settings],
) -> None:
    for change, word in (({"secret": ""}, "telegram.secret"), ({"token": "bad:token"}, "telegram.token")):
        settings = telegram_settings(telegram={"mode": "webhook", **change})
        with pytest.raises(ConfigError, match=word):
            async with running(RoteBot(settings)):
                pass


def test_markdown_becomes_the_few_tags_that_telegram_knows() -> None:
    html = to_html(
        "# Title\n\nSome **bold** & <script>x</script>\n\n- one\n- two\n\n[link](https://a.example/?x=1&y=2)"
    )
    assert html.startswith("<b>Title</b>\n\nSome <strong>bold</strong> &amp; &lt;script&gt;x&lt;/script&gt;")
    assert "• one\n• two" in html
    assert '<a href="https://a.example/?x=1&amp;y=2">link</a>' in html


def test_a_long_reply_is_split_and_its_buttons_hang_under_the_last_piece() -> None:
    citation = Citation(collection="c", document="d", version="v", title="A & B", quote="q", start=0, end=1)
    paragraphs = "\n\n".join("word " * 150 for _ in range(12))
    reply = Reply(text=paragraphs, buttons=(Button(title="Yes", payload="/yes"),), citations=(citation,))
    pieces = messages_of(reply, lambda _: None)
    assert all(len(piece["text"]) <= 4096 for piece in pieces)
    assert sum(piece["text"].count("word") for piece in pieces) == 12 * 150
    assert ["reply_markup" in piece for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert pieces[-1]["text"] == "[1] A &amp; B"


async def test_no_error_of_the_api_names_the_token(telegram: Telegram) -> None:
    from channels.telegram_api import TelegramApi

    for base in (telegram.url, "http://127.0.0.1:9"):
        api = TelegramApi(base, "123:topsecret")
        with pytest.raises(DeliveryError) as caught:
            await api.call("noSuchMethod")
        assert "topsecret" not in str(caught.value)
        await api.close()
