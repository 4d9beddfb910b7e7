"""E-mail addresses and telephone numbers."""

from __future__ import annotations

import re
import unicodedata

from bot.understanding.values.found import Found

EMAIL = re.compile(
    r"[A-Za-z0-9](?:[\w.+-]*[\w+-])?@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?![\w@])"
)
SPOKEN = re.compile(r"(?P<user>[\w.+-]+) (?:at|\(at\)|\[at\]) (?P<host>[\w-]+(?: dot [\w-]+)+)")
DIGITS = re.compile(r"(?<![\w-])\+?\d(?:[ ()./-]{0,2}\d){5,14}(?![\w-])")
REGIONS = {"en": "US", "zh": "CN"}
"""Where a number without a country's code is looked for, by the language that it was written in."""


def emails(text: str) -> list[Found[str]]:
    """All addresses, in lower case; "ann at example dot com" too."""
    folded = unicodedata.normalize("NFKC", text)
    text = folded if len(folded) == len(text) else text
    found = [Found(match[0].lower(), match.start(), match.end()) for match in EMAIL.finditer(text)]
    for match in SPOKEN.finditer(text):
        host = match["host"].replace(" dot ", ".")
        found.append(Found(f"{match['user']}@{host}".lower(), match.start(), match.end()))
    return sorted(found, key=lambda each: each.start)


def phones(text: str, language: str = "en", region: str | None = None) -> list[Found[str]]:
    """All telephone numbers: E.164 ("+4930123456") where the number is possible in its country, else its digits."""
    import phonenumbers

    home = region or REGIONS.get(language, "US")
    matcher = phonenumbers.PhoneNumberMatcher(text, home, leniency=phonenumbers.Leniency.POSSIBLE)
    found = [
        Found(phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164), match.start, match.end)
        for match in matcher
    ]
    for match in DIGITS.finditer(text):
        if all(match.end() <= each.start or each.end <= match.start() for each in found):
            digits = re.sub(r"[^\d+]", "", match[0])
            found.append(Found(digits, match.start(), match.end()))
    return sorted(found, key=lambda each: each.start)
