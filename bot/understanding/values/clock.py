"""Times of day: "3pm", "half past two", "15:30", "noon", "下午三点半", and "in two hours" from now."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time

from bot.understanding.values.duration import durations
from bot.understanding.values.found import Found, longest
from bot.understanding.values.number import ONES, chinese, english

BUSINESS = range(1, 7)
"""A bare "at 3" is meant in the afternoon."""
_HOUR = "|".join(sorted((word for word, value in ONES.items() if 1 <= value <= 12), key=len, reverse=True))
_PART = r"(?: (?:in the |this |on the )?(?P<part>morning|afternoon|evening|night)|(?P<tonight> tonight))?"
_HALF = r"(?P<half>a\.?m\b\.?|p\.?m\b\.?)"
DIGITAL = re.compile(
    rf"(?<![\d.:/-])(?P<hour>\d{{1,2}})[:.h](?P<minute>[0-5]\d)(?![\d.]\d)(?::[0-5]\d)? ?{_HALF}?{_PART}"
)
HALVED = re.compile(rf"(?<![\d.:/$€£-])(?P<hour>\d{{1,2}}) ?{_HALF}")
SAID_HALF = re.compile(rf"\b(?P<hour>{_HOUR}) ?{_HALF}")
CLOCK = re.compile(rf"\b(?P<hour>\d{{1,2}}|{_HOUR}) o['’]?clock{_PART}")
_COUNTED = r"(?: \w+)? (?:days?|weeks?|months?|people|persons?|items?|euros?|dollars?|percent)"
AT = re.compile(
    rf"\b(?:(?P<before>morning|afternoon|evening|night),? )?(?:at|by) (?P<hour>\d{{1,2}}|{_HOUR})"
    rf"(?![\w:.,%$€£]|\d| ?[ap]\.?m|{_COUNTED})\b{_PART}"
)
PARTED = re.compile(rf"\b(?P<hour>\d{{1,2}}|{_HOUR}) (?:in the |this )(?P<part>morning|afternoon|evening)")
PAST = re.compile(
    r"\b(?P<how>half|quarter|(?:twenty-?five|twenty|ten|five|\d{1,2})(?: minutes)?) (?P<side>past|after|to|before) "
    rf"(?P<hour>\d{{1,2}}|{_HOUR})\b ?{_HALF}?{_PART}"
)
NAMED = {"noon": time(12), "midday": time(12), "midnight": time(0), "中午": time(12), "正午": time(12), "午夜": time(0)}
HAN = re.compile(
    r"(?P<part>凌晨|早上|上午|中午|下午|傍晚|晚上|今晚|明晚|夜里)?(?P<hour>\d{1,2}|[零一二两三四五六七八九十]{1,3})[点时](?!间)"
    r"(?P<minute>半|[一三]刻|(?:\d{1,2}|[零一二三四五六七八九十]{1,3})(?=分|$|[^\d零一二三四五六七八九十个]))?分?钟?"
)
PM = ("afternoon", "evening", "night", "下午", "傍晚", "晚上", "今晚", "明晚", "夜里")


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day; `relative` is the moment where it was said from now ("in two hours")."""

    at: time
    relative: datetime | None = None

    def date(self) -> date | None:
        """The day, where it was said from now."""
        return self.relative.date() if self.relative else None


def times(text: str, now: datetime) -> list[Found[Clock]]:
    """All times of day, in the text's order."""
    low = text.lower()
    found: list[Found[Clock]] = []
    for pattern in (DIGITAL, HALVED, SAID_HALF, CLOCK, AT, PARTED):
        for match in pattern.finditer(low):
            _add(found, match, _hour(match["hour"]), int(match.groupdict().get("minute") or 0))
    for match in PAST.finditer(low):
        how = match["how"].removesuffix(" minutes")
        minutes = {"half": 30, "quarter": 15}.get(how) or (int(how) if how.isdigit() else int(english(how)))
        before = match["side"] in ("to", "before")
        hour = _hour(match["hour"])
        _add(found, match, hour - 1 if before else hour, 60 - minutes if before else minutes)
    for match in HAN.finditer(low):
        said, minute = chinese(match["hour"]), _minute(match["minute"])
        if said is not None and minute is not None:
            _add(found, match, said, minute)
    for word, value in NAMED.items():
        pattern_ = rf"\b{word}\b" if word.isascii() else rf"{word}(?!\d|[一二两三四五六七八九十])"
        found += [Found(Clock(value), match.start(), match.end()) for match in re.finditer(pattern_, low)]
    found += _from_now(low, now)
    return longest(found)


def _add(found: list[Found[Clock]], match: re.Match[str], hour: int, minute: int) -> None:
    given = match.groupdict()
    half = (given.get("half") or "").replace(".", "")
    part = given.get("part") or given.get("before") or ("night" if given.get("tonight") else "")
    if half == "pm" or part in PM or (part == "中午" and hour < 11):
        hour += 12 if hour < 12 else 0
    elif half == "am" or part in ("morning", "凌晨", "早上", "上午"):
        hour = 0 if hour == 12 else hour
    elif hour in BUSINESS and match.re in (AT, CLOCK, PAST, HAN):
        hour += 12
    if 0 <= hour < 24 and 0 <= minute < 60:
        found.append(Found(Clock(time(hour, minute)), match.start(), match.end()))


def _hour(said: str) -> int:
    return int(said) if said.isdigit() else ONES[said]


def _minute(said: str | None) -> int | None:
    if not said:
        return 0
    return {"半": 30, "一刻": 15, "三刻": 45}.get(said, chinese(said))


def _from_now(low: str, now: datetime) -> list[Found[Clock]]:
    found = []
    for length in durations(low):
        if length.value.whole_days:
            continue
        led = re.search(r"\b(?:in|within)(?: about)? $", low[: length.start])
        after = re.match(r" (?:from now|later)\b|之?后|以后", low[length.end :])
        if led or after:
            moment = now + length.value.hours
            start, end = (led.start() if led else length.start), length.end + (after.end() if after else 0)
            found.append(Found(Clock(moment.time().replace(second=0, microsecond=0), moment), start, end))
    return found
