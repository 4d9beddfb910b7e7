"""Curated answers win where it is surely the same question, and only there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from bot.answer import Answer, Answerer
from bot.answering import curated, units
from bot.botfile import BotFile, find_data
from bot.engines.check import EvidenceChecker
from bot.engines.fake import FakeEncoder, FakeReader
from bot.prompts import Prompts
from bot.settings import Settings
from bot.types import Outcome
from retrieval import ingest
from retrieval.snapshot import Snapshot
from retrieval.types import Audience, Filters

LIST = """question,answer,language,collection,url,review_by
How long does delivery take?,Two working days.,en,,https://shop.example/delivery,
When will my parcel come?,,,,,
What does the silver card cost?,It costs 12 euros a year.,en,,,
What does the error E04 mean?,The pump is blocked.,en,,,
Can I return a gift?,Only with its receipt.,en,,,2001-01-01
退货要多久？,三十天之内。,zh,,,
Who may waive a fee?,The desk leader may.,en,staff,,
"""


class Blocking:
    """The fake encoder as ingestion wants it."""

    def __init__(self) -> None:
        self._encoder = FakeEncoder()
        self.name, self.dimensions = self._encoder.name, self._encoder.dimensions

    def encode(self, texts: Sequence[str]) -> object:
        return np.stack([self._encoder.vector(text) for text in texts])


@pytest.fixture
def index(tmp_path: Path) -> Snapshot:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "faq.csv").write_text(LIST, encoding="utf-8")
    (docs / "cards.md").write_text("# Cards\n\nThe gold card costs 90 euros a year.\n")
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "list.csv").write_text("question,answer\nWhat is the goodwill budget?,500 euros.\n")
    at, encoder = tmp_path / "index", Blocking()
    ingest.ingest([docs], at, encoder, collection="help", cut=units.compared)  # type: ignore[arg-type]
    made = ingest.ingest(
        [secret],
        at,
        encoder,
        collection="help",
        audience=Audience.INTERNAL,
        cut=units.compared,  # type: ignore[arg-type]
    )
    return made.snapshot


async def ask(index: Snapshot, question: str, language: str = "en", **more: object) -> Answer:
    encoder, reader = FakeEncoder(), FakeReader()
    await encoder.start()
    await reader.start()
    botfile = BotFile(folder=find_data(), name="Shop", collections=("help",), thresholds={"en": 0.05, "zh": 0.3})
    answerer = Answerer(
        encoder=encoder,
        reader=reader,
        checker=EvidenceChecker(Settings(), None, encoder=encoder),
        generator=None,
        index=lambda: index,
        prompts=Prompts(find_data() / "prompts"),
        botfile=botfile,
        settings=Settings(),
    )
    said: list[str] = []
    collections = frozenset({"help"})
    found = await answerer.answer(
        question,
        language=language,
        collections=collections,
        emit=said.append,
        **more,  # type: ignore[arg-type]
    )
    assert said if found.outcome is Outcome.ANSWERED else not said
    return found


@pytest.mark.parametrize(
    "question", ["How long does delivery take?", "how long does DELIVERY take", "When will my parcel come?"]
)
async def test_a_listed_question_gets_its_answer_word_for_word_and_cited(index: Snapshot, question: str) -> None:
    found = await ask(index, question)
    assert (found.text, found.outcome, found.generated) == ("Two working days. [1]", Outcome.ANSWERED, False)
    [citation] = found.citations
    assert citation.quote == "Two working days."
    assert citation.url == "https://shop.example/delivery"
    document = index.documents[citation.collection, citation.document]
    assert document.text[citation.start : citation.end] == citation.quote
    assert found.evidence["curated"] == [citation.collection, citation.document]


async def test_a_chinese_question_is_found_by_its_words(index: Snapshot) -> None:
    assert (await ask(index, "退货要多久", "zh")).text == "三十天之内。 [1]"


@pytest.mark.parametrize(
    "question",
    [
        "What does the gold card cost?",
        "What does the error E05 mean?",
        "What does the silver card not cost?",
        "Delivery?",
    ],
)
async def test_a_question_that_only_looks_so_goes_the_usual_way(index: Snapshot, question: str) -> None:
    assert "curated" not in (await ask(index, question)).evidence


@pytest.mark.parametrize("question", ["What is the goodwill budget?", "Who may waive a fee?"])
async def test_nothing_internal_and_nothing_of_other_collections_wins(index: Snapshot, question: str) -> None:
    found = await ask(index, question)
    assert "curated" not in found.evidence
    assert "500" not in found.text
    assert "leader" not in found.text


async def test_an_answer_past_its_review_does_not_win_by_itself(index: Snapshot) -> None:
    assert "curated" not in (await ask(index, "Can I return a gift?")).evidence


async def test_what_leans_on_what_was_said_wins_only_word_for_word(index: Snapshot) -> None:
    history = [("customer", "I ordered the gold card."), ("bot", "It is on its way.")]
    assert "curated" not in (await ask(index, "and the cost?", history=history)).evidence


def test_of_two_answers_as_near_neither_wins(index: Snapshot) -> None:
    found = curated.candidates(index, Filters(), date(2026, 1, 1))
    vector = FakeEncoder().vector("How long does delivery take?")
    twice = [
        *found,
        (next(document for document, _ in found if "silver" in document.title), "How long does delivery take?"),
    ]
    assert curated.best(index, "How long, does the delivery take", vector, found) is not None
    assert curated.best(index, "How long, does the delivery take", vector, twice) is None
