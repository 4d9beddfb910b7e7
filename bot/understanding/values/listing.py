"""Several things in one reply: "apples, pears and a melon", "红色和蓝色"."""

from __future__ import annotations

import re

BETWEEN = re.compile(
    r"\s*(?:,\s*(?:and|or)\s+|[,;、；，/\n]|\s+and\s+|\s+plus\s+|\s+&\s+|和|以及|还有|跟)\s*", re.IGNORECASE
)
LEAD = re.compile(
    r"^(?:i(?:'d| would)? (?:want|like|need|have)|it's|they(?:'re| are)|my|the|an?|some|我要|我想要|是)\s+",
    re.IGNORECASE,
)


def items(text: str) -> list[str]:
    """The things, without the articles before them; none for an empty text."""
    found = [LEAD.sub("", LEAD.sub("", part.strip(" .!?。！？\t-•*"))) for part in BETWEEN.split(text)]
    return [item for item in found if item]
