"""The values in a message that a slot could take, by its kind, each with the place where it stands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.flows.expecting import Wanted
from bot.understanding.kinds import kind_of
from bot.understanding.values.choice import choices
from bot.understanding.values.code import codes
from bot.understanding.values.contact import emails, phones
from bot.understanding.values.date import moments
from bot.understanding.values.duration import durations
from bot.understanding.values.found import Found
from bot.understanding.values.listing import items
from bot.understanding.values.money import amounts
from bot.understanding.values.number import numbers
from bot.understanding.values.yes_no import yes_or_no

LEAD = re.compile(
    r"^(?:(?:well|so|ok(?:ay)?|yes|yeah|sure|hi|hello|um+|uh+|er+|please)[ ,.!]+)*"
    r"(?:(?:it|that|this|the answer)(?:'s| is| was| would be)(?: called| named)?|my (?:[\w-]+ ){1,3}?(?:is|was)|"
    r"i(?:'m| am) (?:called )?|"
    r"they call me|call me|(?:to|for|with) (?=my |our |the )|(?:because|since) |the (?:[\w-]+ ){1,2}?is|我叫|"
    r"我的?(?:名字|姓名|地址|电话|邮箱)?(?:是|叫)|因为|是)[ :,]*",
    re.IGNORECASE,
)

BESIDE = re.compile(r"\s*[(（][^)）]*[)）]")
"""What stands in parentheses on a button ("By parcel (€6.95)") is not said."""
CLAUSE = re.compile(r"[^,.!?;，。！？；]+(?=[,.!?;，。！？；])")


@dataclass(frozen=True, slots=True)
class Message:
    """What was written, and what helps to read it. `patterns` are regular expressions by entity, `synonyms` map words
    in lower case to a value (both from `nlu.yml`); `region` is where telephone numbers without a country's code are.
    """

    text: str
    language: str
    now: datetime
    region: str | None = None
    patterns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    synonyms: Mapping[str, str] = field(default_factory=dict)


def read(wanted: Wanted, message: Message, *, asked: bool) -> list[Found[Any]]:  # noqa: PLR0911 - one a kind
    """All values that could be this slot's, in the text's order. `asked`: it was just asked for, so that a bare number
    is a code, a misspelt choice is one, and a yes is an answer. Free text has none: see `bot.understanding.filling`.
    """
    text, slot = message.text, wanted.slot
    match kind_of(wanted):
        case "bool":
            said = yes_or_no(text) if asked else None
            first = CLAUSE.match(text)  # what follows may mean something else
            return [] if said is None else [Found(said, 0, first.end() if first else len(text))]
        case "number":
            return _numbers(message, asked=asked)
        case "money":
            found: list[Found[Any]] = [Found(each.value.amount, each.start, each.end) for each in amounts(text)]
            return found or (_numbers(message, asked=asked) if slot.type == "float" or asked else [])
        case "date":
            return [Found(str(each.value), each.start, each.end) for each in _moments(message, asked=asked)]
        case "duration":
            return [Found(str(each.value), each.start, each.end) for each in durations(text)]
        case "email":
            return list(emails(text))
        case "phone":
            return list(phones(text, message.language, message.region))
        case "code":
            return list(codes(text, message.patterns.get(slot.name, ()), asked=asked))
        case "choice":
            titles = {title: value for title, value in wanted.choices if isinstance(title, str)}
            titles |= {BESIDE.sub("", title): value for title, value in titles.items()}
            among = list(slot.values) or list(dict.fromkeys(str(value) for value in titles.values()))
            synonyms = {**message.synonyms, **{title: str(value) for title, value in titles.items()}}
            return list(choices(text, among, synonyms, asked=asked))
        case "list":
            return [Found(items(text), 0, len(text))] if asked and items(text) else []
        case "free":  # a text has a shape only where the bot gives it one
            patterns = () if asked else message.patterns.get(slot.name, ())
            return list(codes(text, patterns)) if patterns else []


def _numbers(message: Message, *, asked: bool) -> list[Found[Any]]:
    """Numbers that are no part of a date, a time or a code, unless one was asked for and that is all there is."""
    found: list[Found[Any]] = list(numbers(message.text))
    taken = [(each.start, each.end) for each in moments(message.text, message.now)]
    taken += [(each.start, each.end) for each in (*codes(message.text), *emails(message.text))]
    free = [each for each in found if all(each.end <= start or end <= each.start for start, end in taken)]
    return free or (found if asked else [])


def _moments(message: Message, *, asked: bool) -> list[Found[Any]]:
    """Dates by the grammar; of a reply that was asked for and has none, what dateparser makes of the whole."""
    found: list[Found[Any]] = list(moments(message.text, message.now))
    if found or not asked or not any(character.isdigit() for character in message.text):
        return found
    import dateparser

    options = {"RELATIVE_BASE": message.now.replace(tzinfo=None), "PREFER_DATES_FROM": "future", "STRICT_PARSING": True}
    read_ = dateparser.parse(message.text.strip(" .!"), languages=["en", "zh", "de", "fr", "es"], settings=options)
    return [Found(read_.date().isoformat(), 0, len(message.text))] if read_ else []


def bare(text: str) -> str:
    """A reply without what is said around it: "my name is Ann Lee" is "Ann Lee"."""
    stripped = LEAD.sub("", text.strip(), count=1).strip(" \t\"'“”")
    return re.sub(r"(?:[.。!！]|,? (?:please|thanks|thank you))+$", "", stripped).strip() or text.strip()
