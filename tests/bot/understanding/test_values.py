"""Typed values, in English and Chinese."""

from __future__ import annotations

from datetime import datetime

import pytest

from bot.understanding.values.choice import choices
from bot.understanding.values.code import codes
from bot.understanding.values.contact import emails, phones
from bot.understanding.values.date import moments
from bot.understanding.values.duration import durations
from bot.understanding.values.listing import items
from bot.understanding.values.money import amounts
from bot.understanding.values.number import numbers
from bot.understanding.values.yes_no import yes_or_no

NOW = datetime(2026, 11, 23, 12)
"""A Monday."""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,250.50", 1250.5),
        ("two and a half", 2.5),
        ("one hundred and twenty-five", 125.0),
        ("3k", 3000.0),
        ("minus 5", -5.0),
        ("三百二十", 320.0),
        ("两万", 20000.0),
        ("两千五", 2500.0),
        ("一点五", 1.5),
    ],
)
def test_numbers_are_read_in_digits_and_words(text: str, value: float) -> None:
    assert [each.value for each in numbers(text)] == [value]


@pytest.mark.parametrize("text", ["that one", "order A-1023", "等一下", "2026-01-05"])
def test_what_only_looks_like_a_number_is_none(text: str) -> None:
    assert numbers(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$50", "50 USD"),
        ("EUR 1,200.50", "1200.5 EUR"),
        ("fifty dollars", "50 USD"),
        ("5 euros and 20 cents", "5.2 EUR"),
        ("一百块", "100 CNY"),
        ("三块五", "3.5 CNY"),
    ],
)
def test_amounts_have_their_currency(text: str, value: str) -> None:
    assert [str(each.value) for each in amounts(text)] == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("tomorrow at 3pm", "2026-11-24T15:00"),
        ("in two weeks", "2026-12-07"),
        ("on Friday", "2026-11-27"),
        ("next Friday", "2026-12-04"),
        ("the 31st", "2026-12-31"),
        ("23 August", "2027-08-23"),
        ("friday evening at 8", "2026-11-27T20:00"),
        ("in two hours", "2026-11-23T14:00"),
        ("last day of the month", "2026-11-30"),
        ("quarter to five", "16:45"),
        ("明天下午三点", "2026-11-24T15:00"),
        ("下周五", "2026-12-04"),
        ("两周后", "2026-12-07"),
        ("十二月五号上午十点半", "2026-12-05T10:30"),
        ("半小时后", "2026-11-23T12:30"),
    ],
)
def test_dates_and_times_are_told_from_now(text: str, value: str) -> None:
    assert [str(each.value) for each in moments(text, NOW)] == [value]


@pytest.mark.parametrize("text", ["the second one", "may I ask", "现在几点了", "30 February 2027"])
def test_what_names_no_day_is_none(text: str) -> None:
    assert moments(text, NOW) == []


@pytest.mark.parametrize(
    ("text", "value"), [("three days", "P3D"), ("an hour and a half", "PT90M"), ("半小时", "PT30M"), ("两个月", "P2M")]
)
def test_lengths_of_time_are_iso_8601(text: str, value: str) -> None:
    assert [str(each.value) for each in durations(text)] == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes please, go ahead", True),
        ("no problem", True),
        ("没错", True),
        ("no, not that one", False),
        ("I don't think so", False),
        ("不是的", False),
        ("maybe", None),
        ("what is that?", None),
        ("notebook", None),
    ],
)
def test_yes_and_no_are_told_from_neither(text: str, value: bool | None) -> None:
    assert yes_or_no(text) is value


def test_addresses_and_telephone_numbers_are_found() -> None:
    assert [each.value for each in emails("write to Ann.Lee@Example.com.")] == ["ann.lee@example.com"]
    assert [each.value for each in phones("call +49 30 123456 please")] == ["+4930123456"]
    assert [each.value for each in phones("我的电话是13812345678", "zh")] == ["+8613812345678"]


def test_a_bare_number_is_a_code_only_when_one_was_asked_for() -> None:
    assert [each.value for each in codes("my order acme-10234 is late")] == ["ACME-10234"]
    assert codes("12345") == []
    assert [each.value for each in codes("12345", asked=True)] == ["12345"]
    assert [each.value for each in codes("it is K77x9", [r"k\d{2}x\d"])] == ["K77x9"]


def test_a_choice_is_told_by_name_place_synonym_or_near_spelling() -> None:
    colours = ["red", "blue", "green"]
    assert [each.value for each in choices("Blue or red", colours)] == ["blue", "red"]
    assert [each.value for each in choices("the bleu one", colours, asked=True)] == ["blue"]
    assert [each.value for each in choices("second one please", colours, asked=True)] == ["blue"]
    assert [each.value for each in choices("the fast one", ["express"], {"fast": "express"})] == ["express"]
    assert choices("purple", colours, asked=True) == []


def test_a_list_is_cut_into_its_things() -> None:
    assert items("I want apples, pears and a melon") == ["apples", "pears", "melon"]
    assert items("红色和蓝色") == ["红色", "蓝色"]
