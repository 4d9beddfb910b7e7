"""What may come in: size, characters, rate, and what is no question but an attack, abuse, a threat or a cry for help.

And what may be written into a log: `redact` takes personal data out of it.
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bot import lexicon
from bot.commands import Command, Refuse, WantPerson
from bot.errors import RateLimited

Kind = Literal["fine", "crisis", "threat", "policy", "abuse", "injection", "harmful", "too_long"]

SIGNALS: tuple[tuple[str, Kind], ...] = (
    ("crisis", "crisis"),
    ("threat", "threat"),
    ("abuse", "abuse"),
    ("injection", "injection"),
    ("harmful", "harmful"),
    ("legal", "policy"),
)
"""The lexicon's signals, the gravest first."""

UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
SURROGATE = re.compile("[\ud800-\udfff]")
SPELLED = re.compile(r"(?<!\w)(?:\w[ .\-_*]){5,}\w(?!\w)")
HYPHEN = re.compile(r"(?<=\w)[\-\u2010\u2011] ?(?=\w)")

PROMPT_LENGTH = 400
PROMPT_WORDS = 6
"""So many different words of a prompt's own in a text of this length: nobody asks a shop like that."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the guard thinks of a message."""

    kind: Kind = "fine"

    @property
    def command(self) -> Command | None:
        """The command that takes the place of understanding, if any."""
        if self.kind == "fine":
            return None
        if self.kind in ("crisis", "threat", "policy"):
            return WantPerson(self.kind)
        return Refuse(self.kind, strike=self.kind == "abuse")


def clean(text: str) -> str:
    """The text without what cannot be seen: control and bidirectional characters, tags, broken halves of UTF-16 pairs.

    Line ends become \\n; letters are composed (NFC). The joiners of emoji and scripts stay.
    """
    whole = SURROGATE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    return unicodedata.normalize("NFC", UNSEEN.sub("", whole)).strip()


def look(text: str, *, limit: int) -> Verdict:
    """What the cleaned text of one turn is. `limit` is the number of characters that may come in."""
    words = lexicon.plain(text[:limit])
    spelled = HYPHEN.sub("", SPELLED.sub(lambda match: re.sub(r"[ .\-_*]", "", match[0]), words))
    for signal, kind in SIGNALS:
        if lexicon.find(signal, words) or (spelled != words and lexicon.find(signal, spelled)):
            return Verdict(kind)
    if len(words) >= PROMPT_LENGTH and lexicon.distinct("prompting", words) >= PROMPT_WORDS:
        return Verdict("injection")
    return Verdict("too_long" if len(text) > limit else "fine")


class RateLimiter:
    """At most `limit` events a key within `seconds`, in a sliding window; `clock` counts seconds and never jumps."""

    KEYS = 100_000

    def __init__(self, limit: int, seconds: float = 60.0, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self.seconds = seconds
        self._clock = clock
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, key: str) -> None:
        """Count one event. Raises RateLimited with the seconds to wait; a refused event does not count."""
        moment = self._clock()
        times = self._seen.setdefault(key, deque())
        self._seen.move_to_end(key)
        while times and times[0] <= moment - self.seconds:
            times.popleft()
        if len(times) >= self.limit:
            wait = max(0.1, times[0] + self.seconds - moment)
            raise RateLimited(f"too many messages: wait {wait:.0f} s", retry_after=wait)
        times.append(moment)
        while len(self._seen) > self.KEYS:
            self._seen.popitem(last=False)


# -- personal data -----------------------------------------------------------------------------------------------------

EMAIL = re.compile(r"[\w.+%'\-]{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63})+")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ \-]?[A-Z0-9]{2,4}){3,8}\b", re.IGNORECASE)
DIGITS = re.compile(r"(?<![A-Za-z0-9_.])(?:\d[ \-]?){12,18}\d(?![A-Za-z0-9_])")
CHINESE_ID = re.compile(
    r"(?<!\d)[1-9]\d{5}(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![A-Za-z0-9_])"
)
SOCIAL_SECURITY = re.compile(r"(?<![\d\-])\d{3}-\d{2}-\d{4}(?![\d\-])")
IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
IPV6 = re.compile(r"(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}(?![\w:])", re.IGNORECASE)
PHONE = re.compile(r"(?<![A-Za-z0-9_.])(?!\d{4}-\d{2}-\d{2})(?:\+|00)?\(?\d(?:[\d ().\-/]{5,18})\d(?![A-Za-z0-9_])")
SECRET = re.compile(r"(?i)\b(password|passcode|pin|secret|token|密码|口令)(\s*(?:is|:|=|是|：)\s*)(\S+)")


def redact(text: str) -> str:
    """The text with personal data replaced by its kind: "[e-mail]", "[card]", "[iban]", "[id]", "[phone]" ..."""
    text = EMAIL.sub("[e-mail]", text)
    text = SECRET.sub(r"\1\2[secret]", text)
    text = IBAN.sub(lambda match: "[iban]" if is_iban(match[0]) else match[0], text)
    text = CHINESE_ID.sub("[id]", text)
    text = DIGITS.sub(lambda match: "[card]" if is_card(match[0]) else "[number]", text)
    text = SOCIAL_SECURITY.sub("[id]", text)
    text = IPV6.sub("[address]", IPV4.sub("[address]", text))
    return PHONE.sub(lambda match: "[phone]" if 7 <= sum(map(str.isdigit, match[0])) <= 15 else match[0], text)


def is_card(text: str) -> bool:
    """The Luhn check (ISO/IEC 7812) over 13 to 19 digits."""
    digits = [int(character) for character in text if character.isdigit()]
    if not 13 <= len(digits) <= 19:
        return False
    doubled = [digit if place % 2 == 0 else digit * 2 - 9 * (digit > 4) for place, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def is_iban(text: str) -> bool:
    """The check of ISO 13616: letters as 10 to 35, the first four moved behind, modulo 97 is 1."""
    bare = re.sub(r"[ \-]", "", text).upper()
    if not (15 <= len(bare) <= 34 and bare.isascii() and bare.isalnum()):
        return False
    return int("".join(str(int(character, 36)) for character in bare[4:] + bare[:4])) % 97 == 1
