"""A visitor speaks: chromium is fed a recording as its microphone, and the real Whisper listens."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests import needs
from tests.browser.conftest import Chat
from tests.browser.served import Served

pytestmark = [pytest.mark.browser, pytest.mark.models]

METER_MOVES = """() => {
    const root = document.querySelector("frontdesk-widget").shadowRoot;
    const heights = [...root.querySelectorAll(".meter i")].map((bar) => bar.getBoundingClientRect().height);
    return heights.length > 0 && Math.max(...heights) > 2 * Math.min(...heights);
}"""
"""The loudest bar of the meter is more than twice as high as the lowest."""


def test_a_spoken_question_is_heard_shown_and_answered(launch: Callable[..., Browser], tmp_path: Path) -> None:
    needs.weights("speech")
    wav = tmp_path / "question.wav"
    espeak = needs.program("espeak-ng")
    subprocess.run([espeak, "-s", "140", "-w", str(wav), "How many days do I have to return an item?"], check=True)
    server = Served(tmp_path / "home", real=("speech",))
    server.start()
    browser = launch(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={wav}%noloop",
    )
    try:
        context = browser.new_context(base_url=server.url, permissions=["microphone"])
        chat = Chat(context.new_page()).open()
        chat.page.locator("button.mic").click()
        meter = chat.page.locator(".recorder")
        expect(meter).to_be_visible()
        # The meter shows the last moments only, and the voice is over before the clock says so: watched from the start.
        chat.page.wait_for_function(METER_MOVES, timeout=15_000)
        expect(chat.page.locator(".clock")).to_have_text("0:04", timeout=15_000)
        chat.page.locator(".recorder button.send").click()
        expect(chat.page.locator("article.message.customer audio")).to_have_count(1)
        expect(chat.page.locator(".heard").first).to_contain_text("return", timeout=60_000, ignore_case=True)
        assert chat.wait_for_answers(1, timeout=60_000)
        context.close()
    finally:
        server.stop()


def test_a_recording_that_is_cancelled_is_not_sent(launch: Callable[..., Browser], served: Served) -> None:
    browser = launch("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    context = browser.new_context(base_url=served.url, permissions=["microphone"])
    chat = Chat(context.new_page()).open()
    chat.page.locator("button.mic").click()
    chat.page.locator(".recorder button.close").click()
    expect(chat.page.locator(".recorder")).to_be_hidden()
    expect(chat.messages).to_have_count(0)
    context.close()
