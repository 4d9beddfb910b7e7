"""A question to a cited answer from the documents, or to the word that they have none.

Encode, search, read the best passages, turn the best span into the sentence, list item or table row that it stands in,
and say how sure that is; below the bot's threshold for the language, abstain. With a generator, let it phrase the
answer, check every sentence, and show what passes; the document's own words are there before it starts, so its failing
or being late costs nothing. Whatever is shown is cited: `text[start:end] == quote`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.answering import confidence, curated, evidence, follow, units
from bot.answering.beside import beside
from bot.answering.curated import Match
from bot.answering.evidence import Candidate
from bot.answering.find import Finder, Found
from bot.answering.follow import Query
from bot.answering.grounds import grounds_of
from bot.answering.phrase import Wording, phrase
from bot.answering.units import Unit
from bot.answering.unsure import choices
from bot.botfile import BotFile
from bot.engines.base import ChatMessage, Checker, Encoder, Generator, Reader
from bot.events import Grounds
from bot.prompts import Prompts
from bot.settings import Settings
from bot.timing import Stopwatch
from bot.types import Citation, Outcome
from retrieval.snapshot import Snapshot

THRESHOLD = 0.5
"""The confidence below which is abstained, where bot.toml names none for the language."""
ASK = 0.65
"""From this share of the threshold on it is asked which of several like things is meant."""
SHOWN = 3
"""The generator is shown at most so many pieces of evidence; the small one in process only what answers."""
PROMPT_CHARACTERS = 700
_HOW = re.compile(
    r"\b(?:how (?:do|can|to|should|would|does)|steps?|procedure|instructions|what (?:do|should) i do)\b|怎么|如何|步骤",
    re.I,
)

Emit = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """`outcome` is answered, asked or abstained; `text` is "" but when answered. `[n]` in it is the n-th citation.

    `confidence` is 0 to 1, `language_of_source` the language of the page when it is not the one asked for (else None),
    `evidence` the scores that led here, `timings_ms` by step, `generated` whether the wording is the generator's,
    `grounds` what the audit trail keeps beside, `choices` what the customer may mean, where that is to be asked.
    """

    text: str
    citations: tuple[Citation, ...]
    outcome: Outcome
    confidence: float
    language_of_source: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    generated: bool = False
    grounds: Grounds | None = None
    choices: tuple[str, ...] = ()


class Answerer:
    """Answers from one index with one set of engines; `index` gives the snapshot that is current."""

    def __init__(
        self,
        *,
        encoder: Encoder,
        reader: Reader,
        checker: Checker,
        generator: Generator | None,
        index: Callable[[], Snapshot],
        prompts: Prompts,
        botfile: BotFile,
        settings: Settings,
    ) -> None:
        self._finder = Finder(encoder, reader)
        self._checker, self._generator = checker, generator
        self._index, self._prompts, self._botfile = index, prompts, botfile
        wanted = settings.generator if settings.generator is not None else botfile.generator.enabled
        self._generates = generator is not None and wanted
        # The generator in process knows English only, and can do little more than repeat what it is shown.
        self._speaks = frozenset({"en"}) if settings.engines.generator.startswith("smollm2") else None

    def read_ahead(self) -> None:
        """See `evidence.read_ahead`."""
        evidence.read_ahead(self._index())

    async def answer(
        self,
        question: str,
        *,
        language: str,
        history: Sequence[tuple[str, str]] = (),
        collections: frozenset[str] | None = None,
        emit: Emit | None = None,
        shown: str = "",
    ) -> Answer:
        """Answer as a customer may be answered: public documents of these collections only.

        `history` are (role, text) lines before the question, the oldest first; `shown` is what a picture beside the
        question shows (`question` may be empty then). `emit` is told each sentence of the answer as soon as it stands.
        Raises QueryError for an unknown collection and EngineError when encoder or reader fail; a generator that fails
        is not noticed.
        """
        watch = Stopwatch()
        snapshot = self._index()
        query = follow.query(question, history, shown)
        threshold = self._botfile.thresholds.get(curated.NAME, curated.THRESHOLD)
        match = await self._finder.listed(
            snapshot, query, language, collections=collections, threshold=threshold, watch=watch
        )
        if match is not None:
            return _listed(match, query, snapshot, emit or _nobody, watch)
        enough = {name: self._threshold(name) for name in (language, "en")}
        found = await self._finder.find(snapshot, query, language, collections=collections, enough=enough, watch=watch)
        needed, everything = self._threshold(found.language), query
        query = found.query
        scores = _scores(snapshot, query, found)
        if (
            found.candidates
            and found.confidence >= ASK * needed
            and (which := choices(found, everything, snapshot.names))
        ):
            grounds, timings = grounds_of(query, found, scores), _rounded(watch)
            return Answer(
                *("", (), Outcome.ASKED, found.confidence, None, scores, timings), grounds=grounds, choices=which
            )
        if not found.candidates or found.confidence < needed:
            grounds = grounds_of(query, found, scores)
            return Answer("", (), Outcome.ABSTAINED, found.confidence, None, scores, _rounded(watch), grounds=grounds)
        best = self._shown(found, question)
        second = beside(found, best)
        source = found.language if found.language != language else None
        emit = emit or _nobody
        wording = Wording(ended="off")
        if self._may_phrase(language, source) and not _whole(best, found.candidates[0]):
            wording = await self._phrased(query, found, best, emit, watch)
        if second is not None and any((unit.start, unit.end) == (second.start, second.end) for _, unit in wording.said):
            second = None
        text, citations = _told(wording, best, second)
        if not wording.said:
            emit(text)
        elif second is not None:
            emit(_quoted(second))
        scores |= {"generator": wording.ended, "generated": bool(wording.said), "dropped": len(wording.dropped)}
        timings, grounds = _rounded(watch), grounds_of(query, found, scores, wording)
        said = bool(wording.said)
        return Answer(
            text, citations, Outcome.ANSWERED, found.confidence, source, scores, timings, said, grounds=grounds
        )

    def _threshold(self, language: str) -> float:
        return self._botfile.thresholds.get(language, THRESHOLD)

    def _shown(self, found: Found, question: str) -> Unit:
        """The best unit with what it needs to be understood; for a question about how, the whole list."""
        best = found.candidates[0]
        document = best.unit.document
        unit = units.understandable(best.unit, units.units(document, best.hit.passage))
        return units.whole_list(unit) if _HOW.search(question) else unit

    def _may_phrase(self, language: str, source: str | None) -> bool:
        """The generator only words what stands in the customer's language, and one that it knows."""
        known = self._speaks is None or language in self._speaks
        return self._generates and source is None and known

    async def _phrased(self, query: Query, found: Found, best: Unit, emit: Emit, watch: Stopwatch) -> Wording:
        if self._generator is None:
            return Wording(ended="off")
        shown = _evidence(best, found.candidates, SHOWN if self._speaks is None else 1)
        messages = [
            ChatMessage(role, text)
            for role, text in self._prompts.render(
                "answer",
                question=query.text,
                passages=[unit.evidence for unit in shown],
                company=self._botfile.name,
                bot_name=self._botfile.bot_name,
                voice=self._botfile.voice,
                small=self._speaks is not None,
            )
        ]
        began = time.perf_counter()

        def passed(sentence: str, unit: Unit) -> None:
            if "first_sentence" not in watch.steps:
                watch.steps["first_sentence"] = (time.perf_counter() - began) * 1000
            emit(sentence)

        wording = await phrase(
            self._generator,
            self._checker,
            messages,
            query.text,
            shown,
            first_within=self._botfile.generator.first_sentence_seconds,
            passed=passed,
        )
        first = watch.steps.pop("first_sentence", 0.0)
        watch.add({"first_sentence": first, "generate": (time.perf_counter() - began) * 1000 - first})
        return wording


