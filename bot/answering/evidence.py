"""Which sentence of the passages found answers best: every candidate with the figures that speak for it."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bot.answering import units
from bot.answering.units import Unit
from bot.engines import claims, wording
from bot.engines.base import Span
from bot.engines.claims import Claims
from bot.lexicon import trade
from retrieval.concepts import Concepts
from retrieval.snapshot import Snapshot
from retrieval.types import Hit
from retrieval.words import is_character, terms

_ENGLISH = """tell know want need help please hi hello hey dear thanks thank would like could question wondering
    wonder possible way much many long often get got getting go going let say mean happen happens anything something
    someone"""
_CHINESE = """的 了 吗 呢 吧 啊 是 在 我 你 您 他 她 它 我们 你们 什么 怎么 怎样 如何 多少 多少钱 几 哪 哪里 哪个
    哪些 谁 为什么 是否 可以 能 能不能 可不可以 请问 想 要 有 没有 和 与 或 就 都 也 还 这 那 这个 那个 一个 会 需要
    应该 多久 多长 时候 请 帮 告诉 知道 想要 怎么办 被 把 对 于 为 以 及 其 由 之 个 不"""
FIGURES = (
    *("read", "best_read", "near", "found", "covered", "around"),
    *("ahead", "strange", "typed", "behind", "close", "named", "told"),
)
BEFORE, ASIDE = 1 / 3, 0.15
"""What a word of the turn before, or on a picture, weighs against one that the customer says now."""
CHARACTER = 0.5
"""What a character weighs beside the word that it is part of."""
LITERAL = 0.2
"""What a word weighs beside what it means: "快递" is close to "配送", and the same as "快递"."""
ANY_ROW = 0.8
"""A row that the question does not name is one of many: a sentence that says nearly as much is better."""
BELOW = 0.95
"""A page says first what it is about: what stands under a further heading weighs a little less, in Chinese."""
MISSED = 0.75
"""What is left of a Chinese sentence's words where it has not the amount or the time that was asked for."""
HEADINGS = 0.95
"""What a word in the headings counts of one in the sentence, in Chinese, where no vector tells sentences apart."""
REPEATED = 0.8
"""Who was told so much of a sentence's words was told the sentence."""
KEPT = 32_768
"""Texts whose words are remembered, some 2 KB each: a sentence's words are the same whatever is asked of it."""
SMALL_TALK = frozenset(_ENGLISH.split()) | frozenset(_CHINESE.split()) | wording.STOPWORDS
"""Words of a question that say nothing of what it is about."""

_SEAM = re.compile(r"(?<=[\u3400-\u9fff])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?=[\u3400-\u9fff])")
_CODE = re.compile(r"(?=.*[a-z])(?=.*\d)[a-z0-9-]+")
_ASKS_QUANTITY = re.compile(
    r"\b(?:how (?:much|many|long|often|far|old|soon|late|big|heavy|high)|when|what time|which (?:day|year)|prices?|"
    r"costs?|fees?|phone number|percentage|rate)\b",
    re.I,
)
_QUANTITY = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|free|always|never|monthly|daily|weekly)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit with the figures that speak for it, each about 0 to 1.

    `read`: the reader's probability where its span lies in the unit, else 0; `best_read`: in the passage; `near`:
    cosine of question and unit; `found`: cosine of question and passage; `covered`, `around`: share of the question's
    words, by their rarity, in the unit with its headings and in the passage with its; `ahead`: the passage's lead over
    the next one's score, negative when it is behind the best; `strange`: the share of the question's words that no
    document has; `typed`: 1 where the question asks for a quantity (in Chinese: an amount, a duration, a place)
    and the unit has one, -1 where it has none;
    `behind`: how much less it covers than the candidate that covers most; `named`: 1 where it has every code on the
    customer's picture that any candidate has, or is the row that the picture names;
    `told`: 1 where the customer was told this in the conversation.
    """

    unit: Unit
    hit: Hit
    read: float = 0.0
    best_read: float = 0.0
    near: float = 0.0
    found: float = 0.0
    covered: float = 0.0
    around: float = 0.0
    ahead: float = 0.0
    strange: float = 0.0
    typed: float = 0.0
    behind: float = 0.0
    named: float = 0.0
    told: float = 0.0
    confidence: float = 0.0

    @property
    def close(self) -> float:
        """The larger of the two cosines: a sentence that says it is enough on a page of other things."""
        return max(self.near, self.found)

    def figures(self) -> dict[str, float]:
        """All but the confidence, rounded."""
        return {name: round(float(getattr(self, name)), 4) for name in FIGURES}


def rarity(snapshot: Snapshot, question: str, own: str | None = None, *, aside: bool = False) -> dict[str, float]:
    """The question's content words (`retrieval.words.terms`) with their weight: the logarithm of how rare they are.

    What a word means (`retrieval.concepts`) is a term too, and the word itself then weighs less, or nothing where no
    document has it. Where `question` has more than what the customer says now (`own`: the turn before it, the words on
    a picture), the rest weighs a fifth to a third, a code such as "E04" in full, and what no document has, nothing.
    """
    total, concepts = len(snapshot.passages), snapshot.sparse.concepts
    words = question.replace("’", "'").split()
    plain = " ".join(word for word in words if word.lower().strip(".,!?;:\"'()") not in SMALL_TALK)
    said = _terms(concepts, question if own is None else own)
    known = dict.fromkeys(concepts.words(plain))
    found: dict[str, float] = {}
    for term in dict.fromkeys([*terms(concepts.rest(plain), SMALL_TALK), *known, *concepts.terms(plain)]):
        count = snapshot.sparse.passages_with(term)
        if term in SMALL_TALK or (not count and (term in known or (aside and term not in said))):
            continue
        weight = 1 if term in said or (aside and _CODE.fullmatch(term)) else ASIDE if aside else BEFORE
        weight *= LITERAL if term in known else CHARACTER if is_character(term) else 1
        found[term] = math.log(1 + (total - count + 0.5) / (count + 0.5)) * weight
    return found


@lru_cache(maxsize=KEPT)
def _terms(concepts: Concepts, text: str) -> frozenset[str]:
    return frozenset(terms(text)).union(concepts.terms(text))


def share(weights: Mapping[str, float], concepts: Concepts, text: str) -> float:
    """How much of the question's weight the words of a text have, 0 to 1."""
    whole = sum(weights.values())
    if not whole:
        return 0.0
    here = _terms(concepts, text)
    return sum(weight for term, weight in weights.items() if term in here) / whole


