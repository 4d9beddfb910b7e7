"""The evidence checker passes what a document says and blocks what it does not, negations and limits included."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bot import sentences
from bot.botfile import find_data
from bot.engines.check import EvidenceChecker
from bot.settings import Settings
from tests.bot.engines.corrupt import corruptions

HELP = """# Returns > What you cannot return
Opened water filters cannot be returned, for reasons of hygiene. An unopened filter can be returned within the normal
period. You can return items within 30 days if the seal is unbroken. Gift cards cannot be returned, but spare parts can.
Letterbox post takes 2 to 3 working days and costs €2.95. We pay the return costs of faulty items. You must register
within 14 days. Most orders arrive before 12:00. Write to help@tidewell.example or see tidewell.example/returns. Filters
from the shop, once opened, cannot be returned. Our workshop is in Haarlem."""
CHINESE = """# 退货
未拆封的商品可以在30天内退货。礼品卡不能退货。所有订单满50欧元免运费。只有在保修期内才可以免费维修。您必须在14天内登记。"""


class WordEncoder:
    """Vectors of words: enough for a checker whose rules are about words."""

    name = "words"
    dimensions = 256

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    def ready(self) -> bool:
        return True

    async def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.full((len(texts), self.dimensions), 1e-3, dtype=np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w{4,}", text.lower()):
                vectors[row, sum(map(ord, word)) % self.dimensions] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def checker() -> EvidenceChecker:
    return EvidenceChecker(Settings(), None, encoder=WordEncoder())


@pytest.mark.parametrize(
    "sentence",
    [
        "Opened water filters cannot be returned.",
        "Opened water filters can't be returned, for reasons of hygiene.",
        "An unopened filter can be returned within the normal period.",
        "You can return items within thirty days if the seal is unbroken.",
        "Letterbox post takes 2 to 3 working days.",
        "Letterbox post costs 2.95 euros.",
        "We pay the return costs of faulty items.",
        "Gift cards cannot be returned.",
        "You can write to help@tidewell.example.",
        "Most orders arrive before 12:00.",
    ],
)
async def test_what_the_evidence_says_passes(checker: EvidenceChecker, sentence: str) -> None:
    question = "Can I return orders or filters, whom do I write to, when does post arrive, what does it cost?"
    [verdict] = await checker.check(question, [sentence], [HELP])
    assert verdict.supported, verdict.reason


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Opened water filters can be returned.", "negation"),
        ("Gift cards can be returned.", "negation"),
        ("Filters from the shop can be returned.", "condition"),
        ("Filters from the shop can be returned once opened.", "negation"),
        ("You can return items within 30 days.", "condition"),
        ("You can return items if the seal is unbroken.", "condition"),
        ("You can return items within 30 days unless the seal is unbroken.", "condition"),
        ("You can return items within 14 days if the seal is unbroken.", "14 day"),
        ("You can return items within 30 weeks if the seal is unbroken.", "speaks of it: week"),
        ("You can return items within 30 days if the seal is broken.", "speaks of it: break"),
        ("All opened water filters cannot be returned.", "quantifier"),
        ("All orders arrive before 12:00.", "quantifier"),
        ("Most orders arrive after 12:00.", "condition"),
        ("Most orders arrive before 14:00.", "14:00"),
        ("Letterbox post takes 2 to 3 days.", "3 day"),
        ("Letterbox post costs $2.95.", "usd"),
        ("You pay the return costs of faulty items.", "someone else"),
        ("You can register within 14 days.", "duty"),
        ("Our workshop is in Utrecht.", "speaks of it"),
        ("Write to sales@tidewell.example.", "sales@tidewell.example"),
        ("See tidewell.example/refunds.", "tidewell.example/refunds"),
        ("The Return Shipping Company pays for returning a broken item.", "speaks of it"),
        ("Do you want to return a filter?", "question"),
        ("Opened water filters cannot be", "cut short"),
        ("Yes.", "says nothing"),
    ],
)
async def test_what_differs_from_the_evidence_is_blocked_with_a_reason(
    checker: EvidenceChecker, sentence: str, reason: str
) -> None:
    [verdict] = await checker.check("Can I return filters?", [sentence], [HELP])
    assert not verdict.supported
    assert reason in verdict.reason


@pytest.mark.parametrize(
    ("sentence", "supported"),
    [
        ("未拆封的商品可以在30天内退货。", True),
        ("未拆封的商品可以在三十天内退货。", True),
        ("礼品卡不能退货。", True),
        ("礼品卡可以退货。", False),
        ("未拆封的商品不可以在30天内退货。", False),
        ("未拆封的商品可以在14天内退货。", False),
        ("部分订单满50欧元免运费。", False),
        ("所有订单满50美元免运费。", False),
        ("在保修期内可以免费维修。", False),
        ("您可以在14天内登记。", False),
    ],
)
async def test_chinese_is_checked_by_the_same_rules(checker: EvidenceChecker, sentence: str, supported: bool) -> None:
    [verdict] = await checker.check("可以退货吗？", [sentence], [CHINESE])
    assert verdict.supported is supported, verdict.reason


async def test_a_true_sentence_that_does_not_speak_to_the_question_is_blocked(checker: EvidenceChecker) -> None:
    [verdict] = await checker.check("How loud is thunder?", ["Our workshop is in Haarlem."], [HELP])
    assert not verdict.supported
    assert "question" in verdict.reason


async def test_numbers_of_the_sentence_next_to_it_are_no_support(checker: EvidenceChecker) -> None:
    evidence = "Express costs €9.95. Standard costs €4.95."
    verdicts = await checker.check(
        "What does express cost?", ["Express costs €4.95.", "Express costs €9.95."], [evidence]
    )
    assert [verdict.supported for verdict in verdicts] == [False, True]


@pytest.mark.parametrize(
    ("sentence", "supported"),
    [
        ("The desk is open from 8 am to 5:30 pm.", True),
        ("The desk is open from 8:00 a.m. to 5:30 p.m.", True),
        ("The desk is open from 8 am to 5:30 am.", False),
        ("The desk is open from 9 am to 5:30 pm.", False),
    ],
)
async def test_a_time_is_the_same_however_it_is_written(
    checker: EvidenceChecker, sentence: str, supported: bool
) -> None:
    evidence = "The desk is open from 8:00 a.m. to 5:30 p.m. [12] on all days."
    [verdict] = await checker.check("When is the desk open?", [sentence], [evidence])
    assert verdict.supported is supported, verdict.reason


async def test_the_number_of_a_reference_is_no_figure(checker: EvidenceChecker) -> None:
    [verdict] = await checker.check("Where is the workshop?", ["Our workshop is in Haarlem [3]."], [HELP])
    assert verdict.supported, verdict.reason


async def test_no_evidence_supports_nothing(checker: EvidenceChecker) -> None:
    [verdict] = await checker.check("Can I return it?", ["You can return it."], [])
    assert not verdict.supported


def test_it_is_ready_when_its_encoder_is(checker: EvidenceChecker) -> None:
    assert checker.ready()


async def test_of_the_demo_pages_every_sentence_passes_and_nearly_every_corruption_is_caught(
    checker: EvidenceChecker, record_property: Callable[[str, object], None]
) -> None:
    """Of 694 English sentences when this was written: none blocked, 98 of 100 corruptions caught."""
    tried: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    blocked: list[str] = []
    for section in _sections(find_data() / "docs" / "help"):
        checks = await checker.check(" ".join(section), section, [" ".join(section)])
        judged = zip(section, checks, strict=True)
        blocked += [f"{text}: {verdict.reason}" for text, verdict in judged if not verdict.supported]
        for text in section:
            false = list(corruptions(text, section))
            verdicts = await checker.check(" ".join(section), [made for _, made in false], [" ".join(section)])
            for (kind, _), verdict in zip(false, verdicts, strict=True):
                tried[kind] += 1
                caught[kind] += not verdict.supported
    record_property("caught", {kind: f"{caught[kind]} of {tried[kind]}" for kind in tried})
    assert len(blocked) <= 5, blocked
    assert caught.total() / tried.total() > 0.97


def _sections(folder: Path) -> list[list[str]]:
    """The whole sentences of each section of the pages, markup taken off."""
    found = []
    for path in sorted(folder.rglob("*.md")):
        text = re.sub(r"\A---\n.*?\n---\n", "", path.read_text(encoding="utf-8"), flags=re.S)
        for section in re.split(r"^#+ .*$", text, flags=re.M):
            plain = re.sub(r"[*_`]|\[([^]]*)\]\([^)]*\)", r"\1", re.sub(r"^\|.*$", "", section, flags=re.M))
            spans = sentences.split(plain)
            texts = [re.sub(r"^(?:[-*]|\d+\.) ", "", plain[start:end]).replace("\n", " ") for start, end in spans]
            found.append(
                [text for text in texts if sentences.complete(text) and text[-1] not in "?？" and len(text) > 12]
            )
    return [section for section in found if section]
