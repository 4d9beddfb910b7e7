"""Working hours: who answers now, and when somebody does."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.botfile import WorkingHours
from bot.handoff import is_open, next_opening, template, when

SHOP = WorkingHours.model_validate(
    {
        "timezone": "Europe/Amsterdam",
        "monday": ["09:00-12:00", "13:00-18:00"],
        "friday": ["09:00-24:00"],
        "holidays": ["2026-12-25"],
    }
)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=AMSTERDAM)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-06-01T08:59", False),
        ("2026-06-01T09:00", True),
        ("2026-06-01T12:00", False),
        ("2026-06-01T13:30", True),
        ("2026-06-01T18:00", False),
        ("2026-06-02T10:00", False),
        ("2026-06-05T23:59", True),
        ("2026-12-25T10:00", False),
    ],
)
def test_people_answer_within_the_hours(moment: str, expected: bool) -> None:
    assert is_open(SHOP, at(moment)) is expected


def test_hours_are_local_whatever_zone_the_moment_is_in() -> None:
    assert is_open(SHOP, datetime(2026, 6, 1, 7, 30, tzinfo=UTC))
    assert not is_open(SHOP, datetime(2026, 1, 5, 7, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("moment", "opening"),
    [
        ("2026-06-01T08:00", "2026-06-01T09:00"),
        ("2026-06-01T12:30", "2026-06-01T13:00"),
        ("2026-06-01T19:00", "2026-06-05T09:00"),
        ("2026-12-21T19:00", "2026-12-28T09:00"),
        ("2026-06-01T10:00", "2026-06-01T10:00"),
    ],
)
def test_the_next_opening_skips_breaks_weekends_and_holidays(moment: str, opening: str) -> None:
    assert next_opening(SHOP, at(moment)) == at(opening)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)))
def test_at_the_next_opening_people_are_there(moment: datetime) -> None:
    opening = next_opening(SHOP, moment.replace(tzinfo=AMSTERDAM))
    assert opening is not None
    assert is_open(SHOP, opening)


def test_a_desk_that_never_opens_has_no_next_opening() -> None:
    moment = at("2026-06-01T10:00")
    assert next_opening(WorkingHours(), moment) is None
    assert when(None, moment, "en") == "the next working day"


@pytest.mark.parametrize(
    ("opening", "english", "chinese"),
    [
        ("2026-06-01T13:00", "today at 13:00", "今天 13:00"),
        ("2026-06-02T09:00", "tomorrow at 09:00", "明天 09:00"),
        ("2026-06-05T09:00", "Friday at 09:00", "周五 09:00"),
        ("2026-06-28T09:00", "28 June at 09:00", "6月28日 09:00"),
    ],
)
def test_an_opening_is_told_as_people_say_it(opening: str, english: str, chinese: str) -> None:
    moment = at("2026-06-01T12:30")
    assert when(at(opening), moment, "en") == english
    assert when(at(opening), moment, "zh") == chinese


def test_grave_reasons_have_words_of_their_own_at_any_hour() -> None:
    assert template("asked", True) == "utter_handover_open"
    assert template("failures", False) == "utter_handover_closed"
    assert {template("crisis", True), template("crisis", False)} == {"utter_handover_crisis"}
    assert template("error", False) == "utter_handover_failure"
