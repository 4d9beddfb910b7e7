"""What every reader keeps to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from bot.engines import tables
from bot.engines.base import Reader, Span
from bot.errors import EngineUnready
from tests.contracts import engines

RETURNS = "Delivery takes two working days. You may return an item within 30 days of delivery. Our shop is in Utrecht."
LAMP = "The lamp has a warm white light. Its battery lasts for nine hours."
ANSWER = "You may return an item within 30 days of delivery."
QUESTION = "Within how many days of delivery may I return an item?"


def is_answered(passage: str, span: Span) -> bool:
    """The span holds the figure that was asked for, with or without its unit, and nothing of another sentence."""
    sentence = passage.index(ANSWER)
    return (
        span.start <= passage.index("30") < span.end and sentence <= span.start and span.end <= sentence + len(ANSWER)
    )


@pytest.fixture(scope="module", params=engines.names("reader"))
def reader(request: pytest.FixtureRequest) -> Iterator[Reader]:
    with engines.started("reader", request.param) as engine:
        yield engine


async def test_it_finds_the_answer_where_it_stands(reader: Reader) -> None:
    spans = await reader.read(QUESTION, [LAMP, RETURNS])
    assert len(spans) == 2
    assert spans[1].score > spans[0].score
    assert is_answered(RETURNS, spans[1])


async def test_scores_are_probabilities_and_offsets_lie_in_the_passage(reader: Reader) -> None:
    passages = [RETURNS, LAMP, "", "一 二 三", "😀 emoji and ümlauts, naïve café"]
    for passage, span in zip(passages, await reader.read(QUESTION, passages), strict=True):
        assert 0 <= span.start <= span.end <= len(passage)
        assert 0 <= span.score <= 1


async def test_an_empty_passage_has_no_answer(reader: Reader) -> None:
    (span,) = await reader.read(QUESTION, [""])
    assert span.start == span.end
    assert span.score < 0.5


async def test_no_passages_give_no_spans(reader: Reader) -> None:
    assert await reader.read(QUESTION, []) == []


async def test_the_answer_in_a_long_passage_is_found_wherever_it_lies(reader: Reader) -> None:
    filler = "The company was founded by two sisters who liked old furniture and long walks by the sea. " * 40
    passage = filler + ANSWER + " " + filler
    (span,) = await reader.read(QUESTION, [passage])
    assert is_answered(passage, span)


async def test_a_very_long_question_is_read(reader: Reader) -> None:
    (span,) = await reader.read("please " * 3000 + QUESTION, [RETURNS])
    assert 0 <= span.score <= 1


async def test_callers_at_the_same_time_get_what_they_would_get_alone(reader: Reader) -> None:
    alone = [await reader.read(QUESTION, [RETURNS]), await reader.read("What lasts nine hours?", [LAMP, RETURNS])]
    both = await asyncio.gather(
        reader.read(QUESTION, [RETURNS]), reader.read("What lasts nine hours?", [LAMP, RETURNS])
    )
    for before, after in zip(alone, both, strict=True):
        assert [(span.start, span.end) for span in before] == [(span.start, span.end) for span in after]
        assert [span.score for span in before] == pytest.approx([span.score for span in after], abs=1e-3)


@pytest.mark.parametrize("name", tables.READERS)
async def test_one_that_was_not_started_says_so(name: str) -> None:
    engine = engines.unstarted("reader", name)
    assert not engine.ready()
    with pytest.raises(EngineUnready):
        await engine.read(QUESTION, [RETURNS])
