"""The answerer on a small company: real index, real checker, fake models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.answer import Answer, Answerer
from bot.botfile import BotFile, GeneratorChoice, find_data
from bot.engines.base import ChatMessage
from bot.engines.check import EvidenceChecker
from bot.engines.fake import FakeEncoder, FakeGenerator, FakeReader
from bot.errors import EngineTimeout, QueryError
from bot.prompts import Prompts
from bot.settings import Settings
from bot.types import Outcome
from retrieval import ingest, snapshot
from retrieval.snapshot import Snapshot

DELIVERY = """# Delivery

Standard delivery takes 2 working days. It is free for orders of €50 or more.

## What delivery costs

| Delivery to | Price | Time |
|---|---|---|
| Netherlands | €4.95 | 2 days |
| Germany | €7.95 | 4 days |

## Before the parcel comes

To change the delivery address:

1. Open My orders.
2. Choose the parcel.
3. Press Change address.
"""
RETURNS = """# Returns

You can return an item within 30 days if the seal is unbroken. Opened water filters cannot be returned.
"""
SECRET = """---
audience: internal
---
# Goodwill

The secret goodwill budget is €500 a customer.
"""
CARDS = """# Cards

Fees of the silver card:

- The silver card has a fee of €2 abroad.
- The silver card has a fee of €5 for a new card.
- Its colour is grey.
"""
CHINESE = """---
language: zh
---
# 退货

