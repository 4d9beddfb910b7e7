"""Questions from the desk's own conversations: a real store, a real index's texts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.events import Feedback, Sent, TurnEnded
from bot.settings import Settings
from bot.store.sql import SqlStore
from bot.types import Citation, Outcome, Words
from finetune import sources
from finetune.data import Gold
from finetune.sources import Found
from retrieval.load import load_file
from retrieval.texts import keep
from tests.store.stores import event, hello, received

PAGE = "# Fees\n\nThe Silver card costs 50 a year.\n\nThe Gold card costs 90 a year. It is made of brass.\n"
QUOTE = "The Gold card costs 90 a year."


@pytest.fixture
def settings(make_settings: Callable[..., Settings], tmp_path: Path) -> Settings:
    return make_settings(home=tmp_path / "home")


@pytest.fixture
def citation(settings: Settings, tmp_path: Path) -> Citation:
    """A sentence of a page that was ingested."""
    (tmp_path / "fees.md").write_text(PAGE, encoding="utf-8")
    page = load_file(tmp_path / "fees.md", tmp_path, collection="default", audience=None, internal_title=None)
    keep(settings.index, page)
    start = page.text.index(QUOTE)
    place = {"start": start, "end": start + len(QUOTE), "quote": QUOTE}
    return Citation(collection="default", document="fees.md", version=page.version, title="Fees", **place)


async def held(settings: Settings, citation: Citation, *, confidence: float = 0.5) -> None:
    """Three turns on the Gold card: rated up, rated down, and not rated."""
    store = SqlStore(settings.database_url)
    await store.open()
    conversation = (await store.accept(hello(), bot="demo")).conversation
    happened = []
    for name in ("up", "down", "none"):
        reply = Sent(reply_id=name, text=Words(text=QUOTE), citations=(citation,))
        ended = TurnEnded(outcome=Outcome.ANSWERED, confidence=confidence)
        asked = [received(conversation, f"What is gold, {name}?", name), received(conversation, "Hello?", f"{name}2")]
        happened += [*asked, event(conversation, reply), event(conversation, ended)]
        if name in ("up", "down"):
            happened.append(event(conversation, Feedback(reply_id=name, rating=name), "customer"))
    state = await store.load(conversation)
    await store.commit(conversation, state.version, happened)
    await store.close()


async def read(settings: Settings, confidence: float | None = None) -> Found:
    found = Found()
    await sources.read_conversations(settings, found, confidence=confidence)
    return found


async def test_an_answer_that_was_rated_up_is_a_question_with_its_passage(
    settings: Settings, citation: Citation
) -> None:
    await held(settings, citation)
    found = await read(settings)
    [example] = found.examples
    assert example.question == "What is gold, up?\nHello?"
    assert example.context == "The Gold card costs 90 a year. It is made of brass."
    assert example.answers == (Gold(QUOTE, 0),)
    assert example.article == "fees.md"
    assert {reason: len(where) for reason, where in found.dropped.items()} == {
        "the reply was rated down": 1,
        "nobody rated the reply, and the bot was not sure enough": 1,
    }


async def test_an_answer_that_the_bot_was_sure_of_counts_where_that_is_wanted(
    settings: Settings, citation: Citation
) -> None:
    await held(settings, citation, confidence=0.9)
    assert [example.question[:18] for example in (await read(settings, 0.8)).examples] == [
        "What is gold, up?\n",
        "What is gold, none",
    ]


async def test_a_document_that_is_gone_is_told(settings: Settings, citation: Citation) -> None:
    await held(settings, citation.model_copy(update={"version": "0" * 32}))
    found = await read(settings)
    assert found.examples == []
    assert "the cited document is not in the index's store any more" in found.dropped
