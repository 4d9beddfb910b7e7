"""A bot with a site to crawl: answers cite the page, what changed there is answered, and a site in trouble changes
nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.botfile import load_bot
from bot.build import Bot, build
from bot.errors import ConfigError
from bot.settings import Settings
from tests.bot.acme import FAKES, write
from tests.bot.crawling.site import Site, page, served

RETURNS = "An item that was bought here can be returned within 30 days after it has come."
QUESTION = "Within how many days can an item be returned?"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    with served() as site:
        site.pages["/help"] = page("Returns", RETURNS)
        yield site


@pytest.fixture
async def bot(site: Site, tmp_path: Path, make_settings: Callable[..., Settings]) -> AsyncIterator[Bot]:
    folder = write(tmp_path / "acme")
    said = f'\n[[crawl]]\nurl = "{site.url}/help"\ncollection = "help"\nevery = "24h"\ndelay = 0\nprivate = true\n'
    with (folder / "bot.toml").open("a") as file:
        file.write(said)
    bot = await build(make_settings(bot=folder, engines=FAKES, generator=False))
    await bot.start()
    yield bot
    await bot.close()


async def answer(bot: Bot) -> tuple[str, list[str | None]]:
    found = await bot.answerer.answer(QUESTION, language="en", collections=frozenset({"help"}))
    return found.text, [citation.url for citation in found.citations]


async def test_a_crawled_page_is_answered_from_and_cited_with_its_address(bot: Bot, site: Site) -> None:
    before = bot.index.id
    wait = await bot.crawled.round()
    assert bot.index.id != before
    text, urls = await answer(bot)
    assert "30 days" in text
    assert f"{site.url}/help" in urls
    assert 60 < wait <= 600


async def test_what_changed_is_answered_at_the_next_crawl_and_not_before_it_is_due(bot: Bot, site: Site) -> None:
    now = [1_000_000_000.0]
    bot.crawled._clock = lambda: now[0]
    await bot.crawled.round()
    site.pages["/help"] = page("Returns", RETURNS.replace("30", "60"))
    asked = len(site.asked)
    await bot.crawled.round()
    assert len(site.asked) == asked
    held = bot.index.snapshot
    now[0] += 100 * 365 * 86400
    await bot.crawled.round()
    assert "60 days" in (await answer(bot))[0]
    assert any("30 days" in passage.text for passage in held.passages)


async def test_a_site_in_trouble_is_left_for_an_hour_and_what_was_crawled_is_served(bot: Bot, site: Site) -> None:
    await bot.crawled.round()
    now = [4_000_000_000.0]
    bot.crawled._clock = lambda: now[0]
    site.pages["/help"] = (500, {}, "")
    await bot.crawled.round()
    asked = len(site.asked)
    await bot.crawled.round()
    assert len(site.asked) == asked
    assert "30 days" in (await answer(bot))[0]
    now[0] += 3601
    await bot.crawled.round()
    assert len(site.asked) > asked


async def test_what_was_crawled_is_there_after_a_restart(bot: Bot) -> None:
    await bot.crawled.round()
    await bot.close()
    again = await build(bot.settings)
    await again.start()
    try:
        assert "30 days" in (await answer(again))[0]
        assert again.index.id == bot.index.id
    finally:
        await again.close()


def test_how_often_is_written_as_people_do(tmp_path: Path) -> None:
    folder = write(tmp_path / "acme")
    file = folder / "bot.toml"
    plain = file.read_text()
    file.write_text(plain + '\n[[crawl]]\nurl = "https://shop.example"\nevery = "7d"\n')
    assert load_bot(folder).crawl[0].every == 7 * 86400
    for wrong in ('"daily"', "5", '"0m"'):
        file.write_text(plain + f'\n[[crawl]]\nurl = "https://shop.example"\nevery = {wrong}\n')
        with pytest.raises(ConfigError, match="every"):
            load_bot(folder)
