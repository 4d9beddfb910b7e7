"""Pictures and papers in replies over REST: addresses that a caller can open, and nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from bot.events import Actor
from bot.settings import Settings
from bot.types import Attachment, Reply, Words
from channels.links import Links
from channels.rasa import parts
from channels.rest import FILES
from channels.writing import append, sent
from tests.channels.desks import RoteBot, Running, running
from tests.channels.stands import Catcher
from tests.channels.test_uploads import png

WEBHOOK = "/webhooks/rest/webhook"


@pytest.fixture
async def catcher() -> AsyncIterator[Catcher]:
    async with Catcher() as found:
        yield found


@pytest.fixture
async def called(quick: Callable[..., Settings], catcher: Catcher) -> AsyncIterator[Running[Any]]:
    """A desk with a callback URL and a public address."""
    settings = quick(rest={"callback_url": catcher.url, "token": "s3cret"}, public_url="https://desk.example/chat/")
    async with running(RoteBot(settings)) as desk:
        yield desk


async def attached(desk: Running[Any], data: bytes, media_type: str, name: str = "") -> Attachment:
    """As if an agent had uploaded it."""
    blob = await desk.bot.blobs.put(data)
    await desk.bot.store.attach(
        blob, channel="desk", account="default", sender="mia", media_type=media_type, size=len(data)
    )
    words = Words(text=name) if name else Words(ref="", text=None)
    return Attachment(blob=blob, media_type=media_type, size=len(data), name=words)


async def opened(desk: Running[Any], address: str) -> httpx.Response:
    """What a stranger who has the address gets."""
    found = urlsplit(address)
    async with httpx.AsyncClient(base_url=desk.url, trust_env=False) as http:
        return await http.get(f"{found.path.removeprefix('/chat')}?{found.query}")


async def test_a_persons_picture_and_paper_come_with_addresses(called: Running[Any], catcher: Catcher) -> None:
    async with httpx.AsyncClient(base_url=called.url, headers={"Authorization": "Bearer s3cret"}) as http:
        await http.post(WEBHOOK, json={"sender": "ada", "message": "hi"})
    conversation = await called.bot.store.find("rest", "default", "ada")
    files = (
        await attached(called, png(), "image/png"),
        await attached(called, b"%PDF-1.7", "application/pdf", "a.pdf"),
    )
    reply = Reply(text="Here:", attachments=files)
    await append(called.bot.store, conversation, Actor(kind="agent", id="mia"), lambda _: [sent(reply)])
    text, picture, paper = [await catcher.next() for _ in range(3)]
    assert text == {"recipient_id": "ada", "text": "Here:"}
    assert picture["image"].startswith(f"https://desk.example/chat{FILES}/")
    seen = await opened(called, picture["image"])
    assert (seen.status_code, seen.content, seen.headers["content-type"]) == (200, png(), "image/png")
    payload = paper["attachment"]["payload"]
    assert paper["attachment"]["type"] == "file"
    assert (payload["name"], payload["media_type"], payload["size"]) == ("a.pdf", "application/pdf", 8)
    given = await opened(called, payload["src"])
    assert given.content == b"%PDF-1.7"
    assert given.headers["content-type"] == "application/octet-stream"
    assert given.headers["content-disposition"] == "attachment"
    assert given.headers["x-content-type-options"] == "nosniff"


async def test_without_the_right_link_nothing_opens(called: Running[Any]) -> None:
    links = Links(called.desk.context, "rest", FILES)
    elsewhere = Links(called.desk.context, "other", FILES)
    one, two = await attached(called, png(), "image/png"), await attached(called, b"secret", "image/png")
    token = urlsplit(links.file("", one, "ada")).query
    refused: list[Any] = [
        f"{FILES}/{one.blob}?token=",
        f"{FILES}/{one.blob}?{token}x",
        f"{FILES}/{two.blob}?{token}",
        elsewhere.file("", one, "ada"),
    ]
    assert [(await opened(called, address)).status_code for address in refused] == [404] * 4
    good = links.file("", one, "ada")
    assert (await opened(called, good)).status_code == 200
    await called.bot.blobs.delete(one.blob)
    assert (await opened(called, good)).status_code == 404


async def test_an_address_is_where_the_caller_reached_us_or_where_we_listen(desk: Running[Any]) -> None:
    links = Links(desk.desk.context, "rest", FILES)
    assert links.base() == "http://127.0.0.1:8080"
    picture = Attachment(blob="0" * 32, media_type="image/png", size=1)
    (part,) = parts(Reply(text="", attachments=(picture,)), "ada", links, links.base())
    assert part["image"].startswith("http://127.0.0.1:8080/webhooks/rest/files/" + "0" * 32)
