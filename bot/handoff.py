"""When people take over: are they at work, when will they be, and what the customer is told. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from bot.botfile import WorkingHours

AHEAD = 60
"""How many days ahead an opening is looked for."""

BY_HOURS = ("utter_handover_open", "utter_handover_closed")
OF_THEIR_OWN: dict[str, str] = {
    "threat": "utter_handover_threat",
    "crisis": "utter_handover_crisis",
    "error": "utter_handover_failure",
}
"""Reasons that are answered the same at any hour."""

TEMPLATES = frozenset([*BY_HOURS, *OF_THEIR_OWN.values()])
"""The responses that a domain must have for handing over."""

DAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
}


def is_open(hours: WorkingHours, moment: datetime) -> bool:
    """Whether people answer at this moment (time zone aware)."""
    local = moment.astimezone(hours.zone)
    clock = local.time().replace(tzinfo=None)
    return any(span.start <= clock and (clock < span.end or span.end == time()) for span in hours.on(local.date()))


def next_opening(hours: WorkingHours, moment: datetime) -> datetime | None:
    """When people answer again, in local time; None if they do not within the next `AHEAD` days. `moment` if open."""
    if is_open(hours, moment):
        return moment.astimezone(hours.zone)
    local = moment.astimezone(hours.zone)
    for ahead in range(AHEAD + 1):
        day = (local + timedelta(days=ahead)).date()
        for span in hours.on(day):
            begins = datetime.combine(day, span.start, tzinfo=hours.zone)
            if begins > local:
                return begins
    return None


def template(reason: str, open_now: bool) -> str:
    """The response that tells the customer what happens next."""
    return OF_THEIR_OWN.get(reason, BY_HOURS[0] if open_now else BY_HOURS[1])


def when(opening: datetime | None, moment: datetime, language: str) -> str:
    """An opening in words: "tomorrow at 09:00", "Monday at 09:00", "3 January at 09:00" (local time of the company)."""
    chinese = language == "zh"
    if opening is None:
        return "下一个工作日" if chinese else "the next working day"
    days = (opening.date() - moment.astimezone(opening.tzinfo).date()).days
    clock = f"{opening:%H:%M}"
    if days == 0:
        return f"今天 {clock}" if chinese else f"today at {clock}"
    if days == 1:
        return f"明天 {clock}" if chinese else f"tomorrow at {clock}"
    if days < 7:
        name = DAYS.get(language, DAYS["en"])[opening.weekday()]
        return f"{name} {clock}" if chinese else f"{name} at {clock}"
    if chinese:
        return f"{opening.month}月{opening.day}日 {clock}"
    return f"{opening.day} {opening:%B} at {clock}"
