"""Dates and times, relative ones too: "next Friday at 3pm", "in two weeks", "the 31st", "明天下午三点", "下周五".

A bare "Friday" is the next one that comes, "this Friday" may be today; "next Friday" is the one of the next calendar
week (weeks begin on Monday), as 下周五 is. A day and month without a year are the next that come. "5/6" is
the fifth of June unless `day_first` is off.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from bot.understanding.values.clock import times
from bot.understanding.values.duration import Duration, durations, months_after
from bot.understanding.values.found import Found, longest
from bot.understanding.values.number import chinese

_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
MONTHS = {name: at for at, name in enumerate(_MONTHS, start=1)} | {
    name[:3]: at for at, name in enumerate(_MONTHS, start=1)
}
MONTHS["sept"] = 9
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
DAYS = {name: at for at, name in enumerate(_DAYS)} | {name[:3]: at for at, name in enumerate(_DAYS)}
DAYS |= {"tues": 1, "wednes": 2, "thur": 3, "thurs": 3}
ORDINALS = {
    word: at
    for at, word in enumerate(
        [
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
            "eleventh",
            "twelfth",
            "thirteenth",
            "fourteenth",
            "fifteenth",
            "sixteenth",
            "seventeenth",
            "eighteenth",
            "nineteenth",
            "twentieth",
        ],
        start=1,
    )
}
ORDINALS |= {f"twenty-{word}": 20 + at for word, at in list(ORDINALS.items())[:9]} | {
    "thirtieth": 30,
    "thirty-first": 31,
}
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAY = "|".join(sorted(DAYS, key=len, reverse=True))
_ORDINAL = "|".join(sorted(ORDINALS, key=len, reverse=True))
_NTH = rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?|(?P<nth>{_ORDINAL})"
_HAN = "[0-9零〇一二三四五六七八九十]"
WEEK = {"上上": -2, "上": -1, "这": 0, "本": 0, "": 0, "下": 1, "下下": 2}
NAMED = {
    "today": 0,
    "tonight": 0,
    "this evening": 0,
    "this morning": 0,
    "this afternoon": 0,
    "tomorrow": 1,
    "tmrw": 1,
    "tomorow": 1,
    "the day after tomorrow": 2,
    "day after tomorrow": 2,
    "yesterday": -1,
    "last night": -1,
    "the day before yesterday": -2,
    "今天": 0,
    "今日": 0,
    "今晚": 0,
    "今早": 0,
    "明天": 1,
    "明日": 1,
    "明晚": 1,
    "明早": 1,
    "后天": 2,
    "大后天": 3,
    "昨天": -1,
    "昨日": -1,
    "昨晚": -1,
    "前天": -2,
}


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, a time of day, or both. `str` gives ISO 8601: "2026-11-27", "15:00", "2026-11-27T15:00"."""

    day: date | None = None
    at: time | None = None

    def __str__(self) -> str:
        parts = (self.day.isoformat() if self.day else "", self.at.strftime("%H:%M") if self.at else "")
        return "T".join(part for part in parts if part)


def moments(text: str, now: datetime, *, day_first: bool = True) -> list[Found[Moment]]:
    """All days and times, those that belong together as one, in the text's order."""
    low = text.lower()
    days = longest(_days(low, now, day_first))
    clock = [each for each in times(low, now) if all(each.end <= day.start or day.end <= each.start for day in days)]
    found = [Found(Moment(day=day.value), day.start, day.end) for day in days]
    found += [
        Found(Moment(each.value.date() if each.value.relative else None, each.value.at), each.start, each.end)
        for each in clock
    ]
    joined: list[Found[Moment]] = []
    for each in sorted(found, key=lambda item: item.start):
        last = joined[-1] if joined else None
        if last and _belong(last.value, each.value) and BETWEEN.fullmatch(low[last.end : each.start]):
            moment = Moment(last.value.day or each.value.day, last.value.at or each.value.at)
            joined[-1] = Found(moment, last.start, each.end)
        else:
            joined.append(each)
    return joined


BETWEEN = re.compile(r"[ ,的]*(?:at|on|in the|around|about|by|@|from)?[ ,]*")


def _belong(first: Moment, second: Moment) -> bool:
    return (first.day is None) != (second.day is None) and (first.at is None) != (second.at is None)


