"""Tidying up: at a quiet time, day after day, whatever the database says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from bot.errors import StoreError
from bot.settings import Settings
from bot.store.base import Tidied
from bot.types import Message
from channels import housekeeping
from tests.channels.desks import RoteBot, running, until


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Days pass in a moment."""
    for name in ("FIRST_SECONDS", "EVERY_SECONDS", "LOOK_SECONDS"):
        monkeypatch.setattr(housekeeping, name, 0.02)


async def test_a_desk_tidies_up_when_no_turn_runs_and_goes_on_after_trouble(
    quick: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bot = RoteBot(quick())
    running_now, tidied_at, trouble = 0, [], [StoreError("the database is locked")]

    async def before(_: object) -> None:
        nonlocal running_now
        running_now += 1
        await asyncio.sleep(0.3)
        running_now -= 1

    async def tidy() -> Tidied:
        tidied_at.append(running_now)
        if trouble:
            raise trouble.pop()
        return Tidied(1, 2, 3)

    bot.turn.before = before
    monkeypatch.setattr(bot.store, "tidy", tidy)
    caplog.set_level("INFO")
    async with running(bot) as found:
        await until(lambda: len(tidied_at) > 1)
        await found.desk.inbox.accept(Message(channel="web", sender="ada", text="hi"))
        await until(lambda: running_now == 1)
        await until(lambda: running_now == 0)
        before_quiet = len(tidied_at)
        await until(lambda: len(tidied_at) > before_quiet)
    assert set(tidied_at) == {0}
    assert "cannot tidy up: the database is locked" in caplog.text
    assert "dropped 1 old deliveries, 2 uploads never sent, 3 uploads broken off" in caplog.text
