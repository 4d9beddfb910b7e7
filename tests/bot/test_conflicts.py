"""Conflicts between documents are found at ingestion; near-identical products are none; what is overdue loses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from bot import conflicts
from bot.answering import age, units
from bot.answering.evidence import Candidate
from bot.conflicts import Conflict
from bot.engines.fake import FakeEncoder
from channels.cli import main
from retrieval.ingest import ingest
from retrieval.snapshot import Snapshot
from retrieval.types import Hit

PAGES = {
    "returns": "---\nupdated: 2026-01-05\n---\n# Returns\n\nYou can return an item within 30 days of delivery.\n",
    "faq": "---\nreview_by: 2020-01-01\n---\n# On returns\n\nYou can return an item within 14 days of delivery.\n",
    "silver": "# Silver card\n\nThe yearly fee of the card is €12.\n",
    "gold": "# Gold card\n\nThe yearly fee of the card is €90.\n",
    "gifts": "# Gift cards\n\nGift cards can be returned to the shop for money.\n",
    "policy": "# Gift cards, the rules\n\nGift cards cannot be returned to the shop for money.\n",
    "table": "# Prices\n\n| Parcel to | Price |\n|---|---|\n| Norway | €9 |\n| Sweden | €11 |\n",
    "tuihuo": "# 退货\n\n收到商品后30天内可以退货。\n",
    "guize": "# 退货规则\n\n收到商品后14天内可以退货。\n",
}


class Blocking:
    """The fake encoder as ingestion wants it."""

    def __init__(self) -> None:
        self._encoder = FakeEncoder()
        self.name, self.dimensions = self._encoder.name, self._encoder.dimensions

    def encode(self, texts: Sequence[str]) -> object:
        return np.stack([self._encoder.vector(text) for text in texts])


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, text in PAGES.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def snapshot(docs: Path, tmp_path: Path) -> Snapshot:
    index = tmp_path / "home" / "index"
    return ingest([docs], index, Blocking(), cut=units.compared).snapshot  # type: ignore[arg-type]


def pairs(found: list[Conflict]) -> dict[frozenset[str], Conflict]:
    return {frozenset({each.one.document, each.other.document}): each for each in found}


def test_two_pages_that_say_other_figures_conflict_with_both_places(snapshot: Snapshot) -> None:
    found = pairs(conflicts.find(snapshot))
    returns = found[frozenset({"returns", "faq"})]
    assert returns.kind == "figures"
    assert set(returns.what) == {"30 day", "14 day"}
    for side in (returns.one, returns.other):
        assert snapshot.documents["default", side.document].text[side.start : side.end] == side.quote
    late = {side.document: side.past_review for side in (returns.one, returns.other)}
    assert late == {"returns": False, "faq": True}
    assert any("past its review" in line for line in conflicts.words(returns))


def test_one_page_that_says_not_conflicts_with_one_that_does_not(snapshot: Snapshot) -> None:
    assert pairs(conflicts.find(snapshot))[frozenset({"gifts", "policy"})].kind == "negation"


def test_chinese_pages_are_compared_by_their_words(snapshot: Snapshot) -> None:
    assert pairs(conflicts.find(snapshot))[frozenset({"tuihuo", "guize"})].kind == "figures"


def test_near_identical_products_and_rows_of_one_table_do_not_conflict(snapshot: Snapshot) -> None:
    found = pairs(conflicts.find(snapshot))
    assert set(found) == {frozenset(pair) for pair in (("returns", "faq"), ("gifts", "policy"), ("tuihuo", "guize"))}


def test_only_what_is_new_is_compared_when_it_is_asked_so(snapshot: Snapshot) -> None:
    assert set(pairs(conflicts.find(snapshot, {("default", "gifts")}))) == {frozenset({"gifts", "policy"})}
    assert conflicts.find(snapshot, {("default", "table")}) == []


def test_the_command_lists_conflicts_and_overdue_reviews(
    snapshot: Snapshot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path / "home"), "--json"]
    assert main(["documents", "conflicts", *home]) == 0
    found = json.loads(capsys.readouterr().out)["conflicts"]
    assert len(found) == 3
    assert {"collection", "document", "start", "end", "quote"} <= set(found[0]["one"])
    assert main(["documents", "reviews", *home]) == 0
    reviews = json.loads(capsys.readouterr().out)["reviews"]
    assert [(each["document"], each["review_by"]) for each in reviews] == [("faq", "2020-01-01")]


def test_what_is_overdue_is_marked_where_it_is_cited_and_loses_to_what_answers_as_well(snapshot: Snapshot) -> None:
    def candidate(name: str, confidence: float) -> Candidate:
        passage = next(each for each in snapshot.passages if each.document == name)
        unit = units.units(snapshot.documents["default", name], passage)[0]
        return Candidate(unit, Hit(passage, 1.0), confidence=confidence)

    late, fresh = candidate("faq", 0.8), candidate("returns", 0.75)
    today = date(2026, 1, 1)
    assert age.settled([late, fresh], today) == [fresh, late]
    assert age.settled([candidate("faq", 0.9), fresh], today)[0].unit.document.name == "faq"
    assert age.settled([late, fresh], date(2019, 1, 1)) == [late, fresh]
    assert late.unit.citations()[0].model_dump()["past_review"] is True
    assert "past_review" not in fresh.unit.citations()[0].model_dump()
