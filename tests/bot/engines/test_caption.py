"""Real screen text and objects."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bot import settings as settings_module
from bot.engines import caption
from bot.engines.base import Picture
from bot.engines.caption import ScreenAndObjects, compose, framed, in_lines
from bot.engines.imagenet import LABELS
from bot.engines.weights import Weights
from bot.errors import WeightsError
from tests import needs
from tests.bot import media_files as files


def no_network(*_: object, **__: object) -> None:
    raise AssertionError("the captioner asks the network")


@pytest.fixture(scope="module")
def captioner() -> Iterator[ScreenAndObjects]:
    needs.weights("objects")
    settings = settings_module.load()
    engine = ScreenAndObjects(settings, Weights(settings))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", no_network)
        asyncio.run(engine.start())
    yield engine
    asyncio.run(engine.close())


@pytest.mark.models
async def test_the_words_on_a_screen_are_read_line_by_line(captioner: ScreenAndObjects) -> None:
    found = await captioner.caption(Picture(files.screenshot("Error E14", "Drain pump blocked", "Clean the filter")))
    assert found.screen_text == "Error E14\nDrain pump blocked\nClean the filter"
    assert found.text == "“Error E14 · Drain pump blocked · Clean the filter”"


@pytest.mark.models
async def test_chinese_words_are_read_too(captioner: ScreenAndObjects) -> None:
    found = await captioner.caption(Picture(files.screenshot("错误 E14", "请清洗过滤器", font=files.chinese_font())))
    assert "E14" in found.screen_text
    assert "清洗过滤器" in found.screen_text


@pytest.mark.models
@pytest.mark.parametrize(
    "pixels",
    [
        np.full((300, 300, 3), 255, np.uint8),
        np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((2, 600, 3), np.uint8),
    ],
    ids=["white", "noise", "one pixel", "a strip"],
)
async def test_a_picture_of_nothing_says_nothing(captioner: ScreenAndObjects, pixels: Any) -> None:
    assert (await captioner.caption(Picture(pixels))).text == ""


@pytest.mark.models
async def test_an_object_is_recognised(captioner: ScreenAndObjects) -> None:
    """A drawn analog clock: a photo would be somebody's."""
    image = Image.new("RGB", (400, 400), "#c9b79c")
    draw = ImageDraw.Draw(image)
    draw.ellipse((50, 50, 350, 350), fill="white", outline="#303030", width=12)
    for hour in range(12):
        angle = np.pi * hour / 6
        inner, outer = (200 + r * np.array([np.sin(angle), -np.cos(angle)]) for r in (115, 135))
        draw.line((*inner, *outer), fill="black", width=6)
    draw.line((200, 200, 200, 95), fill="black", width=7)
    draw.line((200, 200, 270, 230), fill="black", width=10)
    found = await captioner.caption(Picture(np.array(image)))
    assert found.objects
    assert "clock" in found.objects[0][0]


@pytest.mark.models
async def test_pictures_of_a_batch_are_told_apart(captioner: ScreenAndObjects) -> None:
    pictures = [Picture(files.screenshot(text)) for text in ("Error E14", "Water tank empty")]
    found = await asyncio.gather(*map(captioner.caption, pictures))
    assert [each.screen_text for each in found] == ["Error E14", "Water tank empty"]


async def test_weights_of_something_else_are_named(tmp_path: Path, make_settings: Any) -> None:
    import torch

    torch.save({"a": torch.zeros(1)}, tmp_path / "odd.pth")

    class Elsewhere(Weights):
        def path(self, name: str) -> Path:
            return tmp_path

    engine = ScreenAndObjects(make_settings(device="cpu"), Elsewhere(make_settings(), {}))
    with pytest.raises(WeightsError, match=r"odd\.pth"):
        await engine.start()
    assert not engine.ready()


def test_pieces_on_one_height_are_one_line() -> None:
    def box(left: int, top: int) -> list[list[int]]:
        return [[left, top], [left + 50, top], [left + 50, top + 20], [left, top + 20]]

    boxes = np.array([box(200, 12), box(10, 60), box(10, 10)], np.float32)
    assert in_lines(boxes, ["19.90", "Total", "Coffee"]) == "Coffee 19.90\nTotal"


def test_beside_words_an_object_must_be_clear() -> None:
    assert compose("", [("web site", 0.4)]).text == "web site"
    assert compose("Please restart", [("web site", 0.99), ("espresso maker", 0.5)]).text == "“Please restart”"
    both = compose("E14 restart", [("espresso maker", 0.7)])
    assert both.text == "espresso maker: “E14 restart”"
    assert both.objects == (("espresso maker", 0.7),)
    assert compose("", [("espresso maker", 0.1)]).text == ""


def test_a_strip_is_put_on_a_frame_that_fits() -> None:
    assert framed(np.zeros((2, 2000, 3), np.uint8)).shape == (500, 2000, 3)
    assert framed(np.zeros((2000, 3, 3), np.uint8)).shape == (2000, 500, 3)
    whole = np.zeros((400, 900, 3), np.uint8)
    assert framed(whole) is whole


def test_there_is_a_name_for_every_class() -> None:
    assert len(LABELS) == 1000
    assert (LABELS[0], LABELS[504], LABELS[999]) == ("tench", "coffee mug", "toilet tissue")
    assert set(LABELS) >= caption.SCREENS
