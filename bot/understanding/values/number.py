"""Numbers, in digits and in words: "1,250.50", "two and a half", "a dozen", "3k", "三百二十", "两万", "一点五".

Whole texts are read elsewhere with libraries; none that is kept finds numbers *inside* a sentence in both languages.
"""

from __future__ import annotations

import re

from bot.understanding.values.found import Found, longest

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
ONES = {word: at for at, word in enumerate(_SMALL)}
TENS = {word: 10 * at for at, word in enumerate(_TENS, start=2)}
BIG = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
ALONE = {"a dozen": 12.0, "half a dozen": 6.0, "a couple": 2.0, "a half": 0.5, "one half": 0.5, "none": 0.0}
SUFFIX = {"k": 1_000, "m": 1_000_000, "万": 10_000, "亿": 100_000_000, "千": 1_000, "百": 100}

_ANY = "|".join((*sorted(_SMALL, key=len, reverse=True), *_TENS))
_WORD = rf"(?:{_ANY}|{'|'.join(BIG)})"
DIGITS = re.compile(
    r"(?<![\w.,-])(?P<sign>-|minus )?(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<part>\d+))?"
    r"(?:(?P<suffix>[km万亿千百])(?![a-z])| (?P<big>hundred|thousand|million|billion)\b)?(?!\d|-\d)"
)
WORDS = re.compile(
    rf"\b(?P<sign>minus )?(?P<words>(?:an? (?={'|'.join(BIG)}))?{_WORD}(?:[ -](?:and )?{_WORD})*)"
    rf"(?: point (?P<part>(?:{_ANY})(?: (?:{_ANY}))*))?(?P<half> and a half)?\b"
)
FIXED = re.compile(rf"\b(?:{'|'.join(sorted(ALONE, key=len, reverse=True))})\b")
NOT_A_NUMBER = re.compile(r"\b(?:the|this|that|which|another|any|each|every|no|some|last|next|right|wrong|new|old) $")
"""Before "one": "the one", "that one" stand for a thing."""

HAN = {
    "零": 0,
    "〇": 0,
    "一": 1,
    "二": 2,
    "两": 2,
    "俩": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
HAN_UNITS = {"十": 10, "百": 100, "千": 1_000, "万": 10_000, "亿": 100_000_000}
HAN_NUMBER = re.compile(
    r"(?<![周期拜第初\d.])(?<!星期)(?<!礼拜)(?P<words>[零〇一二两俩三四五六七八九十百千万亿]+)(?:点(?P<part>[零〇一二三四五六七八九]+))?(?P<half>个?半)?"
    r"(?![下样起些直定切般刻共])"
)


def numbers(text: str) -> list[Found[float]]:
    """All numbers of a text, in its order. Digits inside codes ("A-1023") and dates ("2026-01-05") are none."""
    low = text.lower()
    found = [
        *(Found(_digits(match), match.start(), match.end()) for match in DIGITS.finditer(low)),
        *(Found(ALONE[match[0]], match.start(), match.end()) for match in FIXED.finditer(low)),
    ]
    for match in WORDS.finditer(low):
        alone = match["words"] == "one" and (
            NOT_A_NUMBER.search(low[: match.start()]) or low[match.end() :][:3] == " of"
        )
        if not alone:
            found.append(Found(_words(match), match.start(), match.end()))
    for match in HAN_NUMBER.finditer(low):
        value = chinese(match["words"])
        if value is not None and not (match["words"] == "万" or match["words"] in "百千亿"):
            part = "".join(str(HAN[character]) for character in match["part"] or "")
            whole = float(f"{value:g}.{part}") if part else float(value)
            found.append(Found(whole + (0.5 if match["half"] else 0.0), match.start(), match.end()))
    return longest(found)


def chinese(words: str) -> int | None:
    """The whole number that Chinese numerals make; None where they make none. Also digit by digit: "二〇二六"."""
    if words.isdigit() and words.isascii():
        return int(words)
    if not words or any(character not in HAN and character not in HAN_UNITS for character in words):
        return None
    if len(words) > 1 and all(character in HAN for character in words):
        return int("".join(str(HAN[character]) for character in words))
    total = section = digit = 0
    last_unit = 0
    for character in words:
        if character in HAN:
            digit = HAN[character]
            continue
        unit = HAN_UNITS[character]
        if unit >= HAN_UNITS["万"]:
            total = (total + section + digit) * unit
            section = 0
        else:
            section += (digit or 1) * unit
        digit, last_unit = 0, unit
    if digit and last_unit >= 100 and words[-2] in HAN_UNITS:  # "两千五" is 2,500
        return total + section + digit * last_unit // 10
    return total + section + digit


def english(words: str) -> float:
    """The number that English words make: "one hundred and twenty-five"."""
    total = section = 0
    for word in re.split(r"[ -]", words):
        if word in ONES:
            section += ONES[word]
        elif word in TENS:
            section += TENS[word]
        elif word in BIG:
            if BIG[word] == BIG["hundred"]:
                section = (section or 1) * BIG[word]
            else:
                total += (section or 1) * BIG[word]
                section = 0
    return float(total + section)


def _digits(match: re.Match[str]) -> float:
    value = float(f"{match['whole'].replace(',', '')}.{match['part'] or 0}")
    value *= SUFFIX.get(match["suffix"] or "", 1) * BIG.get(match["big"] or "", 1)
    return -value if match["sign"] else value


def _words(match: re.Match[str]) -> float:
    value = english(match["words"])
    if match["part"]:
        value += float("0." + "".join(str(int(english(word))) for word in match["part"].split()))
    value += 0.5 if match["half"] else 0.0
    return -value if match["sign"] else value
