"""Rules by which texts are compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.evals import words


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("It costs €9.95. [1]", "9.95"),
        ("Up to 1,000 euros", "1000"),
        ("up to 1000 euros", "1,000"),
        ("Within  30\ndays", "30 days"),
        ("You **can’t** return it", "can't return"),
        ("Mon–Fri", "mon-fri"),
        ("退货期限为30天", "30天"),
        ("Refunded within 5 days.", "refund"),
        ("It is 1\u202f000 euros", "1000"),
    ],
)
def test_a_text_says_what_a_person_would_find_in_it(text: str, wanted: str) -> None:
    assert words.says(text, wanted)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("It costs 19.95", "9.95"),
        ("115 days", "15"),
        ("12.50 euros", "12"),
        ("2000", "200"),
        ("It is 5%", "5"),
        ("error E041", "E04"),
    ],
)
def test_a_number_is_not_found_inside_another(text: str, wanted: str) -> None:
    assert not words.says(text, wanted)


@pytest.mark.parametrize(
    ("text", "wanted", "said"),
    [
        ("It is unpaid", "paid", False),
        ("It is not so", "no", False),
        ("There are fees", "fee", True),
        ("A prepaid-card", "card", True),
        ("期限为30天内", "30天", True),
        ("约30天", "30", True),
        ("anything", " ", False),
    ],
)
def test_a_word_is_found_from_its_beginning_and_a_short_one_whole(text: str, wanted: str, said: bool) -> None:
    assert words.says(text, wanted) is said


def test_what_is_lacking_is_told_with_its_alternatives() -> None:
    wanted = [["30 days", "thirty days"], ["receipt", "invoice"]]
    assert words.lacking("Thirty days from delivery.", wanted) == ["receipt | invoice"]


def test_words_are_counted_without_case_and_marks_and_chinese_by_character() -> None:
    assert words.words("Don't pay €1,250.50, please!") == ["dont", "pay", "1250.50", "please"]
    assert words.words("退货 OK") == ["退", "货", "ok"]


def test_edits_are_the_fewest_words_to_change() -> None:
    assert words.edits(["the", "kitten", "sat"], ["a", "kitten", "sat", "down"]) == 2
    assert words.edits([], ["a", "b"]) == 2


@given(st.lists(st.sampled_from("abc"), max_size=8), st.lists(st.sampled_from("abc"), max_size=8))
def test_edits_go_both_ways_and_have_bounds(one: list[str], other: list[str]) -> None:
    distance = words.edits(one, other)
    assert distance == words.edits(other, one)
    assert abs(len(one) - len(other)) <= distance <= max(len(one), len(other))
    assert (distance == 0) == (one == other)
