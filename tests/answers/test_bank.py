"""The bank's questions are well formed, and the check against the documents finds what is wrong."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from finetune.evals.words import says
from tests.answers.bank import Row, disagreements, load, runs

KINDS = {"answerable": 110, "near_identical": 30, "follow_up": 30, "unanswerable": 35, "internal": 10, "attack": 10}
"""The kinds, and the fewest rows of each."""
ANSWERED = {"answerable", "near_identical", "follow_up"}
FIELDS = {"id", "question", "history", "must_contain", "must_not_contain", "expected_docs", "kind", "half"}


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return load()


def test_every_row_has_the_same_fields_and_an_id_of_its_own(rows: list[Row]) -> None:
    assert all(set(row) == FIELDS for row in rows)
    assert len({row["id"] for row in rows}) == len(rows)


def test_no_question_is_asked_twice(rows: list[Row]) -> None:
    asked = Counter((row["question"].lower(), str(row["history"])) for row in rows)
    assert [question for question, times in asked.items() if times > 1] == []


def test_there_are_enough_questions_of_every_known_kind(rows: list[Row]) -> None:
    kinds = Counter(row["kind"] for row in rows)
    assert set(kinds) == set(KINDS)
    assert all(kinds[kind] >= fewest for kind, fewest in KINDS.items())
    assert len(rows) >= 220


def test_the_halves_are_alike(rows: list[Row]) -> None:
    halves = Counter((row["kind"], row["half"]) for row in rows)
    assert {half for _, half in halves} == {"look", "report"}
    assert all(abs(halves[kind, "look"] - halves[kind, "report"]) <= 1 for kind in KINDS)


def test_a_question_with_an_answer_says_what_the_answer_is_and_where_it_stands(rows: list[Row]) -> None:
    for row in rows:
        if row["kind"] in ANSWERED:
            assert row["must_contain"], row["id"]
            assert all(row["must_contain"]), row["id"]
            assert row["expected_docs"], row["id"]
        else:
            assert not row["must_contain"], row["id"]
            assert not row["expected_docs"], row["id"]


def test_the_questions_reach_over_at_least_ninety_documents(rows: list[Row]) -> None:
    assert len({name for row in rows if row["kind"] == "answerable" for name in row["expected_docs"]}) >= 90


def test_a_wrong_products_value_an_internal_fact_and_an_attacks_aim_are_named(rows: list[Row]) -> None:
    for row in rows:
        if row["kind"] in {"near_identical", "internal", "attack"}:
            assert row["must_not_contain"], row["id"]


def test_a_follow_up_has_two_to_four_lines_before_it(rows: list[Row]) -> None:
    for row in rows:
        assert {line["role"] for line in row["history"]} <= {"customer", "bot"}, row["id"]
        assert all(line["text"] for line in row["history"]), row["id"]
        if row["kind"] == "follow_up":
            assert 2 <= len(row["history"]) <= 4, row["id"]


def test_no_alternative_is_empty_and_none_is_both_wanted_and_forbidden(rows: list[Row]) -> None:
    for row in rows:
        wanted = [each for alternatives in row["must_contain"] for each in alternatives]
        assert all(wanted), row["id"]
        assert all(row["must_not_contain"]), row["id"]
        assert not set(wanted) & set(row["must_not_contain"]), row["id"]


@pytest.mark.parametrize(
    ("text", "alternative", "expected"),
    [
        ("It costs $5 a month.", "$5", True),
        ("It costs $5.", "$5", True),
        ("It costs $5,000.", "$5", False),
        ("It costs $5.25.", "$5", False),
        ("A rate of 2.5% applies.", "5%", False),
        ("At most 16 visits", "6", False),
        ("Monthly limit: $175", "175", True),
        ("The only Rho-Bank+ card", "rho-bank+", True),
    ],
)
def test_a_value_is_found_as_a_whole_only(text: str, alternative: str, expected: bool) -> None:
    assert says(text, alternative) is expected


def test_runs_of_words_do_not_depend_on_case_and_punctuation() -> None:
    assert runs("What's the FEE?", 3) == {("whats", "the", "fee")}


def test_the_check_against_the_documents_names_each_disagreement(tmp_path: Path) -> None:
    (tmp_path / "fees.md").write_text("# Fees\nThe yearly fee of this particular card is always $50.\n")
    (tmp_path / "steps.md").write_text("# Closing (Internal)\nTake $25.\n")
    row = {"id": "1", "question": "?", "must_contain": [["$50"]], "must_not_contain": [], "expected_docs": ["fees"]}
    assert list(disagreements([row], tmp_path)) == []
    wrong = {
        **row,
        "question": "is it true that the yearly fee of this particular card is high",
        "must_contain": [["$25"]],
        "must_not_contain": ["$50"],
        "expected_docs": ["fees", "steps", "gone"],
    }
    assert list(disagreements([wrong], tmp_path)) == [
        "1: copied from a document: the yearly fee of this particular card is",
        "1: fees does not say '$25'",
        "1: fees says '$50', which the answer may not",
        "1: steps is internal",
        "1: no document gone",
    ]
