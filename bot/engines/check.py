"""The checker "evidence": a sentence passes when one place in the evidence says the same, limits and all.

A place is one sentence of the evidence, or two that follow each other. Of its clauses, the sentence is held against
every shortest run that has as much of it as the whole place has. It passes when the place has all its content words but
the empty verbs of small talk ("get", "cost", ...), and one such run

- has every number with its unit, amount, date, time, URL, address, code and proper name of the sentence,
- has none of its words' opposites,
- has as many negations, and the same quantifiers and bounds ("all", "up to", "at least", ...),
- makes the same thing a duty or a possibility, and says of the same side (we, you) that it does it,

while the sentences that the run stands in have the same conditions ("if", "unless", "only", "until", ...), so that none
was dropped or invented, and when the sentence is close in meaning to the place and to the question. Vectors are asked
only for English; Chinese has pairs of characters instead, the default encoder being English.

What it lets through and what it blocks was measured on sentences of help pages, true and corrupted:
see `tests/bot/engines/test_check.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from bot import sentences as cut
from bot.engines import claims, wording
from bot.engines.base import Encoder, Verdict
from bot.engines.claims import Claims
from bot.engines.weights import Weights
from bot.settings import Settings

CLOSE = 0.55
"""The least cosine between a sentence and its evidence."""
RELEVANT = 0.15
"""The least cosine between a sentence and the question, unless they share a content word."""
UNKNOWN = "nothing in the evidence speaks of it"
OFF = "it does not speak to the question"
CLAUSES = 10
"""A place with more clauses than these is compared as a whole only: runs grow with their square."""


@dataclass(frozen=True, slots=True)
class _Place:
    """One or two sentences of the evidence; `context` are the words of the headings above them."""

    sentences: tuple[str, ...]
    context: frozenset[str]

    @property
    def text(self) -> str:
        return " ".join(self.sentences)


@dataclass(frozen=True, slots=True)
class _Run:
    """Neighbouring clauses of a place, and all sentences that they stand in."""

    text: str
    sentences: str


Kind = Literal[
    "", "form", "unknown", "fact", "condition", "negation", "quantifier", "opposite", "duty", "doer", "far", "off"
]


@dataclass(frozen=True, slots=True)
class Finding:
    """What the rules think of a sentence: the place that says it and no `kind`, or what is wrong with it.

    `kind` "form": it is a question, says nothing or was cut short; "unknown": no place has its words; "far": its vector
    is far from the place's; "off": it does not speak to the question; the others say in what it differs from a place.
    """

    kind: Kind = ""
    reason: str = ""
    support: float = 0.0
    place: _Place | None = None


class EvidenceChecker:
    """Rules over words, with the encoder's vectors for meaning. It holds no model of its own."""

    name = "evidence-1"

    def __init__(self, settings: Settings, weights: Weights | None, *, encoder: Encoder) -> None:
        del settings, weights  # every engine is made alike; this one has neither
        self._encoder = encoder

    async def start(self) -> None:
        """The encoder is started by whoever owns it."""

    async def close(self) -> None:
        """Nothing is held."""

    def ready(self) -> bool:
        return self._encoder.ready()

    async def check(self, question: str, sentences: Sequence[str], evidence: Sequence[str]) -> list[Verdict]:
        """One verdict a sentence. A text of the evidence may begin with a line "# Title > Section": what it names is
        what all its sentences speak of.
        """
        findings = await self.judge(question, sentences, places(evidence))
        return [Verdict(not each.kind, each.support, each.reason) for each in findings]

    async def judge(self, question: str, sentences: Sequence[str], places: Sequence[_Place]) -> list[Finding]:
        """One finding a sentence. Of an empty question nothing is asked: every sentence speaks to it."""
        found = [supporting(sentence, places) for sentence in sentences]
        wanted = [at for at, each in enumerate(found) if each.place and not claims.is_chinese(sentences[at])]
        if not wanted:
            return found
        texts = [question, *(sentences[at] for at in wanted), *(_text(found[at].place) for at in wanted)]
        vectors = await self._encoder.encode(texts)
        for order, at in enumerate(wanted, start=1):
            said, shown = vectors[order], vectors[order + len(wanted)]
            support = max(0.0, min(1.0, float(said @ shown)))
            if support < CLOSE:
                found[at] = Finding("far", "its meaning is far from the evidence", support)
            elif not speaks_to(question, sentences[at], float(said @ vectors[0])):
                found[at] = Finding("off", OFF, support)
            else:
                found[at] = replace(found[at], support=support)
        return found


def speaks_to(question: str, sentence: str, cosine: float) -> bool:
    """Whether a sentence has to do with the question: they share a content word, or are near in meaning."""
    shares = claims.read(question).words & claims.read(sentence).words
    return not question.strip() or bool(shares) or cosine >= RELEVANT