def _days(low: str, now: datetime, day_first: bool) -> Iterator[Found[date]]:
    for pattern, read in PATTERNS:
        for match in pattern.finditer(low):
            try:
                value = read(match, now.date(), day_first)
            except (ValueError, OverflowError):  # the 31st of February
                continue
            if value is not None:
                yield Found(value, match.start(), match.end())
    yield from _distances(low, now.date())


AFTER = re.compile(r"(?: from (?:now|today)|['’]?s? time| later)\b|(?:之后|以后|后|内)")
BEFORE = re.compile(r" ago\b|(?:之前|以前|前)")
IN = re.compile(r"(?:\bin|\bwithin|过|再过)(?: about| the next)? $|(?:过|再过)$")


def _distances(low: str, today: date) -> Iterator[Found[date]]:
    """ "in two weeks", "three days ago", "两周后"."""
    for length in durations(low):
        if not length.value.whole_days:
            continue
        after, before, led = AFTER.match(low, length.end), BEFORE.match(low, length.end), IN.search(low[: length.start])
        try:
            if after or led:
                start, end = (led.start() if led else length.start), (after.end() if after else length.end)
                yield Found(length.value.after(today), start, end)
            elif before:
                yield Found(Duration(-length.value.amount, length.value.unit).after(today), length.start, before.end())
        except (ValueError, OverflowError):
            continue


def _named(match: re.Match[str], today: date, _: bool) -> date:
    return today + timedelta(days=NAMED[match[0]])


def _iso(match: re.Match[str], today: date, _: bool) -> date:
    return date(int(match["year"]), int(match["month"]), int(match["day"]))


def _numeric(match: re.Match[str], today: date, day_first: bool) -> date:
    first, second = int(match["first"]), int(match["second"])
    day, month = (first, second) if (day_first and second <= 12) or first > 12 else (second, first)
    return _dated(today, month, day, match["year"])


def _month(match: re.Match[str], today: date, _: bool) -> date:
    day = int(match["day"]) if match["day"] else ORDINALS[match["nth"]]
    return _dated(today, MONTHS[match["month"]], day, match["year"])


def _dated(today: date, month: int, day: int, year: str | None) -> date:
    if year:
        return date(int(year) + (2000 if len(year) == 2 else 0), month, day)
    here = date(today.year, month, day) if (month, day) != (2, 29) else _leap(today.year)
    if here >= today:
        return here
    return date(today.year + 1, month, day) if (month, day) != (2, 29) else _leap(today.year + 1)


def _leap(year: int) -> date:
    while not (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)):
        year += 1
    return date(year, 2, 29)


def _nth(match: re.Match[str], today: date, _: bool) -> date:
    day = int(match["day"]) if match["day"] else ORDINALS[match["nth"]]
    return _day_of_month(today, day)


def _day_of_month(today: date, day: int) -> date:
    if not 1 <= day <= 31:
        raise ValueError(day)
    month = today.replace(day=1)
    while True:
        try:
            found = month.replace(day=day)
        except ValueError:
            found = None
        if found and found >= today:
            return found
        month = months_after(month, 1)


def _weekday(match: re.Match[str], today: date, _: bool) -> date:
    wanted, how = DAYS[match["name"].rstrip("s") if match["name"] not in DAYS else match["name"]], match["how"] or ""
    if how == "next":
        return today + timedelta(days=7 - today.weekday() + wanted)
    if how in ("last", "past"):
        return today - timedelta(days=(today.weekday() - wanted - 1) % 7 + 1)
    ahead = (wanted - today.weekday()) % 7
    return today + timedelta(days=ahead if ahead or how == "this" else 7)


def _week_after(match: re.Match[str], today: date, _: bool) -> date:
    return today + timedelta(days=(DAYS[match["name"]] - today.weekday()) % 7 + 7)


def _period(match: re.Match[str], today: date, _: bool) -> date:
    step = {"next": 1, "last": -1, "this": 0, "coming": 1, "the": 0}[match["how"]]
    unit = match["unit"]
    if unit == "weekend":
        return today + timedelta(days=5 - today.weekday() + 7 * step)
    if unit == "week":
        return today + timedelta(days=7 * step - today.weekday()) if step else today
    start = today.replace(day=1) if unit == "month" else today.replace(month=1, day=1)
    length = 1 if unit == "month" else 12
    if match["end"]:
        return months_after(start, length * (step + 1)) - timedelta(days=1)
    return months_after(start, length * step) if step else today


