"""Lengths of time: "three days", "an hour and a half", "2 weeks", "半小时", "两个月"."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from bot.understanding.values.found import Found, longest
from bot.understanding.values.number import numbers

Unit = Literal["minute", "hour", "day", "week", "month", "year"]
LETTERS: dict[Unit, str] = {"minute": "M", "hour": "H", "day": "D", "week": "W", "month": "M", "year": "Y"}
_UNITS = "minute|min|hour|hr|day|night|week|fortnight|month|year|yr"
ENGLISH = re.compile(rf"[ -]?(?P<unit>{_UNITS})s?\b(?P<half> and a half)?")
CHINESE = re.compile(r"(?:个)?(?P<unit>分钟|小时|钟头|天|日|晚|周|星期|礼拜|月|年)(?P<half>半)?")
NAMES: dict[str, Unit] = {
    **dict.fromkeys(("minute", "min", "分钟"), "minute"),
    **dict.fromkeys(("hour", "hr", "小时", "钟头"), "hour"),
    **dict.fromkeys(("day", "night", "天", "日", "晚"), "day"),
    **dict.fromkeys(("week", "fortnight", "周", "星期", "礼拜"), "week"),
    **dict.fromkeys(("month", "月"), "month"),
    **dict.fromkeys(("year", "yr", "年"), "year"),
}
ONE = re.compile(rf"\b(?P<how>half an?|an?|a couple of|a few) (?P<unit>{_UNITS})s?\b(?P<half> and a half)?")
HALF = re.compile(r"半(?:个)?(?P<unit>小时|钟头|天|月|年)")
HOW = {"half a": 0.5, "half an": 0.5, "a couple of": 2.0, "a few": 3.0}


@dataclass(frozen=True, slots=True)
class Duration:
    """So many units. `str` gives ISO 8601: "P3D", "PT90M"."""

    amount: float
    unit: Unit

    def after(self, day: date) -> date:
        """The day this much later (earlier where the amount is negative). The 31st becomes a shorter month's last.

        Parts of a month count 30 days a month, parts of a year 365. Raises OverflowError past the calendar's end.
        """
        if self.unit in ("month", "year"):
            months = self.amount * (12 if self.unit == "year" else 1)
            if months == int(months):
                return months_after(day, int(months))
            return day + timedelta(days=round(self.amount * (30 if self.unit == "month" else 365)))
        return day + timedelta(days=self.amount * (7 if self.unit == "week" else 1))

    @property
    def hours(self) -> timedelta:
        """Of minutes and hours."""
        return timedelta(hours=self.amount) if self.unit == "hour" else timedelta(minutes=self.amount)

    @property
    def whole_days(self) -> bool:
        """Whether it counts days and not hours of a day."""
        return self.unit not in ("minute", "hour")

    def __str__(self) -> str:
        amount, unit = self.amount, self.unit
        if unit == "hour" and amount != int(amount):
            amount, unit = amount * 60, "minute"
        return f"P{'' if unit in ('day', 'week', 'month', 'year') else 'T'}{amount:g}{LETTERS[unit]}"


def durations(text: str) -> list[Found[Duration]]:
    """All lengths of time, in the text's order."""
    low = text.lower()
    found = []
    for number in numbers(low):
        match = ENGLISH.match(low, number.end) or CHINESE.match(low, number.end)
        if match:
            found.append(Found(_duration(number.value, match), number.start, match.end()))
    found += [
        Found(_duration(HOW.get(match["how"], 1.0), match), match.start(), match.end()) for match in ONE.finditer(low)
    ]
    found += [Found(Duration(0.5, NAMES[match["unit"]]), match.start(), match.end()) for match in HALF.finditer(low)]
    return longest(found)


def _duration(amount: float, match: re.Match[str]) -> Duration:
    amount *= 2 if match["unit"] == "fortnight" else 1
    return Duration(amount + (0.5 if match.groupdict().get("half") else 0.0), NAMES[match["unit"]])


def months_after(day: date, months: int) -> date:
    """The same day so many months later; the last of a month that is shorter. Raises OverflowError past year 9999."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError(f"{months} months after {day} is no date")
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
