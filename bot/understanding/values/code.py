"""Order numbers and the like, by pattern: "ACME-10234", "#10234", "order no. 10234", or a pattern of the bot's own."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.understanding.values.found import Found, longest

NAMED = re.compile(
    r"(?:order|invoice|ticket|case|reference|ref|booking|tracking|customer|account|contract|serial|number|no|nr|id)"
    r"(?:[ .:]*(?:number|no|nr|id|code|is|#))*[ .:#]*(?P<code>(?=[a-z-]*\d)[a-z0-9](?:[a-z0-9-]{1,22})[a-z0-9])\b",
    re.IGNORECASE,
)
HASHED = re.compile(r"#\s?(?P<code>[A-Za-z0-9][A-Za-z0-9-]{1,23})\b")
LETTERED = re.compile(r"\b(?P<code>[A-Za-z]{1,6}-?\d[\dA-Za-z]*(?:-[\dA-Za-z]+)*)\b")
BARE = re.compile(r"(?<![\w.,€$£¥+-])(?P<code>\d{4,20})(?![\w%€]|[.,]\d)")
HAN = re.compile(r"(?:订单|单|编|货|合同|发票|工单)号?(?:码)?(?:是|为|：|:)?\s*(?P<code>[A-Za-z0-9][A-Za-z0-9-]{2,23})")


def codes(text: str, patterns: Sequence[str] = (), *, asked: bool = False) -> list[Found[str]]:
    """All codes, letters in upper case. With `patterns` only what one of them matches as a whole.

    `asked`: a code was asked for, so that a bare number is one too.
    """
    if patterns:
        found = [
            Found(match[0].strip(), match.start(), match.end())
            for pattern in patterns
            for match in re.finditer(pattern, text, re.IGNORECASE)
            if match[0].strip()
        ]
        return longest(found)
    shapes = (NAMED, HASHED, LETTERED, HAN, *((BARE,) if asked else ()))
    matches = [match for shape in shapes for match in shape.finditer(text)]
    found = [
        Found(match["code"].upper(), match.start("code"), match.end("code"))
        for match in matches
        if sum(character.isdigit() for character in match["code"]) >= 3
    ]
    return longest(found)
