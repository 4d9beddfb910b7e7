"""What an answer rests on is kept with it: places and figures in the events, words where they can be erased."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.answering.grounds import rule_of
from bot.build import Bot, build
from bot.events import DERIVED, Grounds, Received, TurnEnded
from bot.settings import Settings
from bot.types import Message
from tests.bot.acme import FAKES, QUESTION, write


@pytest.fixture
async def bot(tmp_path: Path, make_settings: Callable[..., Settings]) -> AsyncIterator[Bot]:
    made = await build(make_settings(bot=write(tmp_path / "acme"), engines=FAKES))
    await made.start()
    yield made
    await made.close()


async def asked(bot: Bot, text: str) -> tuple[str, TurnEnded]:
    """(conversation, how the turn ended)."""
    accepted = await bot.store.accept(Message(channel="web", sender="ann", text=text), bot="acme", wait=False)
    claim = await bot.store.claim("test", lease_seconds=30)
    assert claim is not None
    await bot.turn.handle(claim)
    ended = [event.body for event in await bot.store.events(accepted.conversation) if isinstance(event.body, TurnEnded)]
    return accepted.conversation, ended[-1]


async def test_passages_spans_and_candidates_are_kept_with_the_reply(bot: Bot) -> None:
    conversation, ended = await asked(bot, QUESTION)
    (grounds,) = ended.grounds
    replies = [event.body.reply_id for event in await bot.store.events(conversation) if event.body.type == "sent"]
    assert [grounds.reply_id] == replies
    assert grounds.asked.text == QUESTION
    passage = grounds.scores["passages"][0]
    text = bot.index.snapshot.documents[passage["collection"], passage["document"]].text
    start, end = passage["span"]
    assert "two working days" in text[passage["start"] :][start:end]
    assert 0 < passage["probability"] <= 1
    best = grounds.scores["candidates"][0]
    assert "two working days" in text[best["start"] : best["end"]]
    assert best["figures"]["confidence"] == pytest.approx(ended.confidence, abs=1e-4)
    assert json.loads(json.dumps(grounds.scores)) == grounds.scores


async def test_what_the_check_took_out_is_kept_with_its_rule(bot: Bot) -> None:
    generator: Any = bot.engines.generator
    generator.script = "A parcel takes 9 days. A parcel takes two working days inside the country."
    _, ended = await asked(bot, QUESTION)
    (dropped,) = ended.grounds[0].dropped
    assert dropped.text.text == "A parcel takes 9 days."
    assert dropped.rule == "a number is not in the evidence"
    assert len(ended.grounds[0].scores["support"]) == 1


async def test_an_abstention_says_what_it_looked_at(bot: Bot) -> None:
    _, ended = await asked(bot, "Do you sell giraffes in pink?")
    assert ended.outcome == "abstained"
    assert ended.grounds[0].scores["passages"]


async def test_no_words_stand_in_the_event_and_what_was_made_of_them_goes_with_them(bot: Bot) -> None:
    secret = "How many working days does a parcel to Zebedee take?"
    conversation, _ = await asked(bot, secret)
    trail = await bot.store.trail(0, 100)
    assert "Zebedee" not in repr(trail)
    received = next(event.body for event in await bot.store.events(conversation) if isinstance(event.body, Received))
    await bot.store.erase(conversation, [received.text.ref])
    events = await bot.store.events(conversation)
    assert "Zebedee" not in repr(events)
    grounds: Grounds = next(event.body for event in events if isinstance(event.body, TurnEnded)).grounds[0]
    assert grounds.asked.ref.startswith(DERIVED)
    assert grounds.asked.text is None


@pytest.mark.parametrize(
    ("reason", "rule"),
    [
        ("not in the evidence: 30 days", "not in the evidence"),
        ("the evidence says the opposite of 'open'", "the evidence says the opposite of"),
        ("a negation differs", "a negation differs"),
    ],
)
def test_a_rule_is_named_without_anybodys_words(reason: str, rule: str) -> None:
    assert rule_of(reason) == rule
