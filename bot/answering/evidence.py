"""Which sentence of the passages found answers best: every candidate with the figures that speak for it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bot.answering import units
from bot.answering.units import Unit
from bot.engines import claims, wording
from bot.engines.base import Span
from retrieval.snapshot import Snapshot
from retrieval.types import Hit
from retrieval.words import terms

CANDIDATES = 6
"""So many sentences are compared with the question by their vectors; their words choose them."""

_ENGLISH = """tell know want need help please hi hello hey dear thanks thank would like could question wondering
    wonder possible way much many long often get got getting go going let say mean happen happens anything something
    someone"""
_CHINESE = """的 了 吗 呢 吧 啊 是 在 我 你 您 他 她 它 我们 你们 什么 怎么 怎样 如何 多少 多少钱 几 哪 哪里 哪个
    哪些 谁 为什么 是否 可以 能 能不能 可不可以 请问 想 要 有 没有 和 与 或 就 都 也 还 这 那 这个 那个 一个 会 需要
    应该 多久 多长 时候 请 帮 告诉 知道 想要 怎么办 被 把 对 于 为 以 及 其 由 之 个 不"""
FIGURES = (
    *("read", "best_read", "near", "found", "covered", "around"),
    *("ahead", "strange", "typed", "behind", "close", "named"),
)
BEFORE, ASIDE = 1 / 3, 0.15
"""What a word of the turn before, or on a picture, weighs against one that the customer says now."""
SMALL_TALK = frozenset(_ENGLISH.split()) | frozenset(_CHINESE.split()) | wording.STOPWORDS
"""Words of a question that say nothing of what it is about."""

_CODE = re.compile(r"(?=.*[a-z])(?=.*\d)[a-z0-9-]+")
_ASKS_QUANTITY = re.compile(
    r"\b(?:how (?:much|many|long|often|far|old|soon|late|big|heavy|high)|when|what time|which (?:day|year)|prices?|"
    r"costs?|fees?|phone number|percentage|rate)\b|"
    r"多少|几|多久|多长|多高|多大|多重|何时|何年|哪.?年|哪.?天|什么时[候间]|日期|价格|费用|运费",
    re.I,
)
_QUANTITY = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|free|always|never|monthly|daily|weekly)\b|"
    r"[一二两三四五六七八九十百千万][个天日月年次元小时分人名座部所种岁届]|免费",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit with the figures that speak for it, each about 0 to 1.

    `read`: the reader's probability where its span lies in the unit, else 0; `best_read`: in the passage; `near`:
    cosine of question and unit; `found`: cosine of question and passage; `covered`, `around`: share of the question's
    words, by their rarity, in the unit with its headings and in the passage with its; `ahead`: the passage's lead over
    the next one's score, negative when it is behind the best; `strange`: the share of the question's words that no
    document has; `typed`: 1 where the question asks for a quantity and the unit has a number, -1 where it has none;
    `behind`: how much less it covers than the candidate that covers most; `named`: 1 where it has every code on the
    customer's picture that any candidate has.
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
    confidence: float = 0.0

    @property
    def close(self) -> float:
        """The larger of the two cosines: a sentence that says it is enough on a page of other things."""
        return max(self.near, self.found)

    def figures(self) -> dict[str, float]:
        """What goes into the audit trail."""
        return {name: round(float(getattr(self, name)), 4) for name in (*FIGURES, "confidence")}


def rarity(snapshot: Snapshot, question: str, own: str | None = None, *, aside: bool = False) -> dict[str, float]:
    """The question's content words (`retrieval.words.terms`) with their weight: the logarithm of how rare they are.

    Where `question` has more than what the customer says now (`own`: the turn before it, the words on a picture), the
    rest weighs a fifth to a third, a code such as "E04" in full, and what no document has, nothing.
    """
    total = len(snapshot.passages)
    words = question.replace("’", "'").split()
    plain = " ".join(word for word in words if word.lower().strip(".,!?;:\"'()") not in SMALL_TALK)
    said = _terms(question if own is None else own)
    found: dict[str, float] = {}
    for term in dict.fromkeys(terms(plain)):
        count = snapshot.sparse.passages_with(term)
        if term in SMALL_TALK or (aside and not count and term not in said):
            continue
        weight = 1 if term in said or (aside and _CODE.fullmatch(term)) else ASIDE if aside else BEFORE
        found[term] = math.log(1 + (total - count + 0.5) / (count + 0.5)) * weight
    return found


@lru_cache(maxsize=16_384)
def _terms(text: str) -> frozenset[str]:
    return frozenset(terms(text))


def share(weights: Mapping[str, float], text: str) -> float:
    """How much of the question's weight the words of a text have, 0 to 1."""
    whole = sum(weights.values())
    if not whole:
        return 0.0
    here = _terms(text)
    return sum(weight for term, weight in weights.items() if term in here) / whole


def candidates(
    snapshot: Snapshot,
    question: str,
    hits: Sequence[Hit],
    spans: Sequence[Span | None],
    *,
    own: str | None = None,
    aside: bool = False,
) -> list[Candidate]:
    """The sentences worth comparing: each passage's span, and those that share most with the question's words.

    `own` and `aside` are as for `rarity`.
    """
    found: list[Candidate] = []
    weights = rarity(snapshot, question, own, aside=aside)
    asks = bool(_ASKS_QUANTITY.search(question))
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
        others = hits[1].score if rank == 0 and len(hits) > 1 else hits[0].score
        base = Candidate(
            inside[0],
            hit,
            best_read=span.score if span else 0.0,
            found=max(0.0, hit.dense or 0.0),
            around=share(weights, "\n".join([*hit.passage.path, hit.passage.text])),
            ahead=hit.score - others if len(hits) > 1 else 0.1,
            strange=unheard / whole if whole else 0.0,
        )
        for unit in inside:
            is_answer = answer is not None and (unit.start, unit.end) == (answer.start, answer.end)
            read = span.score if is_answer and span else 0.0
            typed = 0.0 if not asks else 1.0 if _QUANTITY.search(unit.evidence) else -1.0
            covered = share(weights, "\n".join([*unit.path, unit.evidence]))
            found.append(replace(base, unit=unit, read=read, covered=covered, typed=typed))
    found = _naming(found, question, aside)
    found.sort(key=lambda each: (-(each.read + each.covered + 0.5 * each.hit.score), each.unit.start))
    most = max((each.covered for each in found), default=0.0)
    return [replace(each, behind=most - each.covered) for each in found[:CANDIDATES]]


def compared(found: Sequence[Candidate], asked: NDArray[np.float32], vectors: NDArray[np.float32]) -> list[Candidate]:
    """The candidates with the cosines of the question's vector [d] and theirs [len(found), d]."""
    return [replace(each, near=max(0.0, float(asked @ vector))) for each, vector in zip(found, vectors, strict=True)]


def _naming(found: Sequence[Candidate], question: str, aside: bool) -> list[Candidate]:
    """Where the question names codes ("E02", "K200"), the candidates that have most of them."""
    codes = {fact for fact in claims.read(question).facts if _CODE.fullmatch(fact)}
    if not codes:
        return list(found)
    said = [codes & claims.read("\n".join([*each.unit.path, each.unit.evidence])).facts for each in found]
    known = frozenset[str]().union(*said)
    most = max(map(len, said), default=0)
    return [
        replace(each, named=float(aside and bool(known) and named == known))
        for each, named in zip(found, said, strict=True)
        if len(named) == most
    ]
