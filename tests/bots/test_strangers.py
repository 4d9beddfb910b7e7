"""Two bots written from Rasa's documented formats alone run as they are: in the process and on an action server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot import e2e
from bot.build import Bot, build
from bot.direct import Direct
from bot.scripted.read import read_cases
from bot.scripted.report import as_json
from bot.settings import Settings
from bot.types import Outcome
from channels.commands.validate import examined
from tests import needs
from tests.bot.acme import FAKES
from tests.bot.actions.stage import action_server

HERE = Path(__file__).parent
BOTS = ("library", "restaurant")
WITHOUT_MODELS = [("library", "test_cases.yml"), ("restaurant", "buttons.yml")]

MakeSettings = Callable[..., Settings]


async def passes(settings: Settings, name: str, file: str, server: str | None = None) -> None:
    cases, problems = read_cases(str(HERE / name / "tests" / file))
    assert cases
    assert not problems
    result = await e2e.carry_out(settings, cases, server=server)
    assert result.passed, as_json(result.outcomes, None)


@pytest.mark.parametrize("name", BOTS)
def test_nothing_is_wrong_with_a_strangers_bot(name: str) -> None:
    problems, _ = examined(HERE / name)
    assert [str(problem) for problem in problems if problem.level != "note"] == []


@pytest.mark.parametrize(("name", "file"), WITHOUT_MODELS)
async def test_its_conversations_pass_with_actions_in_the_process(
    make_settings: MakeSettings, name: str, file: str
) -> None:
    await passes(make_settings(bot=HERE / name, engines=FAKES, generator=False), name, file)


@pytest.mark.parametrize(("name", "file"), WITHOUT_MODELS)
async def test_its_conversations_pass_with_a_real_action_server(
    make_settings: MakeSettings, name: str, file: str
) -> None:
    settings = make_settings(bot=HERE / name, engines=FAKES, generator=False)
    with action_server(HERE / name) as url:
        await passes(settings, name, file, url)


@pytest.mark.models
async def test_its_intents_are_told_apart_in_words_that_no_example_has(make_settings: MakeSettings) -> None:
    needs.weights("encoder", "reader")
    await passes(make_settings(bot=HERE / "restaurant", generator=False), "restaurant", "test_cases.yml")


OPENING = {"library": "/StartFlow(borrow_book)", "restaurant": "/request_restaurant"}
NEXT = {"library": "/SetSlots(title=Middlemarch)", "restaurant": '/inform{"cuisine": "thai"}'}


async def press(bot: Bot, payload: str) -> Outcome:
    return (await Direct(bot, "shell").ask("", sender="ann", payload=payload)).outcome


@pytest.mark.parametrize("name", BOTS)
async def test_a_server_that_dies_in_the_middle_leaves_the_customer_with_a_person(
    make_settings: MakeSettings, name: str
) -> None:
    settings = make_settings(bot=HERE / name, engines=FAKES, generator=False)
    with action_server(HERE / name) as url:
        bot = await build(settings, server=url)
        await bot.start()
        assert await press(bot, OPENING[name]) is Outcome.ASKED
    try:
        assert await press(bot, NEXT[name]) is Outcome.HANDED_OVER
    finally:
        await bot.close()