def _listed(match: Match, query: Query, snapshot: Snapshot, emit: Emit, watch: Stopwatch) -> Answer:
    """A curated answer as it stands."""
    found = Found((), match.document.language, query)
    scores = _scores(snapshot, query, found) | {
        "curated": [match.document.collection, match.document.name],
        "likeness": round(match.score, 4),
    }
    emit(match.document.text)
    grounds = grounds_of(query, found, scores)
    text = f"{match.document.text} [1]"
    return Answer(
        text, (match.citation,), Outcome.ANSWERED, match.score, None, scores, _rounded(watch), grounds=grounds
    )


def _whole(unit: Unit, candidate: Candidate) -> bool:
    """Whether it is shown as it stands: half a list, or an error code's meaning without what to do, would mislead.

    A row is worded where one of its cells was asked for: a price, a time.
    """
    return unit.kind == "list" or (unit.kind == "row" and candidate.typed < 1)


def _nobody(_: str) -> None:
    """Nobody listens."""


def _evidence(best: Unit, candidates: Sequence[Candidate], most: int) -> list[Unit]:
    """What the generator is shown: what answers, then others of the same page, as much as a short prompt holds."""
    shown, room = [best], PROMPT_CHARACTERS - len(best.evidence)
    for each in candidates[1:]:
        unit = each.unit
        apart = all(
            unit.document is not other.document or unit.end <= other.start or other.end <= unit.start for other in shown
        )
        if apart and unit.document is best.document and len(unit.evidence) <= room and len(shown) < most:
            shown.append(unit)
            room -= len(unit.evidence)
    return shown


def _told(wording: Wording, best: Unit, second: Unit | None) -> tuple[str, tuple[Citation, ...]]:
    """The answer's text with its numbered citations: the sentences that passed, or the unit itself; then the second."""
    citations: list[Citation] = []
    parts: list[str] = []
    said = wording.said or [(_quoted(best), best)]
    for text, unit in [*said, (_quoted(second), second)] if second else said:
        numbers = []
        for citation in unit.citations():
            if citation not in citations:
                citations.append(citation)
            numbers.append(f"[{citations.index(citation) + 1}]")
        parts.append(f"{text} {''.join(numbers)}")
    return " ".join(parts), tuple(citations)


def _quoted(unit: Unit) -> str:
    return f"{unit.introduction}\n\n{unit.text}" if unit.introduction else unit.text


def _scores(snapshot: Snapshot, query: Query, found: Found) -> dict[str, Any]:
    """What the audit trail keeps: numbers and places, none of the customer's words."""
    best = found.candidates[0] if found.candidates else None
    return {
        "index": snapshot.manifest.id,
        "language": found.language,
        "followed": query.followed,
        "best": confidence.figures(best) if best else None,
        "passages": [
            [each.hit.passage.collection, each.hit.passage.document, each.hit.passage.start, round(each.hit.score, 4)]
            for each in found.candidates[:3]
        ],
    }


def _rounded(watch: Stopwatch) -> dict[str, float]:
    return {name: round(value, 3) for name, value in watch.steps.items()}
