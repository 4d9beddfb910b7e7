"""Amounts of money: "$50", "EUR 1,200.50", "fifty dollars", "20 quid", "一百块", "￥99.9"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.understanding.values.found import Found, longest
from bot.understanding.values.number import numbers

SYMBOLS = {
    "$": "USD",
    "us$": "USD",
    "a$": "AUD",
    "c$": "CAD",
    "€": "EUR",
    "£": "GBP",
    "¥": "CNY",
    "￥": "CNY",
    "₹": "INR",
}
CODES = ("usd", "eur", "gbp", "cny", "rmb", "jpy", "chf", "aud", "cad", "inr", "hkd", "sgd", "sek", "nok", "dkk", "pln")
NAMES = {
    **{code: code.upper() for code in CODES},
    **dict.fromkeys(("dollar", "dollars", "buck", "bucks", "美元", "美金", "刀"), "USD"),
    **dict.fromkeys(("euro", "euros", "欧元"), "EUR"),
    **dict.fromkeys(("pound", "pounds", "quid", "sterling", "英镑"), "GBP"),
    **dict.fromkeys(("yuan", "rmb", "元", "块钱", "块", "人民币", "圆"), "CNY"),
    **dict.fromkeys(("yen", "日元", "日圆"), "JPY"),
    **dict.fromkeys(("franc", "francs", "瑞士法郎"), "CHF"),
    **dict.fromkeys(("rupee", "rupees", "卢比"), "INR"),
    **dict.fromkeys(("港币", "港元"), "HKD"),
}
CENTS = {"cent": "USD", "cents": "USD", "pence": "GBP", "p": "GBP"}
_BEFORE = re.compile(
    rf"(?:{'|'.join(map(re.escape, sorted(SYMBOLS, key=len, reverse=True)))}|\b(?:{'|'.join(CODES)})) ?$"
)
_AFTER = re.compile(
    rf" ?(?P<name>[$€£¥￥₹]|(?:{'|'.join(sorted((n for n in NAMES if n.isascii()), key=len, reverse=True))})\b"
    rf"|(?:{'|'.join(sorted((n for n in NAMES if not n.isascii()), key=len, reverse=True))}))"
)
_CENTS = re.compile(r" ?(?P<name>cents?|pence|p)\b")
_MORE = re.compile(
    r"(?: and)? ?(?P<cents>\d{1,2}) ?(?:cents?|pence|p)\b|(?P<tenths>\d|[一二三四五六七八九])(?=毛|角|$)(?:毛|角)?"
)


@dataclass(frozen=True, slots=True)
class Money:
    """`currency` is an ISO 4217 code, None where none was said."""

    amount: float
    currency: str | None = None

    def __str__(self) -> str:
        return f"{self.amount:g} {self.currency}" if self.currency else f"{self.amount:g}"


def amounts(text: str) -> list[Found[Money]]:
    """All amounts with a currency, in the text's order."""
    low = text.lower()
    found = []
    starts = {match.end() for match in re.finditer(r"[$€£¥￥₹]", low)}
    # A symbol right before a number is no edge of a word for the number's pattern: it is put aside for that.
    loose = re.sub(r"[$€£¥￥₹]", " ", low)
    del starts
    for number in numbers(loose):
        before, after = _BEFORE.search(low[: number.start]), _AFTER.match(low, number.end)
        if before:
            name = before[0].strip()
            currency = SYMBOLS.get(name) or NAMES.get(name)
            found.append(Found(Money(number.value, _iso(currency)), before.start(), number.end))
        elif after:
            currency = SYMBOLS.get(after["name"]) or NAMES.get(after["name"])
            value, end = number.value, after.end()
            if more := _MORE.match(low, end):
                value += float(more["cents"]) / 100 if more["cents"] else _tenths(more["tenths"])
                end = more.end()
            found.append(Found(Money(round(value, 2), _iso(currency)), number.start, end))
        elif cents := _CENTS.match(low, number.end):
            found.append(Found(Money(number.value / 100, CENTS[cents["name"]]), number.start, cents.end()))
    return longest(found)


def _iso(currency: str | None) -> str | None:
    return "CNY" if currency == "RMB" else currency


def _tenths(said: str) -> float:
    """ "三块五" is 3.50."""
    return ("零一二三四五六七八九".index(said) if said in "一二三四五六七八九" else int(said)) / 10
