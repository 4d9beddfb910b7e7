"""Uploads: taken within limits, known by their bytes, given to their visitor only."""

from __future__ import annotations

import asyncio
import io
import uuid
import zipfile
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from bot.settings import Settings
from channels.web import uploads
from tests.bot.media_files import video
from tests.channels.desks import RoteBot, Running, running
from tests.channels.widgets import session, tab

pytest.importorskip("bot.media")


def png() -> bytes:
    """A small picture."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "PNG")
    return file.getvalue()


async def upload(http: httpx.AsyncClient, token: str, data: bytes, name: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return await http.post("/web/uploads", files={"file": (name, data)}, headers=headers)


async def test_a_picture_comes_back_with_headers_that_keep_it_a_picture(http: httpx.AsyncClient) -> None:
    token = (await session(http))["token"]
    answer = await upload(http, token, png(), "red fox.png")
    assert answer.status_code == 201
    told = answer.json()
    assert (told["kind"], told["media_type"], told["size"]) == ("image", "image/png", len(png()))
    found = await http.get(told["href"])
    assert found.content == png()
    assert found.headers["content-type"] == "image/png"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in found.headers["content-security-policy"]
    assert found.headers["content-disposition"] == "inline; filename*=UTF-8''red%20fox.png"


async def test_an_upload_opens_with_its_own_link_only(http: httpx.AsyncClient) -> None:
    token = (await session(http))["token"]
    first, second = [(await upload(http, token, png(), "a.png")).json() for _ in range(2)]
    for path in (
        f"/web/uploads/{first['id']}",
        f"/web/uploads/{first['id']}?token=x",
        f"/web/uploads/{first['id']}?token={second['href'].partition('token=')[2]}",
        f"/web/uploads/{first['id']}?token={token}",
        f"/web/uploads/{uuid.uuid4().hex}?token={token}",
        "/web/uploads/..%2f..%2fsecret.key?token=x",
    ):
        assert (await http.get(path)).status_code == 404, path


async def test_another_visitors_upload_cannot_be_sent(desk: Running, http: httpx.AsyncClient) -> None:
    mine, other = await session(http), await session(http)
    told = (await upload(http, mine["token"], png(), "a.png")).json()
    async with tab(desk.ws, other["token"]) as widget:
        await widget.say("look", attachments=[told["id"]])
        assert (await widget.until("nack"))["error"]["code"] == "rejected"
    async with tab(desk.ws, mine["token"]) as widget:
        await widget.say("look", attachments=[told["id"]])
        (shown,) = (await widget.until("message", **{"from": "customer"}))["attachments"]
        assert (shown["kind"], shown["name"]) == ("image", "a.png")
        assert (await http.get(shown["href"])).content == png()


def _bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(5_000_000))
    return file.getvalue()


NO_PICTURE = "I can't open this picture. A JPEG, PNG or WebP file works."
NO_FILE = (
    "I can read pictures and listen to voice messages, but I can't open this kind of file. You can paste the text here."
)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "movie.png": (video, NO_PICTURE),
    "movie.mp4": (video, NO_FILE),
    "script.svg": (lambda: SVG, NO_PICTURE),
    "script.png": (lambda: b'<?xml version="1.0"?>\n' + SVG, NO_PICTURE),
    "bomb.zip": (_bomb, NO_FILE),
    "bomb.docx": (_bomb, NO_FILE),
    "page.html": (lambda: b"<!doctype html><script>alert(1)</script>", NO_FILE),
    "tool.exe": (lambda: b"MZ" + bytes(200), NO_FILE),
    "empty.png": (lambda: b"", NO_PICTURE),
    "broken \udcff name.txt": (lambda: b"\xff\xfe\xfa", NO_FILE),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_cannot_be_opened_is_refused_with_a_word_and_not_kept(
    desk: Running, http: httpx.AsyncClient, name: str
) -> None:
    make, word = HOSTILE[name]
    token = (await session(http))["token"]
    answer = await upload(http, token, make(), name.encode("utf-8", "replace").decode())
    assert (answer.status_code, answer.json()["error"]) == (415, {"code": "unsupported", "text": word})
    assert not [path for path in desk.bot.blobs.path.rglob("*") if path.is_file()]


async def test_the_word_is_in_the_visitors_language(http: httpx.AsyncClient) -> None:
    token = (await session(http, locale="zh-CN"))["token"]
    assert (await upload(http, token, SVG, "a.svg")).json()["error"]["text"].startswith("这张图片我打不开")


async def test_too_large_too_many_and_malformed_uploads_are_refused(quick: Callable[..., Settings]) -> None:
    bot = RoteBot(quick(limits={"upload_bytes": 1_000, "uploads_per_minute": 3}))
    async with running(bot) as desk, httpx.AsyncClient(base_url=desk.url) as http:
        token = (await session(http))["token"]
        assert (await upload(http, token, bytes(2_000), "a")).status_code == 413
        assert (await upload(http, token, bytes(2_000_000), "a")).status_code == 413
        headers: dict[str, Any] = {"Authorization": f"Bearer {token}"}
        for content, kind in ((b"x", "text/plain"), (b"x", "multipart/form-data; boundary=b")):
            answer = await http.post("/web/uploads", content=content, headers={**headers, "Content-Type": kind})
            assert answer.status_code == 400
        answer = await upload(http, token, png(), "a.png")
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limited")
        assert int(answer.headers["retry-after"]) > 0
        assert (await http.post("/web/uploads", files={"file": ("a", b"x")})).status_code == 401


async def test_files_that_come_slowly_keep_nobody_else_from_uploading_and_are_given_up_in_time(
    desk: Running, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "RECEIVE_SECONDS", 1.0)
    token = (await session(http))["token"]
    host, port = desk.url.removeprefix("http://").split(":")
    head = f"POST /web/uploads HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Length: 5000\r\n"
    form = "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
    slow = [await asyncio.open_connection(host, int(port)) for _ in range(2 * uploads.AT_ONCE)]
    for _, writer in slow:
        writer.write((head + form).encode())
    async with asyncio.timeout(0.9):
        assert (await upload(http, token, png(), "a.png")).status_code == 201
    for reader, writer in slow:
        assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 408")
        writer.close()


async def test_an_upload_that_breaks_off_leaves_nothing_and_no_traceback(
    desk: Running, http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    token = (await session(http))["token"]

    async def half() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\nhalf'
        raise OSError("the line is dead")

    headers = {"Authorization": f"Bearer {token}", "Content-Type": "multipart/form-data; boundary=b"}
    with pytest.raises(OSError, match="the line is dead"):
        await http.post("/web/uploads", content=half(), headers=headers)
    assert (await upload(http, token, png(), "x" * 400 + ".png")).status_code == 201
    assert not [record for record in caplog.records if record.exc_info]
