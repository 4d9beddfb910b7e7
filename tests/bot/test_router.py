"""Flows and intents in one bot: each message goes to whoever it is for, and what is open keeps the word."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.build import Bot, build
from bot.direct import Direct
from bot.router import Router
from bot.settings import Settings
from tests.bot.acme import FAKES

BOTS = Path(__file__).parents[1] / "bots"


@pytest.fixture
async def both(make_settings: Callable[..., Settings], tmp_path: Path) -> AsyncIterator[Bot]:
    """The restaurant's bot, with the library's flows, domain and actions beside its own."""
    folder = tmp_path / "both"
    shutil.copytree(BOTS / "restaurant", folder)
    shutil.copy(BOTS / "library" / "data" / "flows.yml", folder / "data" / "flows.yml")
    shutil.copy(BOTS / "library" / "actions" / "actions.py", folder / "actions" / "library.py")
    (folder / "domain").mkdir()
    shutil.move(folder / "domain.yml", folder / "domain" / "restaurant.yml")
    shutil.copy(BOTS / "library" / "domain.yml", folder / "domain" / "library.yml")
    bot = await build(make_settings(bot=folder, engines=FAKES, generator=False))
    await bot.start()
    yield bot
    await bot.close()


async def say(bot: Bot, text: str) -> list[str | None]:
    payload = text if text.startswith("/") else None
    result = await Direct(bot, "shell").ask("" if payload else text, sender="ann", payload=payload)
    return [reply.template for reply in result.replies]


async def test_rules_and_flows_take_what_is_theirs(both: Bot) -> None:
    assert isinstance(both.turn.steps.processes, Router)
    assert await say(both, "good morning") == ["utter_greet"]
    assert await say(both, "/StartFlow(borrow_book)") == ["utter_ask_title"]


async def test_an_open_flow_keeps_the_word(both: Bot) -> None:
    assert await say(both, "/StartFlow(borrow_book)") == ["utter_ask_title"]
    assert await say(both, "/SetSlots(title=Dubliners)") == ["utter_ask_weeks"]
    assert "utter_greet" not in await say(both, "hi")


async def test_an_open_form_keeps_the_word(both: Bot) -> None:
    assert await say(both, "I am looking for a restaurant") == ["utter_ask_cuisine"]
    assert await say(both, "greek") == ["utter_ask_num_people"]
    assert await say(both, "when do you open") == ["utter_hours", "utter_ask_num_people"]
