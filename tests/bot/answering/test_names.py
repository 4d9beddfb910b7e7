"""A question's names must be what the page is about."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from bot.answering.evidence import Candidate
from bot.answering.names import named, strange
from bot.answering.units import units
from retrieval.load import load_file
from retrieval.split import split
from retrieval.types import Hit

NAMES = frozenset({"silver", "gold", "plus", "business"})


def candidate(title: str, text: str, confidence: float) -> Candidate:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "page.md"
        path.write_text(f"# {title}\n\n{text}\n", encoding="utf-8")
        page = load_file(path, Path(folder), collection="help", audience=None, internal_title=None)
    passage = split(page)[0]
    return Candidate(units(page, passage)[0], Hit(passage, 1.0), confidence=confidence)


def titles(found: list[Candidate]) -> list[str]:
    return [each.unit.document.title for each in found]


SILVER = candidate("Silver Saver: Fees", "A wire costs 20 dollars.", 0.6)
PLUS = candidate("Silver Plus Saver: Fees", "A wire costs 10 dollars.", 0.65)
GOLD = candidate("Gold Saver: Fees", "A wire costs nothing.", 0.7)


def test_the_page_of_what_was_named_comes_first() -> None:
    found = named([GOLD, PLUS, SILVER], "what does a wire cost with silver saver", NAMES)
    assert titles(found)[0] == "Silver Saver: Fees"
    assert found[0].confidence == 0.6
    assert titles(named([GOLD, PLUS, SILVER], "a wire on silver plus?", NAMES))[0] == "Silver Plus Saver: Fees"


def test_an_answer_about_another_thing_is_less_sure() -> None:
    (found,) = named([GOLD], "what does a wire cost with silver saver", NAMES)
    assert found.confidence < 0.5 * GOLD.confidence


def test_a_question_without_a_name_is_judged_as_before() -> None:
    assert named([GOLD, PLUS, SILVER], "what does a wire cost?", NAMES) == [GOLD, PLUS, SILVER]


def test_a_table_of_all_things_names_each_in_its_rows() -> None:
    table = candidate("All fees", "The wire of a Silver Saver costs 20 dollars.", 0.6)
    small = candidate("All fees", "It comes on the next business day.", 0.6)
    assert named([table], "silver saver wire", NAMES)[0].confidence == 0.6
    assert named([small], "wire for my business account", NAMES)[0].confidence == 0.3


def test_a_page_about_a_thing_that_nobody_named_is_strange() -> None:
    assert strange(GOLD, "I have a silver saver. what does a wire cost?", NAMES)
    assert strange(GOLD, "what does a wire cost?", NAMES)
    assert not strange(GOLD, "and a wire from the gold one?", NAMES)
    assert not strange(candidate("All fees", "A wire costs 20 dollars.", 0.6), "a wire?", NAMES)
