"""Names are found in the titles alone, and topics are not taken for them."""

from __future__ import annotations

from retrieval.names import names

CARDS = [
    "Silver Card: Fees and limits",
    "Gold Card: Fees and limits",
    "Platinum Card: Fees and limits",
    "Gold Card: Travel insurance",
    "Gold Plus Card: Travel insurance",
    "Gold Plus Card: Fees and limits",
    "Delivery and returns",
]


def test_words_that_stand_in_each_others_place_are_names() -> None:
    assert {"silver", "gold", "platinum"} <= names(CARDS)


def test_a_word_that_titles_have_with_and_without_is_a_name() -> None:
    assert "plus" in names(CARDS)
    assert "plus" not in names(CARDS[:5])


def test_what_a_page_says_of_the_thing_is_no_name() -> None:
    assert names(CARDS) == {"silver", "gold", "platinum", "plus"}


def test_pages_that_are_not_alike_have_no_names() -> None:
    assert names(["Delivery", "Returns", "How to pay", "Warranty of the kettle", "退货"]) == frozenset()
    assert names([]) == frozenset()