def fits(question: str, answer: str) -> float:
    """1 where the answer has what the question asks for: a quantity, an amount, a time; -1 where not; else 0."""
    if claims.is_chinese(question):
        kind = trade.kind(question)
        return 0.0 if kind is None else 1.0 if kind.gives.search(answer) else -1.0
    if not _ASKS_QUANTITY.search(question):
        return 0.0
    return 1.0 if _QUANTITY.search(answer) else -1.0


def candidates(
    snapshot: Snapshot,
    question: str,
    hits: Sequence[Hit],
    spans: Sequence[Span | None],
    *,
    own: str | None = None,
    aside: bool = False,
    context: str = "",
) -> list[Candidate]:
    """Every sentence of the passages, and each passage's span. `own` and `aside` are as for `rarity`, `context` is what
    was said before.
    """
    found: list[Candidate] = []
    weights = rarity(snapshot, f"{context} {question}".strip(), own, aside=aside)
    concepts, chinese = snapshot.sparse.concepts, claims.is_chinese(question)
    kind = trade.kind(question) if chinese else None
    strict = kind is not None and kind.strict
    whole = sum(weights.values())
    unheard = sum(weight for term, weight in weights.items() if not snapshot.sparse.passages_with(term))
    for rank, (hit, span) in enumerate(zip(hits, spans, strict=True)):
        document = snapshot.documents[(hit.passage.collection, hit.passage.document)]
        inside = units.units(document, hit.passage)
        if not inside:
            continue
        answer = None
        if span is not None and span.end > span.start:
            answer = units.overlapping(inside, hit.passage.start + span.start, hit.passage.start + span.end)
        if answer is not None and all((unit.start, unit.end) != (answer.start, answer.end) for unit in inside):
            inside.append(answer)
        others = _others(hits, rank, chinese)
        base = Candidate(
            inside[0],
            hit,
            best_read=span.score if span else 0.0,
            found=max(0.0, hit.dense or 0.0),
            around=share(weights, concepts, "\n".join([*hit.passage.path, hit.passage.text])),
            ahead=hit.score - others if others is not None else 0.1,
            strange=unheard / whole if whole else 0.0,
        )
        for unit in inside:
            is_answer = answer is not None and (unit.start, unit.end) == (answer.start, answer.end)
            read = span.score if is_answer and span else 0.0
            typed = fits(question, unit.evidence)
            covered = share(weights, concepts, "\n".join([*unit.path, unit.asked, unit.evidence]))
            if chinese:
                covered = HEADINGS * covered + (1 - HEADINGS) * share(weights, concepts, unit.evidence)
                if unit.kind == "row" and not share(weights, concepts, unit.quote.split(" | ")[0]):
                    covered *= ANY_ROW
                if len(unit.path) > 1:
                    covered *= BELOW
                if typed < 0 and strict:
                    covered *= MISSED
            found.append(replace(base, unit=unit, read=read, covered=covered, typed=typed))
    found = _naming(found, question, question if own is None else own, aside)
    if aside:
        found = _pointed(found, question)
    found.sort(key=lambda each: (-(each.read + each.covered + 0.5 * each.hit.score), each.unit.start))
    most = max((each.covered for each in found), default=0.0)
    return [replace(each, behind=most - each.covered) for each in found]


