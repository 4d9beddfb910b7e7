"""A follow-up takes what it lacks from what was said before; a question that stands alone stays as it is."""

from __future__ import annotations

import pytest

from bot.answering import follow, glossary

HISTORY = [("customer", "What does delivery to Belgium cost?"), ("bot", "€4.95"), ("agent", "Anything else?")]


@pytest.mark.parametrize("question", ["And to Germany?", "why?", "How long does it take?", "那德国呢？"])
def test_a_follow_up_is_searched_with_the_question_before(question: str) -> None:
    query = follow.query(question, HISTORY)
    assert query.text == f"What does delivery to Belgium cost? {question}"
    assert query.parts[0] == (question, 1.0)
    assert query.context == "What does delivery to Belgium cost? €4.95 Anything else?"
    assert query.followed


@pytest.mark.parametrize(
    "question",
    [
        "How do I reset the forgotten password of my old business account?",
        "未拆封的咖啡机和电热水壶在三十天之内可以免费退货到哈勒姆门店的柜台吗？",
    ],
)
def test_a_question_that_stands_alone_is_searched_alone(question: str) -> None:
    query = follow.query(question, HISTORY)
    assert (query.text, query.followed) == (question, False)


def test_a_short_question_on_something_new_only_leans_on_what_was_said() -> None:
    query = follow.query("Which gift cards expire?", HISTORY)
    assert query.text == "Which gift cards expire?"
    assert query.parts[0] == ("Which gift cards expire?", 1.0)
    assert query.parts[1][0].endswith("Anything else? Which gift cards expire?")
    assert query.parts[1][1] < 1


def test_the_product_that_the_bot_named_is_searched_for() -> None:
    history = [("customer", "any card for drivers?"), ("bot", "Yes, the Silver Zoom Card.")]
    query = follow.query("what do they save with it at the pump on weekends", history)
    assert "Silver Zoom Card" in query.context


def test_only_the_last_lines_count_and_of_long_ones_the_beginning() -> None:
    history = [("customer", f"line {number} " + "x" * 1000) for number in range(9)]
    context = follow.query("and that?", history).context
    assert "line 4" not in context
    assert "line 5" in context
    assert len(context) < follow.LINES * (follow.CHARACTERS + 1)


def test_terms_are_translated_the_longest_first_and_latin_words_stay() -> None:
    assert glossary.translate("我的电热水壶显示 E02，运费多少？").split(" ")[:2] == ["electric", "kettle"]
    assert "E02" in glossary.translate("显示 E02 怎么办")
    assert glossary.translate("你好呀") == ""


def test_what_a_picture_shows_is_searched_but_is_not_the_question() -> None:
    query = follow.query("How long does a full charge take?", HISTORY, "Model TW-V700 Battery 25.2 V")
    assert query.text == "How long does a full charge take? Model TW-V700 Battery 25.2 V"
    assert (query.own, query.aside, query.followed) == ("How long does a full charge take?", True, False)
    assert query.parts[0][1] > query.parts[1][1]


def test_a_question_that_says_little_leans_on_its_picture() -> None:
    query = follow.query("Why?", [], "E02 The plug cannot join this network")
    assert query.parts[0][1] < query.parts[1][1]
    assert follow.query("", [], "Error E04").own == ""


def test_a_question_of_which_little_can_be_translated_is_not_translated() -> None:
    assert glossary.translate("快递员小王一个月的薪水") == ""
    assert glossary.translate("请问退货怎么办呢") == "return"


def test_a_turn_that_says_so_goes_on_and_one_that_does_not_may_be_new() -> None:
    assert follow.query("And to Germany?", HISTORY).points
    assert not follow.query("Which gift cards expire?", HISTORY).points


def test_alone_it_is_searched_without_what_was_said_before() -> None:
    alone = follow.query("And to Germany?", HISTORY).alone
    assert (alone.text, alone.parts, alone.followed) == ("And to Germany?", (("And to Germany?", 1.0),), False)


def test_what_the_customer_was_told_is_not_what_the_customer_said() -> None:
    assert follow.query("And to Germany?", HISTORY).told == "€4.95 Anything else?"
