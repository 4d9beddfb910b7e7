"""Fixtures of the channels' tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.build import Bot, build
from bot.settings import Settings
from tests.bot.acme import FAKES, write
from tests.channels.desks import RoteBot, Running, running


@pytest.fixture
def quick(make_settings: Callable[..., Settings]) -> Callable[..., Settings]:
    """Settings without a burst's pause: `quick(rest={"token": "x"})`."""

    def make(**given: Any) -> Settings:
        return make_settings(**{"turns": {"pause_seconds": 0.0}, **given})

    return make


@pytest.fixture
async def desk(quick: Callable[..., Settings]) -> AsyncIterator[Running]:
    """A desk on loopback."""
    async with running(RoteBot(quick())) as found:
        yield found


@pytest.fixture
async def http(desk: Running) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the desk."""
    async with httpx.AsyncClient(base_url=desk.url, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def acme(tmp_path: Path, quick: Callable[..., Settings]) -> Callable[..., Settings]:
    """Settings of a small whole bot, with fakes but for the engines that are named: `acme(reader="hangs")`."""

    def make(*, seconds: float = 0.3, limits: dict[str, int] | None = None, **engines: str) -> Settings:
        chosen = {**FAKES, **engines, "timeout_seconds": seconds}
        return quick(bot=write(tmp_path / "acme"), engines=chosen, limits=limits or {})

    return make


@pytest.fixture
async def whole(acme: Callable[..., Settings]) -> AsyncIterator[Running[Bot]]:
    """A whole bot with fakes, on loopback."""
    async with running(await build(acme())) as found:
        yield found
