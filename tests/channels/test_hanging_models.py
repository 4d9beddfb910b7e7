"""Models that raise or hang, in a whole bot that is served: a time limit, then a person; it comes back by itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import pytest

from bot.build import Bot, build
from bot.engines import tables
from bot.engines.base import Span
from bot.engines.batcher import Batcher
from bot.engines.fake import FakeCaptioner, FakeReader, FakeSpeech
from bot.errors import EngineError
from bot.settings import Settings
from tests.bot.acme import QUESTION
from tests.bot.media_files import picture, recording, tone
from tests.channels.desks import Running, running, until
from tests.channels.test_uploads import upload
from tests.channels.widgets import session, tab

WEBHOOK = "/webhooks/rest/webhook"


class Hangs(FakeReader):
    """A reader behind the real batcher; its model does not come back while `free` is not set."""

    free = threading.Event()

    def __init__(self, settings: Settings, weights: Any = None) -> None:
        super().__init__(settings, weights)
        timeout, queue = settings.engines.timeout_seconds, settings.engines.queue
        self.batcher = Batcher[tuple[str, Sequence[str]], list[Span]](
            self._run, name=self.name, timeout=timeout, queue=queue
        )

    def _run(self, items: list[tuple[str, Sequence[str]]]) -> list[list[Span]]:
        self.free.wait(60)
        return [[self._span({"parcel"}, passage) for passage in passages] for _, passages in items]

    async def start(self) -> None:
        await super().start()
        await self.batcher.start()

    async def close(self) -> None:
        await self.batcher.close()
        await super().close()

    def ready(self) -> bool:
        return self.batcher.ready()

    async def read(self, question: str, passages: Sequence[str]) -> list[Span]:
        return await self.batcher.submit((question, passages))


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The reader "hangs" can be chosen in the settings. Set the event, and its model works."""
    monkeypatch.setitem(tables.READERS, "hangs", f"{__name__}:Hangs")
    monkeypatch.setattr(Hangs, "free", threading.Event())
    yield Hangs.free
    Hangs.free.set()


async def asked(http: httpx.AsyncClient, sender: str, message: str = QUESTION) -> str:
    """The text of the replies."""
    answer = await http.post(WEBHOOK, json={"sender": sender, "message": message})
    assert answer.status_code == 200, answer.text
    return "\n".join(part.get("text", "") for part in answer.json())


def client(desk: Running[Bot]) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=200)
    return httpx.AsyncClient(base_url=desk.url, timeout=60, trust_env=False, limits=limits)


async def owner(bot: Bot, sender: str, channel: str = "rest", account: str = "default") -> tuple[str, str | None]:
    """Who has the sender's conversation, and why."""
    conversation = await bot.store.find(channel, account, sender)
    state = await bot.store.load(conversation or "")
    return state.owner, state.reason


async def test_a_model_that_hangs_costs_its_time_limit_and_brings_a_person_then_it_is_turned_away_from_until_it_is_back(
    acme: Callable[..., Settings], hanging: threading.Event
) -> None:
    bot = await build(acme(reader="hangs"))
    async with running(bot) as desk, client(desk) as http:
        assert (await http.get("/readyz")).status_code == 200
        for sender in ("ada", "bob"):  # each time the worker is replaced, and the next caller is served by a new one
            async with asyncio.timeout(5):
                assert "colleague" in await asked(http, sender)
            assert await owner(bot, sender) == ("people", "error")
        reader: Any = bot.engines.reader
        assert reader.batcher.figures().stuck == 2
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()["parts"]["reader"]) == (503, "not ready")
        assert 'frontdesk_engine_ready{engine="reader"} 0.0' in (await http.get("/metrics")).text

        began = asyncio.get_running_loop().time()
        assert "colleague" in await asked(http, "cyd")  # nobody waits for a model that is known to hang
        assert asyncio.get_running_loop().time() - began < 0.3 + 1
        assert reader.batcher.figures().stuck == 2

        hanging.set()
        await until(lambda: bool(reader.ready()))
        assert (await http.get("/readyz")).status_code == 200
        assert "two working days" in await asked(http, "dan")
        assert await owner(bot, "dan") == ("bot", None)
        assert await owner(bot, "ada") == ("people", "error")


async def test_a_hundred_turns_at_once_on_a_model_that_hangs_all_end(
    acme: Callable[..., Settings], hanging: threading.Event
) -> None:
    bot = await build(acme(reader="hangs", limits={"turns_waiting": 32}))
    async with running(bot) as desk, client(desk) as http:
        body = {"message": QUESTION}
        async with asyncio.timeout(60):
            asked = [http.post(WEBHOOK, json={"sender": f"s{n}", **body}) for n in range(100)]
            answers = await asyncio.gather(*asked)
    codes = [answer.status_code for answer in answers]
    assert set(codes) == {200, 503}
    assert codes.count(200) >= 32
    assert all("colleague" in answer.json()[0]["text"] for answer in answers if answer.status_code == 200)


@pytest.mark.parametrize("part", ["encoder", "reader"])
async def test_a_model_that_raises_brings_a_person(whole: Running[Bot], part: str) -> None:
    engine: Any = getattr(whole.bot.engines, part)
    async with client(whole) as http:
        engine.error = EngineError("the weights are rotten")
        assert "colleague" in await asked(http, "ada")
        assert await owner(whole.bot, "ada") == ("people", "error")
        engine.error = None
        assert "two working days" in await asked(http, "bob")


@pytest.mark.parametrize("trouble", ["raises", "hangs"])
async def test_a_generator_or_a_checker_that_fails_costs_nothing_but_its_words(
    whole: Running[Bot], trouble: str
) -> None:
    generator: Any = whole.bot.engines.generator
    if trouble == "raises":
        generator.error = EngineError("out of memory")
    else:
        generator.delay = 60.0
    async with client(whole) as http:
        async with asyncio.timeout(10):
            assert "two working days" in await asked(http, "ada")
        assert await owner(whole.bot, "ada") == ("bot", None)


@pytest.mark.parametrize(
    ("kind", "said"), [("audio", "can't listen to voice messages"), ("picture", "can't look at pictures")]
)
async def test_a_voice_or_a_picture_that_no_model_can_take_is_asked_for_in_words(
    whole: Running[Bot], kind: str, said: str
) -> None:
    engines = whole.bot.engines
    assert isinstance(engines.speech, FakeSpeech)
    assert isinstance(engines.captioner, FakeCaptioner)
    engines.speech.error = engines.captioner.error = EngineError("it hangs")
    data = recording(tone(1.0)) if kind == "audio" else picture()
    async with client(whole) as http:
        opened = await session(http)
        told = (await upload(http, opened["token"], data, "x")).json()
        async with tab(whole.ws, opened["token"]) as widget:
            await widget.say("", attachments=[told["id"]])
            assert said in (await widget.until("message", **{"from": "bot"}))["text"]
            await widget.say(QUESTION)  # which is answered, so that nothing has failed in a row
            assert "two working days" in (await widget.until("message", **{"from": "bot"}))["text"]
            for _ in range(2):
                told = (await upload(http, opened["token"], data, "x")).json()
                await widget.say("", attachments=[told["id"]])
                assert said in (await widget.until("message", **{"from": "bot"}))["text"]
            await widget.until("message", **{"from": "bot"})  # what happens next, by the working hours
        assert await owner(whole.bot, opened["visitor"], "web", "demo") == ("people", "failures")
