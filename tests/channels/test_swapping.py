"""A promoted model takes another's place in a server under load: no turn is dropped, none sees both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from bot.build import Bot, build
from bot.engines import tables
from bot.engines.base import Span
from bot.engines.batcher import Batcher, Figures
from bot.engines.fake import FakeReader
from bot.engines.reader import read_recipe
from bot.engines.registry import Registry
from bot.engines.weights import Weights
from bot.errors import EngineUnready, WeightsError
from bot.events import Sent, TurnEnded
from bot.settings import Settings
from bot.store.base import ModelVersion
from bot.store.sql import SqlStore
from tests.bot.acme import QUESTION
from tests.bot.engines.models import trained
from tests.channels.desks import Running, running, until

SECONDS = 0.05
WEBHOOK = "/webhooks/rest/webhook"


class Versioned(FakeReader):
    """The fake reader behind a real batcher and thread, called after the version in its weights; "broken" does not
    load. A model that was closed reads nothing any more."""

    open: ClassVar[set[str]] = set()

    def __init__(self, settings: Settings, weights: Weights) -> None:
        super().__init__(settings, weights)
        self._weights = weights
        self._batcher: Batcher[tuple[str, tuple[str, ...]], list[Span]] = Batcher(self._run, name="reader")

    async def start(self) -> None:
        version = read_recipe(self._weights.path("reader")).version
        if version == "broken":
            raise WeightsError("the weights do not fit")
        self.name = f"bert-{version}"
        self.open.add(self.name)
        await self._batcher.start()
        await super().start()

    async def close(self) -> None:
        await self._batcher.close()
        self.open.discard(self.name)
        await super().close()

    def figures(self) -> Figures:
        return self._batcher.figures()

    async def read(self, question: str, passages: Sequence[str]) -> list[Span]:
        return await self._batcher.submit((question, tuple(passages)))

    def _run(self, calls: list[tuple[str, tuple[str, ...]]]) -> list[list[Span]]:
        time.sleep(SECONDS)
        if self.name not in self.open:
            raise EngineUnready("read after it was closed")
        return [[self._span(set(question.lower().split()), each) for each in passages] for question, passages in calls]


@pytest.fixture
async def desk(acme: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running[Bot]]:
    monkeypatch.setitem(tables.READERS, "versioned", f"{__name__}:Versioned")
    monkeypatch.setattr(Versioned, "open", set())
    async with running(await build(acme(reader="versioned", seconds=10))) as found:
        yield found


@pytest.fixture
async def outside(desk: Running[Bot]) -> AsyncIterator[Registry]:
    """The registry as another process has it: over a connection of its own."""
    store = SqlStore(desk.bot.settings.database_url)
    await store.open()
    yield Registry(store, desk.bot.settings)
    await store.close()


async def promoted(registry: Registry, folder: Path, version: str) -> ModelVersion:
    model, _ = await registry.add("reader", trained(folder, version), author="mia")
    await registry.promote(model, author="mia", reason="better", figures={})
    return model


async def readers_of(bot: Bot, sender: str) -> list[str]:
    """The reader that the audit trail names for each of a conversation's answers."""
    conversation = await bot.store.find("rest", "default", sender)
    events = await bot.store.events(conversation or "")
    return [event.versions["reader"] for event in events if isinstance(event.body, TurnEnded | Sent)]


def client(desk: Running[Bot]) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=desk.url, timeout=30, trust_env=False)


async def test_turns_in_flight_end_on_the_old_model_and_all_are_answered(
    desk: Running[Bot], outside: Registry, tmp_path: Path
) -> None:
    bot, reader = desk.bot, desk.bot.engines.reader
    first = reader.name
    asked: list[asyncio.Task[Any]] = []
    async with client(desk) as http:

        async def keep_asking() -> None:
            for number in range(40):
                body = {"sender": f"s{number}", "message": QUESTION}
                asked.append(asyncio.create_task(http.post(WEBHOOK, json=body)))
                await asyncio.sleep(0.02)

        asking = asyncio.create_task(keep_asking())
        await until(lambda: len(asked) >= 8)
        began = time.monotonic()
        await promoted(outside, tmp_path / "two", "two")
        await until(lambda: reader.name == "bert-two")
        assert time.monotonic() - began < 5  # within a second where the machine is not busy with something else
        await asking
        answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} == {200}
    assert all("two working days" in answer.json()[0]["text"] for answer in answers)
    used = [await readers_of(bot, f"s{number}") for number in range(40)]
    assert all(len(set(names)) == 1 for names in used)  # nobody was served by both in one turn
    assert {names[0] for names in used} == {first, "bert-two"}
    await until(lambda: Versioned.open == {"bert-two"})  # the old one was closed


async def test_a_model_that_cannot_be_loaded_leaves_the_old_one_and_is_told(
    desk: Running[Bot], outside: Registry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reader = desk.bot.engines.reader
    first = reader.name
    async with client(desk) as http:
        broken = await promoted(outside, tmp_path / "broken", "broken")
        await until(lambda: "reader" in desk.bot.served.trouble)
        ready = await http.get("/readyz")
        assert ready.status_code == 200
        told = ready.json()["parts"]["promoted reader"]
        assert broken.version[:12] in told
        assert "the weights do not fit; the one before is served" in told
        assert told in caplog.text
        assert 'frontdesk_model_refused{kind="reader"} 1.0' in (await http.get("/metrics")).text
        answer = await http.post(WEBHOOK, json={"sender": "ada", "message": QUESTION})
        assert "two working days" in answer.json()[0]["text"]
        assert set(await readers_of(desk.bot, "ada")) == {first}
        await outside.rollback("reader", author="mia", reason="it does not load")
        await until(lambda: not desk.bot.served.trouble)
        assert "frontdesk_model_refused{" not in (await http.get("/metrics")).text


async def test_the_next_start_serves_what_was_promoted_and_a_rollback_what_was_there_before(
    desk: Running[Bot], outside: Registry, tmp_path: Path
) -> None:
    first = desk.bot.engines.reader.name
    await promoted(outside, tmp_path / "two", "two")
    again = await build(desk.bot.settings)
    await again.start()
    assert again.engines.reader.name == "bert-two"
    await outside.rollback("reader", author="mia", reason="")
    assert await again.served.follow() == ["reader"]
    assert again.engines.reader.name == first
    await again.close()


async def test_an_encoder_waits_for_the_next_start(desk: Running[Bot], outside: Registry, tmp_path: Path) -> None:
    folder = trained(tmp_path / "encoder", "e1", kind="encoder")
    model, _ = await outside.add("encoder", folder, author="mia")
    await outside.promote(model, author="mia", reason="better", figures={})
    await until(lambda: "encoder" in desk.bot.served.trouble)
    assert "at the next start" in desk.bot.served.trouble["encoder"]
    assert desk.bot.ready()
