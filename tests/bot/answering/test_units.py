"""What answers is whole: sentences, items with their introduction, rows with their header; offsets are exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.answering import units
from bot.answering.units import Unit
from retrieval.load import load_file
from retrieval.split import split
from retrieval.types import Document

PAGE = """# Kettle manual

The kettle holds 1.7 litres. It switches itself off. Otherwise pull the plug.

## Cleaning

Clean it like this:

- Pour in water and vinegar.
- Boil it once. Wait an hour.
- Rinse.

## Faults

| Code | What it means | What to do? |
|---|---|---|
| E01 | Too little water. | Fill it. |
| E02 | It is tilted | |
"""


@pytest.fixture
def document(tmp_path: Path) -> Document:
    (tmp_path / "kettle.md").write_text(PAGE, encoding="utf-8")
    return load_file(tmp_path / "kettle.md", tmp_path, collection="help", audience=None, internal_title=None)


@pytest.fixture
def found(document: Document) -> list[Unit]:
    return [unit for passage in split(document) for unit in units.units(document, passage)]


def at(document: Document, text: str) -> tuple[int, int]:
    start = document.text.index(text)
    return start, start + len(text)


def test_everything_but_headings_can_answer_once(document: Document, found: list[Unit]) -> None:
    assert [unit.kind for unit in found] == ["paragraph"] * 4 + ["item"] * 3 + ["row"] * 2
    assert all(document.text[unit.start : unit.end] == unit.quote for unit in found)
    assert len({(unit.start, unit.end) for unit in found}) == len(found)


def test_a_span_inside_a_sentence_becomes_the_sentence(document: Document, found: list[Unit]) -> None:
    unit = units.overlapping(found, *at(document, "1.7 litres"))
    assert unit is not None
    assert unit.quote == "The kettle holds 1.7 litres."


def test_a_span_over_two_sentences_becomes_both(document: Document, found: list[Unit]) -> None:
    unit = units.overlapping(found, *at(document, "1.7 litres. It switches"))
    assert unit is not None
    assert unit.quote == "The kettle holds 1.7 litres. It switches itself off."


def test_a_span_in_a_heading_or_of_nothing_is_no_answer(document: Document, found: list[Unit]) -> None:
    assert units.overlapping(found, *at(document, "Faults")) is None
    assert units.overlapping(found, 3, 3) is None


def test_a_sentence_that_points_back_takes_the_one_before(document: Document, found: list[Unit]) -> None:
    unit = units.understandable(found[2], found)
    assert unit.quote == "It switches itself off. Otherwise pull the plug."
    assert units.understandable(found[0], found) == found[0]


def test_an_introduction_takes_its_list(document: Document, found: list[Unit]) -> None:
    unit = units.understandable(found[3], found)
    assert unit.quote.startswith("Clean it like this:")
    assert unit.quote.endswith("Rinse.")
    assert unit.kind == "list"


def test_an_item_names_its_introduction_and_cites_both(document: Document, found: list[Unit]) -> None:
    item = found[5]
    assert item.evidence == "Clean it like this: Boil it once. Wait an hour."
    assert [citation.quote for citation in item.citations()] == ["Clean it like this:", "Boil it once. Wait an hour."]


def test_a_question_about_how_can_have_the_whole_list(document: Document, found: list[Unit]) -> None:
    unit = units.whole_list(found[5])
    assert unit.quote.startswith("Clean it like this:")
    assert unit.quote.endswith("Rinse.")
    assert units.whole_list(found[0]) == found[0]


def test_a_long_list_stays_an_item(document: Document, found: list[Unit], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "LIST_ITEMS", 2)
    assert units.whole_list(found[5]) == found[5]


def test_a_row_is_told_with_its_headers_and_quoted_as_it_stands(document: Document, found: list[Unit]) -> None:
    assert found[7].text == "Code: E01; What it means: Too little water; What to do? Fill it."
    assert found[7].citations()[0].quote == "E01 | Too little water. | Fill it."
    assert found[8].text == "Code: E02; What it means: It is tilted."


def test_the_path_of_a_unit_are_the_headings_above_it(document: Document, found: list[Unit]) -> None:
    assert found[0].path == ("Kettle manual",)
    assert found[7].path == ("Kettle manual", "Faults")
    assert found[7].heading == "# Kettle manual > Faults"


def test_a_question_on_a_page_is_no_answer_but_says_what_the_next_sentence_answers(tmp_path: Path) -> None:
    text = "# Cards\n\nDo you charge abroad? No, never.\n\nHow do I close it?\n\nCall us.\n\nWe are kind.\n"
    (tmp_path / "cards.md").write_text(text, encoding="utf-8")
    document = load_file(tmp_path / "cards.md", tmp_path, collection="help", audience=None, internal_title=None)
    found = [unit for passage in split(document) for unit in units.units(document, passage)]
    assert [unit.text for unit in found] == ["No, never.", "Call us.", "We are kind."]
    assert [unit.asked for unit in found] == ["Do you charge abroad?", "How do I close it?", ""]
    assert found[1].placed == "Cards: How do I close it? Call us."
