"""What every engine for pictures keeps to. What it sees in real ones is tested beside the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from bot.engines.base import Captioner, Picture
from tests.contracts import engines


@pytest.fixture(scope="module", params=engines.names("captioner"))
def captioner(request: pytest.FixtureRequest) -> Iterator[Captioner]:
    with engines.started("captioner", request.param) as engine:
        yield engine


def plain(height: int, width: int) -> Picture:
    return Picture(np.full((height, width, 3), 200, np.uint8))


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (500, 3), (240, 320)])
async def test_a_picture_of_any_shape_is_looked_at(captioner: Captioner, size: tuple[int, int]) -> None:
    seen = await captioner.caption(plain(*size))
    assert isinstance(seen.text, str)
    assert all(label and 0 <= confidence <= 1.0001 for label, confidence in seen.objects)


async def test_a_plain_picture_has_no_screen_text(captioner: Captioner) -> None:
    assert (await captioner.caption(plain(120, 160))).screen_text == ""


async def test_callers_at_the_same_time_get_what_they_would_get_alone(captioner: Captioner) -> None:
    alone = await captioner.caption(plain(64, 64))
    assert [each.text for each in await asyncio.gather(*(captioner.caption(plain(64, 64)) for _ in range(3)))] == [
        alone.text
    ] * 3


async def test_it_has_a_name_and_is_ready(captioner: Captioner) -> None:
    assert captioner.name
    assert captioner.ready()
