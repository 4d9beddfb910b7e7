"""What a sentence claims, as far as words show it: its hard facts, its content words, and what limits them.

The evidence checker compares two of these. English and Chinese are read by the same functions; a text may mix them.
Pure: nothing here knows a model. The lists are of function words and of everyday customer-service wording, written for
this file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from bot.engines import wording

_URL = re.compile(
    r"(?:https?://|www\.)[^\s<>()（）。，]+"
    r"|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|eu|example|io|cn|nl|de|uk)\b[^\s<>()（），。]*",
    re.I,
)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_TIME = re.compile(r"\b\d{1,2}[:：]\d{1,2}\b")
_HALF_DAY = re.compile(r"\b(\d{1,2})(?::(\d\d))? ?([ap])\.? ?m\b\.?", re.I)
_REFERENCE = re.compile(r"\[ ?\d+ ?\]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_CODE = re.compile(r"\b(?=[A-Za-z-]*\d)(?=[\d-]*[A-Za-z])[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\b")
_MEASURE = re.compile(r"\d+(?:st|nd|rd|th|am|pm|[kcm]?m|k?g|m?l|k?w|v|h|min|c|gb|mb|x)|\d+-[a-z]+", re.I)
_TOKEN = re.compile(
    r"[A-Za-z]+(?:[-'’][A-Za-z]+)*|\d+(?:[.,:]\d+)*|[€$£¥%°]|[\u4e00-\u9fff]+|[.,;:!?—–()，；：。！？、|]"
)
_STOPS = frozenset(".!?:。！？|")
_CJK = re.compile(r"[\u4e00-\u9fff]+")
_CHINESE_NUMBER = re.compile(
    r"[零一二两三四五六七八九十百千万]+(?=个?(?:天|日|周|月|年|小时|分钟|欧元|元|件|次|升|公斤|工作日|倍|份|张|台|米))"
)
_CLAUSE = re.compile(
    r"[;；—–|]\s*|,\s+|[，、：]|:\s+"
    r"|\s+(?=(?:but|and|or(?! (?:more|less|fewer|above|below|longer|older|later)\b)"
    r"|although|though|while|whereas|because|so|if|unless|when|except|until)\b)"
    r"|(?=但是?|而|如果|除非|否则)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Claims:
    """One text's claims.

    `facts` are numbers with their unit or currency ("30 day", "4.95 eur"), times, codes, URLs and addresses, and proper
    names; `words` are stems of English content words and pairs of neighbouring Chinese characters; `negations` counts
    them; `limits` are the classes of quantifiers and bounds, `conditions` those of conditions, `modals` of duties, a
    class that comes twice as "must 2";
    `doers` are (we | you, verb) pairs.
    """

    facts: frozenset[str]
    words: frozenset[str]
    negations: int
    limits: frozenset[str]
    conditions: frozenset[str]
    modals: frozenset[str]
    doers: frozenset[tuple[str, str]]


@lru_cache(maxsize=4096)
def read(text: str) -> Claims:
    """What this text claims."""
    plain, literals = _take_literals(text)
    tokens = [token.replace("’", "'") for token in _TOKEN.findall(plain)]
    lowered = [token.lower() for token in tokens]
    spoken = " " + " ".join(lowered) + " "
    return Claims(
        facts=frozenset(literals | _numbers(lowered) | _names(tokens)),
        words=frozenset(_words(lowered)),
        negations=len(wording.NEGATION.findall(spoken)),
        limits=_classes(wording.LIMITS, spoken),
        conditions=_classes(wording.CONDITIONS, spoken),
        modals=_classes(wording.MODALS, spoken),
        doers=frozenset(_doers(lowered)),
    )


def clauses(sentence: str) -> list[str]:
    """The clauses of a sentence, in order; joined with a space they say what it says."""
    return [part.strip() for part in _CLAUSE.split(sentence) if part and part.strip(" .。")]


def opposite(ours: frozenset[str], theirs: frozenset[str]) -> str:
    """A word of ours whose opposite stands in theirs while the word itself does not, or ""."""
    for word in sorted(ours - theirs):
        if _OPPOSITES.get(word, frozenset()) & theirs:
            return word
    return ""


def _opposites() -> dict[str, frozenset[str]]:
    table: dict[str, set[str]] = {}
    for pair in wording.PAIRS.split("|"):
        left, right = (stem(word) for word in pair.split())
        table.setdefault(left, set()).add(right)
        table.setdefault(right, set()).add(left)
    return {word: frozenset(others) for word, others in table.items()}


@lru_cache(maxsize=4096)
def is_chinese(text: str) -> bool:
    """Whether a text is to be judged as Chinese: more than a fifth of its letters are."""
    letters = sum(1 for character in text if character.isalpha())
    return letters > 0 and sum(len(run) for run in _CJK.findall(text)) > letters / 5


def stem(word: str) -> str:
    """A light English stem: plural, -ed, -ing and the irregular verbs of the trade. "returned" -> "return"."""
    word = wording.IRREGULAR.get(word, word.removesuffix("'s"))
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    for ending in ("ing", "ed", "es", "s", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            root = word[: -len(ending)]
            if len(root) > 3 and root[-1] == root[-2] and root[-1] not in "lsz":
                root = root[:-1]
            return root.removesuffix("e")
    return word.removesuffix("e") if len(word) > 3 else word


def _classes(table: Mapping[str, re.Pattern[str]], spoken: str) -> frozenset[str]:
    counts = {name: len(pattern.findall(spoken)) for name, pattern in table.items()}
    return frozenset(name if count == 1 else f"{name} {count}" for name, count in counts.items() if count)


def _take_literals(text: str) -> tuple[str, set[str]]:
    """URLs, addresses, times and codes are compared letter by letter, and are not words."""
    found: set[str] = set()

    def keep(match: re.Match[str]) -> str:
        found.add(match.group().rstrip(".,;:!?").lower().replace("：", ":"))
        return " "

    text = _REFERENCE.sub(" ", text)  # where a page says it is no part of what it says
    for match in _HALF_DAY.finditer(text):
        found.add(f"{match[1]}:{match[2] or '00'} {match[3].lower()}m")
    text = _HALF_DAY.sub(" ", text)
    for pattern in (_MAIL, _URL, _TIME):
        text = pattern.sub(keep, text)
    for match in _CODE.finditer(text):
        if not _MEASURE.fullmatch(match.group()):
            found.add(match.group().lower())
    return text, found


def _numbers(tokens: list[str]) -> set[str]:
    """Numbers with the unit that follows, or the currency on either side: "30 day", "2 working day", "4.95 eur"."""
    found: set[str] = set()
    for at, token in enumerate(tokens):
        number = _value(token, tokens[at + 1] if at + 1 < len(tokens) else "")
        if number is None:
            for match in _CHINESE_NUMBER.finditer(token):
                found.add(f"{_chinese_value(match.group())} {_unit([token[match.end() :]])}".strip())
            continue
        before = wording.CURRENCIES.get(tokens[at - 1] if at else "", "")
        found.add(f"{number} {before or _unit(tokens[at + 1 : at + 4])}".strip())
    return found


def _value(token: str, following: str) -> str | None:
    head = token.partition("-")[0]
    if head in wording.NUMBER_WORDS and (head != "one" or following in wording.UNITS):
        return wording.NUMBER_WORDS[head]
    if not _NUMBER.fullmatch(token):
        return None
    whole = re.sub(r",(?=\d{3}\b)", "", token)
    return re.sub(r"(?<=\d)[.](?:0+)$", "", whole.replace(",", "."))


def _unit(following: list[str]) -> str:
    kind = ""
    for token in following:
        for part in token.split("-"):
            if part in wording.DAY_KINDS:
                kind = part + " "
            elif part in wording.CURRENCIES:
                return wording.CURRENCIES[part]
            elif part in wording.UNITS:
                return kind + wording.UNITS[part]
            else:
                chinese = next((unit for unit in wording.CHINESE_UNITS if part.startswith(unit)), "")
                return wording.CHINESE_UNITS.get(chinese, "")
    return ""


def _chinese_value(text: str) -> str:
    digits = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"两": 2}
    scales = {"十": 10, "百": 100, "千": 1000, "万": 10_000}
    total, digit = 0, 0
    for character in text:
        if character in scales:
            total += max(digit, 1) * scales[character]
            digit = 0
        else:
            digit = digits[character]
    return str(total + digit)


def _names(tokens: list[str]) -> set[str]:
    """Capitalised words that do not begin a sentence, and words in capitals anywhere."""
    found: set[str] = set()
    begins = True
    for token in tokens:
        if token in _STOPS:
            begins = True
            continue
        if token[0].isascii() and token[0].isupper():
            capitals = len(token) > 1 and token.isupper()
            if (capitals or not begins) and token.lower() not in wording.STOPWORDS:
                found.add(stem(token.lower()))
        begins = begins and not token[0].isalnum()
    return found


def _words(tokens: list[str]) -> set[str]:
    found: set[str] = set()
    for token in tokens:
        if _CJK.match(token):
            kept = _CHINESE_NUMBER.sub(" ", token)
            for pattern in _CHINESE_LIMITS:
                kept = pattern.sub(" ", kept)
            for run in wording.CHINESE_SMALL.sub(" ", kept).split():
                found.update(run[at : at + 2] for at in range(max(1, len(run) - 1)))
        elif token[0].isalpha() and token not in _NO_CONTENT:
            found.update(stem(part) for part in token.split("-") if part not in wording.STOPWORDS and len(part) > 1)
    return found


def _doers(tokens: list[str]) -> set[tuple[str, str]]:
    """Who does it: "you must always pay" -> ("you", "pay")."""
    found: set[tuple[str, str]] = set()
    for at, token in enumerate(tokens):
        who = {"i": "you", "my": "", "us": ""}.get(token, token)
        if who not in ("we", "you"):
            continue
        for following in tokens[at + 1 : at + 8]:
            if not following[0].isalpha():
                break
            if following not in wording.STOPWORDS and following not in wording.ADVERBS:
                found.add((who, stem(following)))
                break
    return found


def missing(ours: Claims, theirs: Claims) -> str:
    """A fact of ours that theirs does not have, or "". A bare number is found in any unit."""
    return next(iter(lacking(ours, theirs)), "")


def lacking(ours: Claims, theirs: Claims) -> list[str]:
    """All facts of ours that theirs does not have, as `missing` finds them."""
    bare = Counter(fact.split(" ")[0] for fact in theirs.facts)
    return [
        fact
        for fact in sorted(ours.facts)
        if fact not in theirs.facts and not (" " not in fact and bare[fact]) and fact not in theirs.words
    ]


def is_name(fact: str) -> bool:
    """Whether a fact is a proper name rather than a figure, a URL, an address or a code."""
    return not re.search(r"[\d@./]", fact)


_CHINESE_LIMITS = (wording.NEGATION, *wording.MODALS.values(), *wording.CONDITIONS.values(), *wording.LIMITS.values())
_NO_CONTENT = wording.STOPWORDS | wording.NUMBER_WORDS.keys() | wording.CURRENCIES.keys()
_OPPOSITES = _opposites()
