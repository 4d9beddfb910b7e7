"""Which intent a message has, for a bot with intents: a trained head where there is one, else the nearest examples.

How sure it is: the likeness (cosine) of each intent's nearest example, sharpened, with one more place for "none of
them", which is as like as nothing of the bot's usually is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from bot import lexicon
from bot.commands import Intent
from bot.engines.base import Classifier, Encoder
from bot.errors import EngineError
from bot.flows.nlu import Nlu
from bot.flows.story import Thresholds
from bot.understanding.entities import EntityFinder

log = logging.getLogger(__name__)

FALLBACK = "nlu_fallback"
SHARP = 12.0
"""What likeness is multiplied by before intents share what there is."""
NONE = 0.42
"""The likeness of "none of them"."""
LEAST = 0.4
"""How sure an intent must be where the bot's `config.yml` does not say."""


class Recognizer:
    """Recognizes the intents and entities of one bot. Without an encoder only the examples themselves are known."""

    def __init__(
        self,
        nlu: Nlu,
        entities: Collection[str],
        thresholds: Thresholds,
        *,
        encoder: Encoder | None = None,
        classifier: Classifier | None = None,
        clock: Callable[[], datetime],
    ) -> None:
        self._examples = nlu.examples
        self._intents = nlu.intents
        self._exact = {_plain(example.text): example.intent for example in reversed(nlu.examples)}
        self._finder = EntityFinder(nlu, entities)
        self._thresholds = thresholds
        self._encoder, self._classifier = encoder, classifier
        self._clock = clock
        self._vectors: NDArray[np.float32] | None = None
        self._encoding = asyncio.Lock()

    async def recognize(self, text: str) -> Intent:
        """The intent, `nlu_fallback` where none is sure enough, with the entities. Never raises for what was written:
        engines that fail are done without."""
        entities = self._finder.find(text, self._clock())
        try:
            ranking = await self._ranked(text)
        except EngineError as error:
            log.warning("intents go by their examples' words alone: %s", error)
            ranking = self._known(text)
        least = LEAST if self._thresholds.intent is None else self._thresholds.intent
        name, sure = ranking[0] if ranking else (FALLBACK, 1.0)
        close = len(ranking) > 1 and sure - ranking[1][1] < self._thresholds.ambiguity
        if sure < least or (close and self._thresholds.intent is not None):
            return Intent(FALLBACK, 1.0 - sure, entities, text, name if ranking else "")
        return Intent(name, sure, entities, text)

    async def _ranked(self, text: str) -> list[tuple[str, float]]:
        """The intents with how sure each is, the surest first."""
        known = self._known(text)
        if known or not self._intents:
            return known
        if self._classifier is not None and set(self._intents) >= set(self._classifier.labels):
            [result] = await self._classifier.classify([text])
            return list(result.ranking) if result.label is not None else []
        if self._encoder is None:
            return []
        async with self._encoding:
            if self._vectors is None:
                self._vectors = await self._encoder.encode([example.text for example in self._examples])
        [vector] = await self._encoder.encode([text])
        return self._shares(self._vectors @ vector)

    def _known(self, text: str) -> list[tuple[str, float]]:
        intent = self._exact.get(_plain(text))
        return [] if intent is None else [(intent, 1.0)]

    def _shares(self, likeness: NDArray[np.float32]) -> list[tuple[str, float]]:
        best = dict.fromkeys(self._intents, NONE - 1.0)
        for example, each in zip(self._examples, likeness.tolist(), strict=True):
            best[example.intent] = max(best[example.intent], each)
        return ranked(best)


def ranked(likeness: dict[str, float]) -> list[tuple[str, float]]:
    """How sure each intent is, from its likeness to a message; together they and "none of them" make 1."""
    weights = {name: float(np.exp(SHARP * each)) for name, each in likeness.items()}
    whole = sum(weights.values()) + float(np.exp(SHARP * NONE))
    return sorted(((name, weight / whole) for name, weight in weights.items()), key=lambda pair: -pair[1])


def _plain(text: str) -> str:
    return lexicon.plain(text).strip(" .!?,;。！？，；")