def _others(hits: Sequence[Hit], rank: int, chinese: bool) -> float | None:
    """The score of the best passage beside this one; in Chinese, of the best on another page. None without any."""
    page = hits[rank].passage
    apart = [
        hit.score
        for at, hit in enumerate(hits)
        if at != rank
        and not (chinese and (hit.passage.collection, hit.passage.document) == (page.collection, page.document))
    ]
    return max(apart, default=None)


def compared(found: Sequence[Candidate], asked: NDArray[np.float32], vectors: NDArray[np.float32]) -> list[Candidate]:
    """The candidates with the cosines of the question's vector [d] and theirs [len(found), d]."""
    return [replace(each, near=max(0.0, float(asked @ vector))) for each, vector in zip(found, vectors, strict=True)]


def told(found: Sequence[Candidate], before: str) -> list[Candidate]:
    """The candidates, those marked that say nothing but what was said before: a follow-up wants to know more.

    All their figures were told, or where they have none, nearly all their words.
    """
    said = claims.read(before)
    return [replace(each, told=float(_repeats(claims.read(each.unit.evidence), said))) for each in found]


def _repeats(ours: Claims, said: Claims) -> bool:
    figures = {fact for fact in ours.facts if any(map(str.isdigit, fact))}
    if figures:
        return figures <= said.facts
    return len(ours.words & said.words) >= REPEATED * len(ours.words)


def _naming(found: Sequence[Candidate], question: str, own: str, aside: bool) -> list[Candidate]:
    """Where the question names codes ("E02", "K200"), the candidates that have most of them.

    The customer's own come first. Of what was said before (it is in `question` beside them), the product is still
    meant, which a page's headings name, and not the error that was asked about then.
    """
    codes = {fact for fact in _facts(question) if _CODE.fullmatch(fact)}
    if not codes:
        return list(found)
    now = codes if aside else codes & _facts(own)
    said = []
    for each in found:
        place = _facts("\n".join(each.unit.path))
        said.append((now & (place | _facts(each.unit.evidence))) | ((codes - now) & place))
    known = frozenset[str]().union(*said)
    most = max(((len(named & now), len(named)) for named in said), default=(0, 0))
    return [
        replace(each, named=float(aside and bool(known) and named == known))
        for each, named in zip(found, said, strict=True)
        if (len(named & now), len(named)) == most
    ]


def _pointed(found: Sequence[Candidate], shown: str) -> list[Candidate]:
    """Where a picture has the Chinese name of a row between blanks, that row is named; of several the first one.

    The newest state of a parcel, the title of a warning: what a screen is about stands above the rest.
    """
    keys = [each.unit.quote.split(" | ")[0].strip() if each.unit.kind == "row" else "" for each in found]
    lines = shown.split()
    first = next((line for line in lines if claims.is_chinese(line) and line in keys), None)
    if first is None:
        return list(found)
    return [replace(each, named=1.0) if key == first else each for each, key in zip(found, keys, strict=True)]


def _facts(text: str) -> frozenset[str]:
    """`claims.read`'s, also where a code stands between Chinese characters without a blank."""
    return frozenset(claims.read(_SEAM.sub(" ", text)).facts)


def read_ahead(snapshot: Snapshot, seconds: float = 3.0) -> int:
    """Read the words of the index's sentences now, not in a customer's turn; as many as there is room and time for.

    Returns how many passages were read.
    """
    until, concepts = time.monotonic() + seconds, snapshot.sparse.concepts
    for number, passage in enumerate(snapshot.passages):
        if time.monotonic() > until or _terms.cache_info().currsize >= KEPT // 2:
            return number
        _terms(concepts, "\n".join([*passage.path, passage.text]))
        for unit in units.units(snapshot.documents[(passage.collection, passage.document)], passage):
            _terms(concepts, "\n".join([*unit.path, unit.asked, unit.evidence]))
            if passage.language == "zh":
                _terms(concepts, unit.evidence)
                _terms(concepts, unit.quote.split(" | ")[0])
    return len(snapshot.passages)
