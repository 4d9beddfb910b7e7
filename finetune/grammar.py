"""Just enough English grammar to find what a sentence can be asked for: names, numbers and noun phrases.

No tagger: a closed list of function words, and what the texts themselves show of their other words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from finetune.texts import Text


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TOKEN = re.compile(r"[$€£]?\d[\d,.]*\d%?|[$€£]?\d%?|[A-Za-z]\.(?:[A-Za-z]\.)+|\w+(?:[-'’]\w+)*|\S")
DETERMINERS = _words("a an the this that these those his her its their our your my some any each every no")
PREPOSITIONS = _words(
    "of in on at by for with from to into onto over under between among during through against about across after "
    "before without within near around since until upon towards toward via per despite behind beyond along"
)
AUXILIARIES = _words(
    "is are was were be been being has have had do does did can could will would shall should may might must"
)
PRONOUNS = _words("he she it they we you i who which that what whom whose him them us me there")
LINKS = _words(
    "and or but nor so yet as than if when while where because although though however therefore also not only both "
    "either neither such then thus more most very too just even still often usually later first rather other many much "
    "all"
)
FUNCTION = DETERMINERS | PREPOSITIONS | AUXILIARIES | PRONOUNS | LINKS
MONTHS = _words("january february march april may june july august september october november december")
YEAR = re.compile(r"(1\d{3}|20\d{2})(s|\b)")


@dataclass(frozen=True, slots=True)
class Phrase:
    """What can be asked for: tokens `first` to `last` (not included) of a sentence. `kind` decides the question."""

    first: int
    last: int
    kind: str


class Grammar:
    """What the texts themselves tell of their words: which are verbs, and which are written with a capital as names."""

    def __init__(self, texts: Sequence[Text]) -> None:
        verb: Counter[str] = Counter()
        noun: Counter[str] = Counter()
        small: Counter[str] = Counter()
        large: Counter[str] = Counter()
        for text in texts:
            tokens = [".", *TOKEN.findall(text.text), "."]
            for before, here, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
                if not here[0].isalpha():
                    continue
                (small if here[0].islower() else large)[here.lower()] += before not in {".", "?", "!", ":", '"', "“"}
                left, right, word = before.lower(), after.lower(), here.lower()
                if left in PRONOUNS | AUXILIARIES | {"to", "not", "also", "then"}:
                    verb[word] += 1
                if left in DETERMINERS | {"of"} or (left in PREPOSITIONS - {"to"} and not after[0].isalpha()):
                    noun[word] += 1
                if right in DETERMINERS - {"that", "this"} and left not in DETERMINERS | PREPOSITIONS:
                    verb[word] += 1
                if right in PREPOSITIONS | AUXILIARIES and left in DETERMINERS:
                    noun[word] += 2
        self.verbs = frozenset(word for word, count in verb.items() if count > noun[word])
        self.names = frozenset(word for word, count in large.items() if count > 2 * small[word])

    def is_verb(self, word: str) -> bool:
        low = word.lower()
        return low in self.verbs or (low not in self.names and low.endswith(("ed", "ing")) and len(low) > 4)

    def phrases(self, tokens: Sequence[str]) -> tuple[Phrase, ...]:
        """Names, numbers and noun phrases of a sentence, longest runs, in order."""
        kinds = [self._kind(tokens, at) for at in range(len(tokens))]
        found, at = [], 0
        while at < len(tokens):
            kind, end = kinds[at], at
            if not kind:
                at += 1
                continue
            while end < len(tokens) and kinds[end] and (kinds[end] == kind or "noun" in (kind, kinds[end])):
                end += 1
                if kind == "noun" and end < len(tokens) and kinds[end] == "number":
                    break
            run = {kinds[place] for place in range(at, end)}
            kind = "name" if "name" in run and run <= {"name", "noun"} else kind
            if end - at <= 6:
                found.append(Phrase(at, end, _number_kind(tokens, at, end) if kind == "number" else kind))
            at = end
        return tuple(found)

    def _kind(self, tokens: Sequence[str], at: int) -> str:
        word, low = tokens[at], tokens[at].lower()
        if any(letter.isdigit() for letter in word):
            return "number"
        if low in MONTHS and word[0].isupper() and (low not in FUNCTION or at > 0):  # "May I" begins no date
            return "number"
        if not word[0].isalpha() or low in FUNCTION or len(word) == 1:
            return ""
        if word[0].isupper() and (at > 0 or low in self.names):
            return "name"
        return "" if self.is_verb(word) or low.endswith("ly") else "noun"


def _number_kind(tokens: Sequence[str], first: int, last: int) -> str:
    words = [token.lower() for token in tokens[first:last]]
    if any(word in MONTHS for word in words) or any(YEAR.fullmatch(word) for word in words):
        return "date"
    if any("$" in word or "€" in word or "£" in word for word in words) or (first and tokens[first - 1] in "$€£"):
        return "money"
    return "percent" if any("%" in word or word == "percent" for word in words) else "number"
