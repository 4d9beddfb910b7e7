"""What is asked back, and what is known without asking."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bot.answering import follow
from bot.answering.evidence import Candidate
from bot.answering.find import Found
from bot.answering.units import units
from bot.answering.unsure import choices
from retrieval.load import load_file
from retrieval.split import split
from retrieval.types import Hit

MANUAL = "# {title}\n\nGood to have.\n\n## Error codes of the {thing}\n\n{text}\n\n## Care\n\n{care}\n"


def candidate(title: str, thing: str, text: str, confidence: float, at: int = 1) -> Candidate:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{thing}.md"
        path.write_text(MANUAL.format(title=title, thing=thing, text=text, care=f"Wipe the {thing}."), encoding="utf-8")
        page = load_file(path, Path(folder), collection="help", audience=None, internal_title=None)
    passage = replace(split(page)[0], start=0, end=len(page.text))
    return Candidate(units(page, passage)[at], Hit(passage, 1.0), confidence=confidence)


KETTLE = candidate("Manual: Kettle K200", "kettle", "E02 is the sensor.", 0.3)
LAMP = candidate("Manual: Lamp L120", "lamp", "E02 is heat.", 0.2)
IRON = candidate("Manual: Iron I250", "iron", "E02 is an empty tank.", 0.1)


def asked(question: str, *found: Candidate, language: str = "en", names: frozenset[str] = frozenset()) -> list[str]:
    query = follow.query(question)
    return list(choices(Found(found, language, query), query, names))


def test_like_pages_that_differ_are_asked_about_by_their_names() -> None:
    assert asked("What does E02 mean?", KETTLE, LAMP, IRON) == ["Kettle K200", "Lamp L120", "Iron I250"]


@pytest.mark.parametrize("question", ["What does E02 mean on the kettle?", "K200 shows E02", "the lamp has E02"])
def test_what_was_named_is_not_asked(question: str) -> None:
    assert asked(question, KETTLE, LAMP) == []


def test_a_likely_answer_is_not_asked_about() -> None:
    assert asked("What does E02 mean?", replace(KETTLE, confidence=0.9), LAMP, IRON) == []


def test_pages_that_say_the_same_or_speak_of_something_else_are_no_choice() -> None:
    same = candidate("Manual: Lamp L120", "lamp", "E02 is the sensor.", 0.3)
    other = candidate("Delivery", "parcel", "E02 is a depot.", 0.3)
    care = candidate("Manual: Lamp L120", "lamp", "E02 is heat.", 0.3, at=2)
    assert asked("What does E02 mean?", KETTLE, same) == []
    assert asked("What does E02 mean?", KETTLE, other) == []
    assert asked("What does E02 mean?", KETTLE, care) == []


def test_names_in_titles_that_are_alike_are_offered_without_what_they_share() -> None:
    silver = candidate("Silver Card: Fees", "card", "It costs 10 euros.", 0.5)
    gold = candidate("Gold Card: Fees", "card", "It costs 90 euros.", 0.5)
    names = frozenset({"silver", "gold"})
    assert asked("what is the yearly fee", silver, gold, names=names) == ["Silver Card", "Gold Card"]
    assert asked("what is the yearly fee of the gold one", silver, gold, names=names) == []
