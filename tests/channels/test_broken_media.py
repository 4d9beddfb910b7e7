"""Recordings and pictures that are broken off, empty or bombs: opened in the turn, and answered with a word."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from bot.build import Bot
from tests.bot.acme import QUESTION
from tests.bot.media_files import picture, recording, tone
from tests.bot.test_media_decode import bomb
from tests.channels.desks import Running
from tests.channels.test_uploads import NO_PICTURE, upload
from tests.channels.widgets import session, tab

BROKEN: dict[str, tuple[Callable[[], bytes], str]] = {
    "only the header of a WAV": (lambda: recording(tone(1.0))[:44], "I can't open this kind of sound file"),
    "a broken off PNG": (lambda: picture(size=(600, 400))[:400], NO_PICTURE),
    "a broken off JPEG": (lambda: picture("JPEG", size=(600, 400))[:900], NO_PICTURE),
    "a PNG that unpacks to a gigabyte": (lambda: bomb(20_000), NO_PICTURE),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_broken_inside_is_answered_with_a_word(whole: Running[Bot], name: str) -> None:
    make, word = BROKEN[name]
    async with httpx.AsyncClient(base_url=whole.url, timeout=30) as http:
        opened = await session(http)
        told = await upload(http, opened["token"], make(), "x")
        assert told.status_code == 201
        async with tab(whole.ws, opened["token"]) as widget:
            await widget.say("", attachments=[told.json()["id"]])
            assert word in (await widget.until("message", **{"from": "bot"}))["text"]
            await widget.say(QUESTION)
            assert "two working days" in (await widget.until("message", **{"from": "bot"}))["text"]


async def test_what_comes_before_the_break_of_a_truncated_wav_is_heard_and_shown(whole: Running[Bot]) -> None:
    async with httpx.AsyncClient(base_url=whole.url, timeout=30) as http:
        opened = await session(http)
        told = await upload(http, opened["token"], recording(tone(3.0))[:40_001], "voice.wav")
        async with tab(whole.ws, opened["token"]) as widget:
            await widget.say("", attachments=[told.json()["id"]])
            assert "Where is my parcel?" in (await widget.until("heard"))["text"]
            await widget.until("message", **{"from": "bot"})
