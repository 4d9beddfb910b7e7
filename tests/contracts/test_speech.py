"""What every engine for speech keeps to. What it hears in real speech is tested beside the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from bot.engines.base import Audio, Speech
from tests.contracts import engines


@pytest.fixture(scope="module", params=engines.names("speech"))
def speech(request: pytest.FixtureRequest) -> Iterator[Speech]:
    with engines.started("speech", request.param) as engine:
        yield engine


async def test_silence_has_no_text(speech: Speech) -> None:
    heard = await speech.transcribe(Audio(np.zeros(32_000, np.float32)))
    assert heard.text == ""
    assert heard.seconds == pytest.approx(2.0)


async def test_no_samples_at_all_have_no_text(speech: Speech) -> None:
    heard = await speech.transcribe(Audio(np.zeros(0, np.float32)))
    assert heard.text == ""


async def test_callers_at_the_same_time_are_all_served(speech: Speech) -> None:
    quiet = Audio(np.zeros(16_000, np.float32))
    heard = await asyncio.gather(*(speech.transcribe(quiet) for _ in range(3)))
    assert [each.text for each in heard] == ["", "", ""]
    assert all(0 <= each.confidence <= 1 for each in heard)


async def test_it_has_a_name_and_is_ready(speech: Speech) -> None:
    assert speech.name
    assert speech.ready()
