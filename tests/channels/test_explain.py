"""Why the bot gave an answer: on a terminal, as JSON, and over HTTP for operators alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot import explain as explaining
from bot.build import Bot, build
from bot.engines.registry import Registry
from bot.errors import NotFound
from bot.events import Actor, Event, Received, Sent
from bot.explain import Known, explain
from bot.settings import Settings
from bot.types import Message, Words
from channels.commands.explain import lines
from channels.explain import Explanations
from tests.bot.acme import FAKES, QUESTION, write
from tests.bot.engines.models import trained
from tests.channels.desks import running

TOKEN = "the operators' own"


@dataclass
class Talk:
    bot: Bot
    conversation: str = ""

    async def say(self, text: str) -> list[Event]:
        accepted = await self.bot.store.accept(Message(channel="web", sender="ann", text=text), bot="acme", wait=False)
        claim = await self.bot.store.claim("test", lease_seconds=30)
        assert claim is not None
        await self.bot.turn.handle(claim)
        self.conversation = accepted.conversation
        return await self.bot.store.events(accepted.conversation)

    async def explain(self, item: str, **more: Any) -> dict[str, Any]:
        return await explain(self.bot.store, self.bot.settings, item, **more)


@pytest.fixture
async def talk(tmp_path: Path, make_settings: Callable[..., Settings]) -> AsyncIterator[Talk]:
    settings = make_settings(bot=write(tmp_path / "acme"), engines=FAKES, operators={"token": TOKEN})
    bot = await build(settings)
    await bot.start()
    yield Talk(bot)
    await bot.close()


def reply_of(events: list[Event]) -> str:
    return [event.body.reply_id for event in events if isinstance(event.body, Sent)][-1]


async def test_a_reply_is_explained_from_the_question_to_the_timings(talk: Talk) -> None:
    generator: Any = talk.bot.engines.generator
    generator.script = "A parcel takes 9 days. A parcel takes two working days inside the country."
    events = await talk.say(QUESTION)
    told = await talk.explain(reply_of(events))
    assert (told["outcome"], told["question"]["wrote"], told["question"]["understood"]) == (
        "answered",
        [QUESTION],
        QUESTION,
    )
    passage = told["passages"][0]
    assert (passage["title"], "two working days" in passage["read"]) == ("Delivery", True)
    assert told["candidates"][0]["text"] == "A parcel takes two working days inside the country."
    assert told["generator"] == {"ended": "done", "worded": True}
    (removed,) = told["check"]["removed"]
    assert (removed["text"], removed["rule"]) == ("A parcel takes 9 days.", "a number is not in the evidence")
    assert told["versions"]["reader"] == "fake-reader"
    assert {"index", "prompts", "encoder"} <= told["versions"].keys()
    assert told["timings_ms"]["total"] > 0
    assert json.loads(json.dumps(told)) == told


async def test_people_read_it_line_by_line(talk: Talk) -> None:
    events = await talk.say(QUESTION)
    page = "\n".join(lines(await talk.explain(reply_of(events))))
    for part in (
        f"    customer  {QUESTION}",
        "[1] Delivery: “A parcel takes two working days inside the country.”",
        "Passages      score  cosine  words   what the reader saw there",
        "Sentences that could answer, the best first",
        "Versions",
        "fake-reader",
        "Milliseconds",
    ):
        assert part in page


async def test_a_message_and_a_conversation_lead_to_the_same_reply(talk: Talk) -> None:
    events = await talk.say(QUESTION)
    message = next(event.body.message_id for event in events if isinstance(event.body, Received))
    told = await talk.explain(reply_of(events))
    assert await talk.explain(message) == told
    assert await talk.explain(talk.conversation) == told


async def test_a_follow_up_shows_what_was_taken_along(talk: Talk) -> None:
    await talk.say(QUESTION)
    told = await talk.explain(reply_of(await talk.say("And for it?")))
    assert "two working days" in told["question"]["context"]
    assert told["question"]["wrote"] == ["And for it?"]
    assert "said before" in "\n".join(lines(told))


async def test_what_is_said_by_rote_is_named_and_an_agents_words_are_not_explained(talk: Talk) -> None:
    told = await talk.explain(reply_of(await talk.say("I want to talk to a person")))
    assert told["reply"]["template"].startswith("utter_")
    assert (told["passages"], told["generator"]) == ([], None)
    assert "by rote: utter_" in "\n".join(lines(told))
    version = (await talk.bot.store.load(talk.conversation)).version
    mine = Event(
        conversation=talk.conversation,
        actor=Actor(kind="agent", id="mia"),
        body=Sent(reply_id="a1", text=Words(text="Hi")),
    )
    await talk.bot.store.commit(talk.conversation, version, [mine])
    with pytest.raises(NotFound):
        await talk.explain("a1")
    with pytest.raises(NotFound, match="is no reply, message or conversation"):
        await talk.explain("f" * 32)


async def test_erased_words_stay_erased_and_the_figures_stay(talk: Talk) -> None:
    events = await talk.say(QUESTION)
    before = await talk.explain(reply_of(events))
    await talk.bot.store.erase(talk.conversation)
    told = await talk.explain(reply_of(events))
    assert told["question"]["wrote"] == [explaining.ERASED]
    assert told["question"]["understood"] == explaining.ERASED
    assert told["words"] == {"missing": "the customer's words were erased"}
    assert [each["score"] for each in told["passages"]] == [each["score"] for each in before["passages"]]


async def test_a_model_or_an_index_that_is_served_no_longer_is_said_plainly(talk: Talk, tmp_path: Path) -> None:
    events = await talk.say(QUESTION)
    told = await talk.explain(reply_of(events))
    assert told["notes"] == []
    assert "is not kept here" in told["words"]["reader"]["missing"]
    explained = explaining.Found(
        talk.bot.settings, [Known("reader", "two", tmp_path, True), Known("reader", "one", tmp_path, False)]
    )
    notes = explained.now({"reader": "bert-one", "index": "20200101", "encoder": "fake-encoder"})["notes"]
    assert "the reader that answered (bert-one) is no longer the one that is served (two)" in notes
    assert any(note.startswith("the index that answered (20200101)") for note in notes)
    registry = Registry(talk.bot.store, talk.bot.settings)
    model, _ = await registry.add("reader", trained(tmp_path / "new", "two"), author="mia")
    await registry.promote(model, author="mia", reason="", figures={})
    assert explained.now({"reader": "bert-two"})["notes"] == []


async def test_over_http_it_is_the_operators_alone(talk: Talk) -> None:
    events = await talk.say(QUESTION)
    path = f"/api/replies/{reply_of(events)}/explanation"
    pages = Explanations(talk.bot.store, talk.bot.settings).routes()
    async with running(talk.bot, pages) as desk, httpx.AsyncClient(base_url=desk.url, trust_env=False) as http:
        given = {"Authorization": f"Bearer {TOKEN}"}
        answer = await http.get(path, headers=given)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json() == await talk.explain(reply_of(events))
        assert (await http.get(path, params={"words": "no"}, headers=given)).json()["words"] == {}
        unknown = await http.get("/api/replies/nothing/explanation", headers=given)
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_found")
        for wrong in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Basic {TOKEN}"}):
            refused = await http.get(path, headers=wrong)
            assert refused.status_code == 401
            assert QUESTION not in refused.text


async def test_without_a_token_it_is_closed_to_everybody(talk: Talk, settings: Settings) -> None:
    events = await talk.say(QUESTION)
    pages = Explanations(talk.bot.store, settings).routes()
    async with running(talk.bot, pages) as desk, httpx.AsyncClient(base_url=desk.url, trust_env=False) as http:
        for header in ({}, {"Authorization": "Bearer"}, {"Authorization": f"Bearer {TOKEN}"}):
            answer = await http.get(f"/api/replies/{reply_of(events)}/explanation", headers=header)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "closed")
