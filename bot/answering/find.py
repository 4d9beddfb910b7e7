"""Finding what answers: search, read, compare, judge. What comes out is ranked; nothing is worded here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from bot.answering import age, confidence, curated, evidence, glossary, names
from bot.answering.curated import Match
from bot.answering.evidence import Candidate
from bot.answering.follow import Query
from bot.engines.base import Encoder, Reader, Span
from bot.timing import Stopwatch
from retrieval import hybrid
from retrieval.snapshot import Snapshot
from retrieval.types import Filters, Hit

READ = 5
"""So many passages are read with a question: what two cores have time for (`frontdesk bench turn`)."""
LOOKED = 12
"""So many passages' sentences are compared with the question: their vectors are there already."""


@dataclass(frozen=True, slots=True)
class Found:
    """The candidates of one search, the best first, the language of the pages that were searched, and what for.

    `read` are the passages found, in their order, with the reader's span in those that it read.
    """

    candidates: tuple[Candidate, ...]
    language: str
    query: Query
    read: tuple[tuple[Hit, Span | None], ...] = ()

    @property
    def confidence(self) -> float:
        """How likely the best candidate is right, calibrated; 0 when there is none."""
        return confidence.calibrated(self.candidates[0].confidence, self.language) if self.candidates else 0.0


class Finder:
    """Looks in pages of the customer's language first, then in others. Models read English; Chinese goes by words."""

    def __init__(self, encoder: Encoder, reader: Reader) -> None:
        self._encoder, self._reader = encoder, reader

    async def find(
        self,
        snapshot: Snapshot,
        query: Query,
        language: str,
        *,
        collections: frozenset[str] | None,
        enough: dict[str, float],
        watch: Stopwatch,
    ) -> Found:
        """The best of the customer's own language if that is enough, else of the others if that is, else the first.

        `enough` has the least confidence, by language, for the customer's and "en".
        Customers see public passages only: the filters' default. Raises QueryError for an unknown collection.
        """
        languages = snapshot.languages
        own = frozenset({language}) & languages
        filters = Filters(collections, own or None)
        found = await self._turned(snapshot, query, language, filters, enough=enough[language], watch=watch)
        others = languages - {language}
        if found.confidence >= enough[language] or not own or not others:
            return found
        if language == "zh":
            translated = glossary.translate(query.text)
            if not translated:
                return found
            query = Query(translated, ((translated, 1.0),))
        other = await self.search(snapshot, query, "en", Filters(collections, others), watch)
        return other if other.confidence >= enough["en"] else found

    async def _turned(
        self, snapshot: Snapshot, query: Query, language: str, filters: Filters, *, enough: float, watch: Stopwatch
    ) -> Found:
        """One search; for a turn that does not say itself that it goes on, first one without what was said before."""
        if query.followed and not query.points:
            found = await self.search(snapshot, query.alone, language, filters, watch)
            if found.confidence >= enough and not names.strange(found.candidates[0], query.everything, snapshot.names):
                return found
        return await self.search(snapshot, query, language, filters, watch)

    async def listed(
        self,
        snapshot: Snapshot,
        query: Query,
        language: str,
        *,
        collections: frozenset[str] | None,
        threshold: float,
        watch: Stopwatch,
    ) -> Match | None:
        """The answer that a list of questions has to this one. What leans on a picture or on what was said before is
        only the same question where it is so word for word."""
        found = curated.candidates(snapshot, Filters(collections, frozenset({language})), date.today())
        if not found or query.aside:
            return None
        with watch.step("listed"):
            vector = await self.vector(query.alone, "zh" if query.followed else language)
            return curated.best(snapshot, query.own, vector, found, 1.0 if query.followed else threshold)

    async def search(
        self, snapshot: Snapshot, query: Query, language: str, filters: Filters, watch: Stopwatch
    ) -> Found:
        """One search with one set of filters."""
        with watch.step("encode"):
            vector = await self.vector(query, language)
        with watch.step("search"):
            hits = hybrid.search(snapshot, query.text, vector, LOOKED, filters, context=query.context)
        return await self.weigh(snapshot, query, vector, hits, language=language, watch=watch)

    async def vector(self, query: Query, language: str) -> NDArray[np.float32]:
        """The query's vector, of length 1; zeros for Chinese, which is searched by words."""
        if language == "zh":
            return np.zeros(self._encoder.dimensions, np.float32)
        vectors = await self._encoder.encode([text for text, _ in query.parts])
        vector = np.array([weight for _, weight in query.parts], np.float32) @ vectors
        return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)

    async def weigh(
        self,
        snapshot: Snapshot,
        query: Query,
        vector: NDArray[np.float32],
        hits: Sequence[Hit],
        *,
        language: str,
        watch: Stopwatch,
    ) -> Found:
        """What the hits have to answer with, judged."""
        if not hits:
            return Found((), language, query)
        spans: list[Span | None] = [None] * len(hits)
        if language != "zh":
            with watch.step("read"):
                spans[:READ] = await self._reader.read(query.text, [hit.passage.text for hit in hits[:READ]])
        with watch.step("select"):
            candidates = evidence.candidates(
                snapshot, query.text, hits, spans, own=query.own, aside=query.aside, context=query.context
            )
            if query.told:
                candidates = evidence.told(candidates, query.told)
        if language != "zh" and candidates:
            with watch.step("compare"):
                vectors, unknown = snapshot.pieces.find([each.unit.placed for each in candidates])
                if unknown:  # a span over two sentences, or an index that another version made
                    vectors[unknown] = await self._encoder.encode([candidates[at].unit.placed for at in unknown])
                candidates = evidence.compared(candidates, vector, vectors)
        coefficients = confidence.CHINESE if language == "zh" else confidence.ENGLISH
        judged = [confidence.judged(each, coefficients) for each in candidates]
        judged.sort(key=lambda each: -each.confidence)
        judged = names.named(judged, query.own, snapshot.names)
        judged = age.settled(judged, date.today())
        return Found(tuple(judged), hits[0].passage.language, query, tuple(zip(hits, spans, strict=True)))