def _han_date(match: re.Match[str], today: date, _: bool) -> date | None:
    month, day = chinese(match["month"]), chinese(match["day"])
    year = chinese(match["year"]) if match["year"] else None
    if month is None or day is None:
        return None
    if match["yearword"]:
        year = today.year + {"今年": 0, "明年": 1, "去年": -1, "后年": 2}[match["yearword"]]
    return _dated(today, month, day, str(year) if year is not None else None)


def _han_day(match: re.Match[str], today: date, _: bool) -> date | None:
    day = chinese(match["day"])
    if day is None:
        return None
    if match["how"]:
        return months_after(today.replace(day=1), len(match["how"])).replace(day=day)
    return _day_of_month(today, day)


def _han_weekday(match: re.Match[str], today: date, _: bool) -> date:
    wanted = "一二三四五六日天末".index(match["name"])
    wanted = {7: 6, 8: 5}.get(wanted, wanted)
    how = match["how"] or ""
    if not how:
        return today + timedelta(days=(wanted - today.weekday()) % 7)
    return today + timedelta(days=7 * WEEK[how] - today.weekday() + wanted)


def _han_end(match: re.Match[str], today: date, _: bool) -> date:
    step = 1 if match["how"] == "下个" else 0
    return months_after(today.replace(day=1), step + 1) - timedelta(days=1)


Read = Callable[[re.Match[str], date, bool], date | None]
_LED = rf"(?:(?:{_DAY})\.?,? (?:the )?)?"
_CARDINAL = rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)|(?P<nth>{_ORDINAL})"
_ITEM = r"one|of|option|choice|item|order|time"
PATTERNS: tuple[tuple[re.Pattern[str], Read], ...] = (
    (re.compile("|".join(rf"\b{n}\b" if n.isascii() else n for n in sorted(NAMED, key=len, reverse=True))), _named),
    (re.compile(r"(?<!\d)(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?!\d)"), _iso),
    (
        re.compile(r"(?<![\d./-])(?P<first>\d{1,2})[/.-](?P<second>\d{1,2})[/.-](?P<year>\d{4}|\d{2})(?![\d/-])"),
        _numeric,
    ),
    (re.compile(r"(?<![\d./-])(?P<first>\d{1,2})/(?P<second>\d{1,2})(?P<year>)(?![\d/-])"), _numeric),
    (
        re.compile(rf"\b{_LED}(?:the )?(?:{_NTH})(?: of)?,? (?P<month>{_MONTH})\b\.?(?:,? (?P<year>\d{{4}})\b)?"),
        _month,
    ),
    (
        re.compile(rf"\b{_LED}(?P<month>{_MONTH})\.? (?:the )?(?:{_NTH})\b(?!:)(?:,? (?P<year>\d{{4}})\b)?"),
        _month,
    ),
    (re.compile(rf"\b{_LED}(?:the |on )(?:{_CARDINAL})\b(?! (?:{_ITEM}))"), _nth),
    (re.compile(r"(?<![\w.])(?P<day>\d{1,2})(?:st|nd|rd|th)(?P<nth>)(?!\w)(?! (?:of|one|option|item))"), _nth),
    (re.compile(rf"\b(?:(?P<how>next|this|last|past|coming|on) )?(?P<name>{_DAY})s?\b"), _weekday),
    (re.compile(rf"\b(?P<name>{_DAY}) (?:after next|week)\b"), _week_after),
    (
        re.compile(
            r"\b(?P<end>(?:the )?(?:end|last day) of )?"
            r"(?P<how>next|this|last|coming|the) (?P<unit>weekend|week|month|year)\b"
        ),
        _period,
    ),
    (
        re.compile(
            rf"(?:(?P<year>\d{{4}}|{_HAN}{{4}})年|(?P<yearword>今年|明年|去年|后年))?"
            rf"(?P<month>{_HAN}{{1,2}})月(?P<day>{_HAN}{{1,3}})[日号]?"
        ),
        _han_date,
    ),
    (re.compile(rf"(?:(?P<how>下+)个?月)?(?P<day>{_HAN}{{1,3}})号(?![码线楼])"), _han_day),
    (re.compile(r"(?P<how>上上|上|这|本|下下|下)?个?(?:周|星期|礼拜)(?P<name>[一二三四五六日天末])"), _han_weekday),
    (re.compile(r"(?P<how>这个|本|下个)?月[底末]"), _han_end),
)
