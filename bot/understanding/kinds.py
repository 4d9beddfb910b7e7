"""What kind of value a slot takes: by its type, and where that is text, by what its name and description say."""

from __future__ import annotations

import re
from typing import Literal

from bot.flows.expecting import Wanted

Kind = Literal["bool", "number", "money", "date", "duration", "email", "phone", "code", "choice", "list", "free"]

_ID = {"number", "no", "nr", "id", "code", "reference", "ref"}
_WORDS: tuple[tuple[Kind, frozenset[str]], ...] = (
    ("email", frozenset({"email", "mail", "邮箱"})),
    ("phone", frozenset({"phone", "telephone", "mobile", "cell", "cellphone", "手机", "电话"})),
    (
        "date",
        frozenset(
            {
                "date",
                "day",
                "when",
                "time",
                "deadline",
                "birthday",
                "datetime",
                "appointment",
                "checkin",
                "日期",
                "时间",
            }
        ),
    ),
    ("duration", frozenset({"duration", "period", "时长"})),
    ("money", frozenset({"amount", "price", "budget", "cost", "sum", "金额"})),
    ("code", frozenset({"order", "invoice", "tracking", "booking", "ticket", "serial", "reference", "订单"})),
)
_NOT_A_TIME = frozenset({"zone", "timezone", "times"})


def kind_of(wanted: Wanted) -> Kind:
    """The kind of a slot's value."""
    match wanted.slot.type:
        case "bool":
            return "bool"
        case "categorical":
            return "choice"
        case "list":
            return "list"
        case "float":
            return "money" if _said(wanted.name) & words_of("money") or _currency(wanted.description) else "number"
        case _:
            return "choice" if wanted.choices else _by_name(wanted)


def _by_name(wanted: Wanted) -> Kind:
    named = _said(wanted.name)
    for kind, words in _WORDS:
        if kind == "code":
            if (named & words and (named & _ID or len(named) == 1)) or named & {"id"}:
                return "code"
        elif named & words and not named & _NOT_A_TIME and not (kind == "money" and named & _ID):
            return kind
    told = wanted.description.casefold()
    if re.search(
        r"\b(?:order|invoice|tracking|booking|ticket|reference|customer|account) (?:number|id|code|no)\b|订单号", told
    ):
        return "code"
    if re.search(r"\be-?mail address\b|邮箱", told):
        return "email"
    if re.search(r"\b(?:tele|mobile )?phone number\b|手机号|电话号码", told):
        return "phone"
    return "date" if re.search(r"\b(?:the|a|which) (?:date|day and time|date and time)\b|日期", told) else "free"


def _said(name: str) -> frozenset[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).casefold()
    return frozenset(re.split(r"[^a-z\u3400-\u9fff]+", spaced.replace("e_mail", "email")))


def words_of(kind: Kind) -> frozenset[str]:
    """The words by which slots of a kind are known: they tell no two of them apart."""
    return next((words for each, words in _WORDS if each == kind), frozenset())


def _currency(description: str) -> bool:
    return bool(re.search(r"\b(?:money|dollars|euros|amount of|currency|price)\b|金额|多少钱", description.casefold()))