def supporting(sentence: str, places: Sequence[_Place]) -> Finding:
    """The place that says this sentence, or what the best place lacks."""
    ours = claims.read(sentence)
    if sentence.rstrip().endswith(("?", "？")):
        return Finding("form", "it is a question")
    if not ours.words and not ours.facts:
        return Finding("form", "it says nothing")
    if not cut.complete(sentence):
        return Finding("form", "it was cut short")
    best, lacks = -1.0, Finding("unknown", UNKNOWN)
    alone = False
    for place in places:
        if len(place.sentences) > 1 and alone:
            break  # one sentence has its words, so numbers and names from the sentence beside it are no support
        if same(place.text, sentence):
            return Finding(place=place, support=1.0)
        covered, finding = _compare(ours, place)
        if not finding.kind:
            return finding
        alone = alone or covered == 1.0
        if covered > best:
            best, lacks = covered, finding
    return lacks


def places(evidence: Sequence[str]) -> list[_Place]:
    """All places of the evidence, single sentences first."""
    return sorted((place for text in evidence for place in _places(text)), key=lambda place: len(place.sentences))


def _places(text: str) -> list[_Place]:
    heading, newline, body = text.partition("\n")
    if not (newline and heading.startswith("# ")):
        heading, body = "", text
    context = claims.read(heading).words
    found = [body[start:end] for start, end in cut.split(body)]
    return [_Place((one,), context) for one in found] + [_Place(two, context) for two in pairwise(found)]


def _compare(ours: Claims, place: _Place) -> tuple[float, Finding]:
    """How much of the sentence the place covers, and what it lacks."""
    whole = claims.read(place.text)
    words = ours.words - wording.EMPTY
    covered = len(words & (whole.words | place.context)) / len(words) if words else 0.0
    if covered < 1:
        unknown = ", ".join(sorted(words - whole.words - place.context))
        return covered, Finding("unknown", f"{UNKNOWN}: {unknown}")
    if (fact := claims.missing(ours, whole)) and fact not in place.context:
        return covered, Finding("fact", f"not in the evidence: {fact}")
    finding = Finding("unknown", UNKNOWN)
    for run in _runs(ours, whole, place):
        finding = _differs(ours, claims.read(run.text), claims.read(run.sentences).conditions)
        if not finding.kind:
            return covered, Finding(place=place, support=1.0)
    return covered, finding


def _runs(ours: Claims, whole: Claims, place: _Place) -> list[_Run]:
    """The shortest runs that have every word and fact of ours which the place has."""
    parts = [(part, at) for at, sentence in enumerate(place.sentences) for part in claims.clauses(sentence)]
    everything = _Run(place.text, place.text)
    if not 2 <= len(parts) <= CLAUSES:
        return [everything]
    shared_words, shared_facts = ours.words & whole.words, ours.facts & whole.facts
    found: list[tuple[int, int]] = []
    for size in range(1, len(parts) + 1):
        for start in range(len(parts) - size + 1):
            inside = any(start <= begin and end <= start + size for begin, end in found)
            theirs = claims.read(" ".join(part for part, _ in parts[start : start + size]))
            if not inside and shared_words <= theirs.words and shared_facts <= theirs.facts:
                found.append((start, start + size))
    return [_run(place, parts[start:end]) for start, end in found] or [everything]


def _run(place: _Place, parts: Sequence[tuple[str, int]]) -> _Run:
    touched = sorted({at for _, at in parts})
    return _Run(" ".join(part for part, _ in parts), " ".join(place.sentences[at] for at in touched))


def _differs(ours: Claims, theirs: Claims, conditions: frozenset[str]) -> Finding:
    """What our claims have that a run of clauses does not, or the other way round; no kind when they agree.

    `conditions` are those of the run's whole sentences.
    """
    dropped = sorted(ours.conditions ^ conditions)
    limits = sorted(ours.limits ^ theirs.limits)
    word = claims.opposite(ours.words, theirs.words)
    swapped = sorted((who, verb) for who, verb in ours.doers if _other(who, verb) in theirs.doers - ours.doers)
    duty = _duties(ours) ^ _duties(theirs) or {
        name for name in ours.modals - theirs.modals if not name.startswith("may")
    }
    complaints: tuple[tuple[Kind, object, str], ...] = (
        ("condition", dropped, f"a condition differs: {', '.join(dropped)}"),
        ("negation", ours.negations != theirs.negations, "a negation differs"),
        ("quantifier", limits, f"a quantifier differs: {', '.join(limits)}"),
        ("opposite", word, f"the evidence says the opposite of '{word}'"),
        ("duty", duty, "a duty differs"),
        ("doer", swapped, f"someone else does it: {' '.join(swapped[0])}" if swapped else ""),
    )
    return next((Finding(kind, reason) for kind, differs, reason in complaints if differs), Finding())


def _duties(of: Claims) -> frozenset[str]:
    return frozenset(name for name in of.modals if name.startswith("must"))


def _other(who: str, verb: str) -> tuple[str, str]:
    return ("you" if who == "we" else "we", verb)


def same(one: str, other: str) -> bool:
    """Whether two texts have the same letters, marks and all, but for what nobody hears."""
    return _letters(one) == _letters(other)


def _letters(text: str) -> str:
    """A text without the differences that nobody hears: case, spaces, marks at its ends."""
    return " ".join(text.lower().split()).strip(" .。-•")


def _text(place: _Place | None) -> str:
    return place.text if place else ""