大多数商品在收到后30天内可以退货。礼品卡不能退货。
"""


class Blocking:
    """The fake encoder as ingestion wants it."""

    def __init__(self, encoder: FakeEncoder) -> None:
        self.name, self.dimensions, self._encoder = encoder.name, encoder.dimensions, encoder

    def encode(self, texts: Sequence[str]) -> object:
        import numpy as np

        return np.stack([self._encoder.vector(text) for text in texts])


@pytest.fixture
def index(tmp_path: Path) -> Snapshot:
    pages = tmp_path / "pages"
    pages.mkdir()
    for name, text in {
        "delivery": DELIVERY,
        "returns": RETURNS,
        "secret": SECRET,
        "cards": CARDS,
        "tuihuo": CHINESE,
    }.items():
        (pages / f"{name}.md").write_text(text, encoding="utf-8")
    ingest.ingest([pages], tmp_path / "index", Blocking(FakeEncoder()), collection="help")  # type: ignore[arg-type]
    return snapshot.load(tmp_path / "index")


class Desk:
    """An answerer and what it streamed."""

    def __init__(self, index: Snapshot, generator: FakeGenerator | None, seconds: float) -> None:
        self.encoder, self.reader, self.generator = FakeEncoder(), FakeReader(), generator
        self.streamed: list[str] = []
        self.index = index
        self.answerer = Answerer(
            encoder=self.encoder,
            reader=self.reader,
            checker=EvidenceChecker(Settings(), None, encoder=self.encoder),
            generator=generator,
            index=lambda: index,
            prompts=Prompts(find_data() / "prompts"),
            botfile=BotFile(
                folder=find_data(),
                name="Tidewell",
                collections=("help",),
                thresholds={"en": 0.05, "zh": 0.3},
                generator=GeneratorChoice(first_sentence_seconds=seconds),
            ),
            settings=Settings(),
        )

    async def ask(
        self,
        question: str,
        *,
        language: str = "en",
        history: Sequence[tuple[str, str]] = (),
        collections: frozenset[str] | None = frozenset({"help"}),
    ) -> Answer:
        for engine in (self.encoder, self.reader, self.generator):
            if engine is not None:
                await engine.start()
        answer = await self.answerer.answer(
            question, language=language, history=history, collections=collections, emit=self.streamed.append
        )
        for citation in answer.citations:
            text = self.index.documents[(citation.collection, citation.document)].text
            assert text[citation.start : citation.end] == citation.quote
        return answer


def desk(index: Snapshot, says: str | None = None, seconds: float = 4.0) -> Desk:
    return Desk(index, None if says is None else FakeGenerator(script=says), seconds)


async def test_the_documents_own_sentence_answers_and_is_cited(index: Snapshot) -> None:
    answer = await desk(index).ask("Can opened water filters be returned?")
    assert answer.outcome is Outcome.ANSWERED
    assert answer.text == "Opened water filters cannot be returned. [1]"
    assert [citation.quote for citation in answer.citations] == ["Opened water filters cannot be returned."]
    assert answer.citations[0].document == "returns"
    assert not answer.generated
    assert answer.language_of_source is None
    assert 0.1 <= answer.confidence <= 1
    assert {"encode", "search", "read", "select", "compare"} <= set(answer.timings_ms)


async def test_a_table_row_is_told_with_its_header_and_cited_as_it_stands(index: Snapshot) -> None:
    answer = await desk(index).ask("What is the price of delivery to Germany?")
    assert answer.text == "Delivery to: Germany; Price: €7.95; Time: 4 days. [1]"
    assert answer.citations[0].quote == "Germany | €7.95 | 4 days"


async def test_a_question_about_how_gets_the_whole_list_with_its_introduction(index: Snapshot) -> None:
    answer = await desk(index).ask("How do I change the delivery address of a parcel?")
    assert "To change the delivery address:" in answer.citations[0].quote
    assert "Press Change address." in answer.citations[0].quote


async def test_a_sentence_that_points_back_comes_with_the_one_before(index: Snapshot) -> None:
    answer = await desk(index).ask("Is it free for orders of €50?")
    assert answer.citations[0].quote.startswith("Standard delivery takes 2 working days. It is free")


async def test_what_the_passage_says_of_it_beside_stands_with_it(index: Snapshot) -> None:
    answer = await desk(index).ask("Which fees has the silver card?")
    assert answer.text.startswith("Fees of the silver card:\n\nThe silver card has a fee of €2 abroad. [1][2] The")
    assert answer.text.endswith("The silver card has a fee of €5 for a new card. [3]")
    assert answer.text.count("Fees of") == 1
    assert [citation.quote for citation in answer.citations][1:] == [
        "The silver card has a fee of €2 abroad.",
        "The silver card has a fee of €5 for a new card.",
    ]


async def test_a_generated_sentence_is_followed_by_the_documents_second(index: Snapshot) -> None:
    here = desk(index, says="Abroad the silver card has a fee of €2.")
    answer = await here.ask("Which fees has the silver card?")
    assert answer.generated
    assert answer.text.endswith("The silver card has a fee of €5 for a new card. [3]")
    assert here.streamed == [
        "Abroad the silver card has a fee of €2.",
        "The silver card has a fee of €5 for a new card.",
    ]


async def test_what_no_document_says_is_not_answered(index: Snapshot) -> None:
    here = desk(index, "You can buy bicycles.")
    answer = await here.ask("Which bicycle brands do your mechanics recommend?")
    assert answer.outcome is Outcome.ABSTAINED
    assert (answer.text, answer.citations, here.streamed) == ("", (), [])


async def test_internal_pages_are_never_read_whatever_is_asked(index: Snapshot) -> None:
    here = desk(index)
    answer = await here.ask("What is the secret goodwill budget of a customer?")
    assert "500" not in answer.text
    assert all(citation.document != "secret" for citation in answer.citations)
    assert "secret" not in str(answer.evidence)


async def test_a_collection_that_does_not_exist_is_an_error(index: Snapshot) -> None:
    with pytest.raises(QueryError, match="nowhere"):
        await desk(index).ask("Is it free?", collections=frozenset({"nowhere"}))


async def test_a_follow_up_is_understood_from_the_customers_last_question(index: Snapshot) -> None:
    history = [("customer", "What is the price of delivery to the Netherlands?"), ("bot", "€4.95")]
    answer = await desk(index).ask("And to Germany?", history=history)
    assert "Germany" in answer.text
    assert answer.evidence["followed"]


async def test_chinese_is_answered_with_the_documents_own_sentence(index: Snapshot) -> None:
    answer = await desk(index, "You can return it.").ask("礼品卡能退货吗？", language="zh")
    assert answer.text == "礼品卡不能退货。 [1]"
    assert answer.language_of_source is None
    assert not answer.generated


async def test_a_page_in_the_other_language_answers_and_says_so(index: Snapshot) -> None:
    answer = await desk(index).ask("寄到德国的运费价格是多少？", language="zh")
    assert answer.outcome is Outcome.ANSWERED
    assert answer.language_of_source == "en"
    assert "€7.95" in answer.text


async def test_the_generators_sentence_is_shown_when_the_evidence_says_it(index: Snapshot) -> None:
    here = desk(index, "Delivery to Germany has a price of €7.95.")
    answer = await here.ask("What is the price of delivery to Germany?")
    assert answer.generated
    assert answer.text == "Delivery to Germany has a price of €7.95. [1]"
    assert answer.citations[0].quote == "Germany | €7.95 | 4 days"
    assert here.streamed == ["Delivery to Germany has a price of €7.95."]


@pytest.mark.parametrize(
    "says",
    [
        "Opened water filters can be returned.",
        "You can return opened water filters within 14 days.",
        "The Return Shipping Company pays for it.",
        "",
        "Opened water filters",
    ],
)
async def test_what_the_evidence_does_not_say_is_dropped_and_the_documents_sentence_shown(
    index: Snapshot, says: str
) -> None:
    here = desk(index, says)
    answer = await here.ask("Can opened water filters be returned?")
    assert not answer.generated
    assert answer.text == "Opened water filters cannot be returned. [1]"
    assert here.streamed == [answer.text]


async def test_a_false_second_sentence_is_dropped_and_the_first_stands(index: Snapshot) -> None:
    here = desk(
        index, "Opened water filters cannot be returned. All other items can be returned for ever. Nobody pays."
    )
    answer = await here.ask("Can opened water filters be returned?")
    assert answer.generated
    assert answer.text == "Opened water filters cannot be returned. [1]"
    assert answer.evidence["dropped"] >= 1


async def test_a_late_generator_costs_its_time_and_nothing_else(index: Snapshot) -> None:
    here = desk(index, "Opened water filters cannot be returned.", seconds=0.1)
    assert here.generator is not None
    here.generator.delay = 1.0
    answer = await here.ask("Can opened water filters be returned?")
    assert not answer.generated
    assert answer.text == "Opened water filters cannot be returned. [1]"
    assert answer.evidence["generator"] == "late"


async def test_a_failing_generator_is_not_noticed(index: Snapshot) -> None:
    here = desk(index, "Opened water filters cannot be returned.")
    assert here.generator is not None
    here.generator.error = EngineTimeout("it hangs")
    answer = await here.ask("Can opened water filters be returned?")
    assert answer.outcome is Outcome.ANSWERED
    assert answer.evidence["generator"] == "EngineTimeout"


async def test_the_generator_is_shown_the_evidence_and_little_else(index: Snapshot) -> None:
    seen: list[Sequence[ChatMessage]] = []

    def script(messages: Sequence[ChatMessage]) -> str:
        seen.append(messages)
        return ""

    here = Desk(index, FakeGenerator(script=script), 4.0)
    await here.ask("Can opened water filters be returned?")
    prompt = "\n".join(message.content for message in seen[0])
    assert "Opened water filters cannot be returned." in prompt
    assert len(prompt) < 1_200
