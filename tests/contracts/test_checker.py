"""What every checker keeps to. How well it judges is measured beside the engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.engines.base import Checker
from tests.contracts import engines

EVIDENCE = ["You may return an item within 30 days of delivery. The return shipping costs 4.90 EUR."]
QUESTION = "How long can I return an item?"


@pytest.fixture(scope="module", params=engines.names("checker"))
def checker(request: pytest.FixtureRequest) -> Iterator[Checker]:
    encoder = "fake" if request.param == "fake" else "minilm"
    with (
        engines.started("encoder", encoder) as embeds,
        engines.started("checker", request.param, encoder=embeds) as engine,
    ):
        yield engine


async def test_what_the_evidence_says_is_supported(checker: Checker) -> None:
    (verdict,) = await checker.check(QUESTION, ["You may return an item within 30 days of delivery."], EVIDENCE)
    assert verdict.supported
    assert verdict.reason == ""


@pytest.mark.parametrize(
    "sentence", ["You may return an item within 60 days of delivery.", "The Moon is made of green cheese."]
)
async def test_what_it_does_not_say_is_blocked_with_a_reason(checker: Checker, sentence: str) -> None:
    (verdict,) = await checker.check(QUESTION, [sentence], EVIDENCE)
    assert not verdict.supported
    assert verdict.reason


async def test_there_is_one_verdict_a_sentence_and_support_is_a_share(checker: Checker) -> None:
    verdicts = await checker.check(QUESTION, ["Returns cost 4.90 EUR.", "", "No."], EVIDENCE)
    assert len(verdicts) == 3
    assert all(0 <= verdict.support <= 1 for verdict in verdicts)
    assert not verdicts[1].supported


async def test_without_sentences_or_evidence_nothing_is_supported(checker: Checker) -> None:
    assert await checker.check(QUESTION, [], EVIDENCE) == []
    (verdict,) = await checker.check(QUESTION, ["You may return an item within 30 days."], [])
    assert not verdict.supported
